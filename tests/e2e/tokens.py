"""Tokens that nobody may accept, each by what is wrong with it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
from billing_devstack.keys import USER_AUDIENCE, USER_ISSUER
from billing_runtime.keys import read_signing_key
from billing_runtime.service_token import mint_service_token
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e.mesh import Mesh

EXPIRED_S = 3600


def forged(mesh: Mesh, tenant: UUID) -> Mapping[str, str]:
    """Authorization headers by name; an empty one stands for none."""
    public = json.loads(mesh.keys.user_jwks.read_text())["keys"][0]
    key, kid = mesh.keys.user_key.read_bytes(), {"kid": public["kid"], "typ": "JWT"}
    good = claims(tenant)
    stranger = rsa.generate_private_key(65537, 2048)

    def signed(algorithm: str = "RS256", signer: Any = key, head: Any = kid, **changes: Any) -> str:
        changed = {name: value for name, value in {**good, **changes}.items() if value is not None}
        return jwt.encode(changed, signer, algorithm=algorithm, headers=head)

    head, body, signature = signed().split(".")
    admin = _part({**good, "role": "billing_admin", "tenant": str(UUID(int=1))})
    tokens = {
        "not a token": "nonsense",
        "expired": signed(exp=int(time.time()) - EXPIRED_S, nbf=int(time.time()) - 2 * EXPIRED_S),
        "not yet": signed(nbf=int(time.time()) + EXPIRED_S, iat=int(time.time()) + EXPIRED_S),
        "without end": signed(exp=None),
        "alg none": f"{_part({'alg': 'none', **kid})}.{body}.",
        "alg None": f"{_part({'alg': 'None', **kid})}.{body}.",
        "HS256 with the public key": _hs256(public["n"].encode(), kid, good),
        "HS256 with nothing": _hs256(b"", kid, good),
        "RS512": signed("RS512"),
        "another key": signed(signer=stranger),
        "another key that names itself": signed(signer=stranger, head={**kid, "kid": "mine"}),
        "without a key id and another key": signed(signer=stranger, head={"typ": "JWT"}),
        "changed claims": f"{head}.{admin}.{signature}",
        "no signature": f"{head}.{body}.",
        "another issuer": signed(iss="https://issuer.example"),
        "another audience": signed(aud="other-api"),
        "another audience list": signed(aud=["other-api"]),
        "audience of a service": signed(aud="subscriptions"),
    }
    return {"none": "", "basic": "Basic YTpi", **{name: f"Bearer {token}" for name, token in tokens.items()}}


def unfit(mesh: Mesh, tenant: UUID) -> Mapping[str, str]:
    """Well signed, and yet for nobody: only the services can see it."""
    public = json.loads(mesh.keys.user_jwks.read_text())["keys"][0]
    key, head = mesh.keys.user_key.read_bytes(), {"kid": public["kid"], "typ": "JWT"}
    changes: dict[str, dict[str, Any]] = {
        "no tenant": {"tenant": None},
        "tenant of no uuid": {"tenant": "1 or 1=1"},
        "no role": {"role": None},
        "role unknown": {"role": "root"},
        "role of a service": {"role": "service"},
        "customer without an id": {"role": "customer"},
        "customer of another type": {"role": "customer", "customer": "plan_01h455vb4pex5vsknk084sn02q"},
        "subject with NUL": {"sub": "a\x00b"},
    }
    made = {
        name: {k: v for k, v in {**claims(tenant), **each}.items() if v is not None} for name, each in changes.items()
    }
    return {name: f"Bearer {jwt.encode(each, key, algorithm='RS256', headers=head)}" for name, each in made.items()}


def of_service(mesh: Mesh, tenant: UUID, audience: str, signer: str = "invoicing") -> str:
    """The token that one service shows to another."""
    key = read_signing_key(str(mesh.keys.service_key(signer)), str(mesh.keys.service_jwks))
    return mint_service_token(key, audience=audience, tenant_id=tenant, actor="user:e2e", cause="e2e")


def claims(tenant: UUID) -> dict[str, Any]:
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 600}
    who = {"sub": "mallory", "tenant": str(tenant), "role": "billing_admin", "jti": "e2e"}
    return {"iss": USER_ISSUER, "aud": USER_AUDIENCE, **times, **who}


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _hs256(secret: bytes, head: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    import hashlib
    import hmac

    text = f"{_part({'alg': 'HS256', **head})}.{_part(body)}"
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
