"""The development issuer: keys made at first start, key sets for the services and the edge, tokens for people."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from billing_devstack.folder import write_private

USER_ISSUER = "https://issuer.billing.test"
USER_AUDIENCE = "billing-api"
SERVICES = ("subscriptions", "usage", "invoicing", "tax", "payments")
ROLES = ("billing_admin", "billing_viewer", "customer")
TOKEN_TTL_S = 3600
RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Keys:
    """Paths of the keys: the users' key is PEM, a service's is a JWK that carries its `kid`; both sets are JWKS.

    Every file has mode 0600.
    """

    folder: Path

    @property
    def user_key(self) -> Path:
        """RS256: signs the tokens of people."""
        return self.folder / "users.pem"

    @property
    def user_jwks(self) -> Path:
        return self.folder / "users.jwks.json"

    @property
    def service_jwks(self) -> Path:
        """The public keys of all services; each `kid` is the name of the service, a dot and a hash."""
        return self.folder / "services.jwks.json"

    def service_key(self, service: str) -> Path:
        """ES256: signs the tokens of this service."""
        return self.folder / f"{service}.jwk.json"


def ensure(folder: Path, services: Sequence[str] = SERVICES) -> Keys:
    """Makes what is missing, keeps what is there, writes both key sets afresh."""
    keys = Keys(folder)
    write_private(keys.user_jwks, _json({"keys": [_public_user(_user_key(keys.user_key))]}))
    public = [_public_service(keys.service_key(name), name) for name in services]
    write_private(keys.service_jwks, _json({"keys": public}))
    return keys


def mint_user_token(
    keys: Keys,
    role: str,
    tenant: UUID | str,
    subject: str,
    customer_id: str | None = None,
    ttl: int = TOKEN_TTL_S,
) -> str:
    """A signed token of a person: `role` is one of ROLES, `ttl` in seconds (negative: already expired, for tests).

    Role `customer` needs the id of its customer. Raises ValueError for a wrong role or a missing or needless id.
    """
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}, not {role!r}")
    if (role == "customer") != (customer_id is not None):
        raise ValueError("a customer id goes with the role customer, and with no other")
    now = int(time.time())
    claims = {"iss": USER_ISSUER, "aud": USER_AUDIENCE, "sub": subject, "iat": now, "nbf": min(now, now + ttl)}
    claims |= {"exp": now + ttl, "jti": uuid4().hex, "tenant": str(tenant), "role": role}
    if customer_id is not None:
        claims["customer"] = customer_id
    private = _user_key(keys.user_key)
    headers = {"kid": _public_user(private)["kid"], "typ": "JWT"}
    return jwt.encode(claims, private, algorithm="RS256", headers=headers)


def _user_key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        made = rsa.generate_private_key(65537, RSA_BITS)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(path, made.private_bytes(*form))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{path} is no RSA key")
    return key


def _public_user(key: rsa.RSAPrivateKey) -> Mapping[str, Any]:
    return _named(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "users", "RS256")


def _public_service(path: Path, service: str) -> Mapping[str, Any]:
    """The public half of the key in this file, which is made when it is missing."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        public = _named(ECAlgorithm.to_jwk(made.public_key(), as_dict=True), service, "ES256")
        write_private(path, _json({**public, "d": ECAlgorithm.to_jwk(made, as_dict=True)["d"]}))
    stored: dict[str, Any] = json.loads(path.read_text())
    return {name: value for name, value in stored.items() if name != "d"}


def _named(jwk: Mapping[str, Any], owner: str, algorithm: str) -> Mapping[str, Any]:
    """`kid` is `<owner>.<hash of the key>`: a new key has a new name."""
    bare = {name: value for name, value in jwk.items() if name != "key_ops"}
    return {**bare, "use": "sig", "alg": algorithm, "kid": f"{owner}.{sha256(_json(bare)).hexdigest()[:12]}"}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode()
