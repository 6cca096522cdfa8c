"""Tokens of services: ES256, minutes long, one audience, with tenant, original actor and cause."""

import time
from uuid import UUID

import jwt

from billing_runtime.keys import SigningKey

TYPE = "service+jwt"
LIFE_S = 300
RENEW_BEFORE_S = 60
LIFE_MAX_S = 900
CACHE_MAX = 4096


def mint_service_token(key: SigningKey, *, audience: str, tenant_id: UUID, actor: str, cause: str) -> str:
    """A token that lets `key.service` call the service `audience` for one tenant, on behalf of `actor`."""
    now_s = int(time.time())
    claims = {
        "iss": key.service,
        "sub": key.service,
        "aud": audience,
        "iat": now_s,
        "exp": now_s + LIFE_S,
        "tenant": str(tenant_id),
        "act": actor,
        "cause": cause,
    }
    return jwt.encode(claims, key.private, algorithm="ES256", headers={"kid": key.kid, "typ": TYPE})


class Minter:
    """Mints tokens, and gives the same one again while it lives: cached by (audience, tenant, actor, cause)."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._tokens: dict[tuple[str, UUID, str, str], tuple[float, str]] = {}

    def token(self, audience: str, tenant_id: UUID, actor: str, cause: str) -> str:
        """A token with at least a minute to live."""
        now_s = time.monotonic()
        name = (audience, tenant_id, actor, cause)
        kept = self._tokens.get(name)
        if kept is not None and kept[0] > now_s:
            return kept[1]
        token = mint_service_token(self._key, audience=audience, tenant_id=tenant_id, actor=actor, cause=cause)
        if len(self._tokens) >= CACHE_MAX:
            del self._tokens[next(iter(self._tokens))]
        self._tokens.pop(name, None)
        self._tokens[name] = (now_s + LIFE_S - RENEW_BEFORE_S, token)
        return token
