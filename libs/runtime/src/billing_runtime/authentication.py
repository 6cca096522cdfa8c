"""Who is calling: the verdict on the bearer token, and on nothing else. No header names a tenant or a user here.

Users: RS256, the issuer's keys, iss, aud, exp, `tenant`, `role` (billing_admin, billing_viewer, customer), `customer`.
Services: ES256, the mesh's keys, aud = this service, iss = the service of the kid, `tenant`, `act`, `cause`.
The algorithm of a token only chooses which of the two it must be; each is verified with its one fixed algorithm.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from billing_kernel import ids
from billing_kernel.errors import DomainError, Kind
from jwt.exceptions import PyJWTError

from billing_runtime.call import Role
from billing_runtime.keys import KeySet, PublicKey, service_of
from billing_runtime.service_token import LIFE_MAX_S, TYPE

CACHE_S = 60.0
CACHE_MAX = 10_000
LEEWAY_S = 30
TOKEN_LENGTH_MAX = 8192
_USER_TYPES = frozenset({"JWT", "AT+JWT"})
_USER_ROLES = (Role.BILLING_ADMIN, Role.BILLING_VIEWER, Role.CUSTOMER)
_HEADERS = frozenset({"alg", "kid", "typ"})
_PLAIN = re.compile(r"[\x21-\x7e]{1,200}")
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "tenant"]


class Unauthenticated(DomainError):
    """No valid bearer token. Says no more than that: which check failed is for the log."""

    kind = Kind.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"


class TokenRefused(Exception):
    """Why a token is no good; never sent to the caller."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The verdict. `principal` owns idempotency keys; `actor` is the original one; `expires_at` is Unix time."""

    tenant_id: UUID
    principal: str
    actor: str
    role: Role
    customer_id: UUID | None
    cause: str | None
    expires_at: float


class Authenticator:
    """Judges tokens for one service; a verdict is kept for at most a minute, by the hash of the token."""

    def __init__(self, service: str, users: KeySet, services: KeySet, user_issuer: str, user_audience: str) -> None:
        self._service = service
        self._users = users
        self._services = services
        self._issuer = user_issuer
        self._audience = user_audience
        self._verdicts: dict[bytes, tuple[float, Identity]] = {}

    async def open(self) -> None:
        """Reads both key sets; raises KeysRefused."""
        await self._users.open()
        await self._services.open()

    def cached(self, authorization: str) -> Identity | None:
        """The standing verdict for an authorization header, without any waiting."""
        kept = self._verdicts.get(_digest(authorization))
        return kept[1] if kept is not None and kept[0] > time.time() else None

    async def judge(self, authorization: str | None) -> Identity:
        """The identity behind an authorization header; raises Unauthenticated."""
        try:
            identity = await self._verify(_bearer(authorization))
        except (TokenRefused, PyJWTError, DomainError, ValueError, TypeError, KeyError) as refused:
            raise Unauthenticated("a valid bearer token is required") from refused
        self._keep(authorization or "", identity)
        return identity

    def _keep(self, authorization: str, identity: Identity) -> None:
        if len(self._verdicts) >= CACHE_MAX:
            del self._verdicts[next(iter(self._verdicts))]
        until = min(time.time() + CACHE_S, identity.expires_at)
        self._verdicts[_digest(authorization)] = (until, identity)

    async def _verify(self, token: str) -> Identity:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if not _HEADERS.issuperset(header) or not isinstance(kid, str):
            raise TokenRefused("header")
        if header.get("alg") == "RS256":
            return await self._user(token, kid, header)
        if header.get("alg") == "ES256":
            return await self._peer(token, kid, header)
        raise TokenRefused("algorithm")

    async def _user(self, token: str, kid: str, header: Mapping[str, Any]) -> Identity:
        if str(header.get("typ", "JWT")).upper() not in _USER_TYPES:
            raise TokenRefused("type")
        key = await _key(self._users, kid)
        claims = _claims(token, key, "RS256", issuer=self._issuer, audience=self._audience)
        role = _role(claims)
        subject = f"user:{_plain(claims['sub'])}"
        return Identity(
            tenant_id=UUID(_plain(claims["tenant"])),
            principal=subject,
            actor=subject,
            role=role,
            customer_id=_customer(claims["customer"]) if role is Role.CUSTOMER else None,
            cause=None,
            expires_at=float(claims["exp"]),
        )

    async def _peer(self, token: str, kid: str, header: Mapping[str, Any]) -> Identity:
        if header.get("typ") != TYPE:
            raise TokenRefused("type")
        key = await _key(self._services, kid)
        service = service_of(kid)
        claims = _claims(token, key, "ES256", issuer=service, audience=self._service)
        if claims["exp"] - claims["iat"] > LIFE_MAX_S:
            raise TokenRefused("life")
        return Identity(
            tenant_id=UUID(_plain(claims["tenant"])),
            principal=f"service:{service}",
            actor=_plain(claims["act"]),
            role=Role.SERVICE,
            customer_id=None,
            cause=_plain(claims["cause"]),
            expires_at=float(claims["exp"]),
        )


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode(errors="surrogatepass")).digest()


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        raise TokenRefused("no bearer token")
    return token


async def _key(keys: KeySet, kid: str) -> PublicKey:
    key = await keys.find(kid)
    if key is None:
        raise TokenRefused("unknown key")
    return key


def _claims(token: str, key: PublicKey, algorithm: str, *, issuer: str, audience: str) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        issuer=issuer,
        audience=audience,
        leeway=LEEWAY_S,
        options={"require": _REQUIRED, "strict_aud": False},
    )


def _role(claims: Mapping[str, Any]) -> Role:
    held = claims.get("roles", [claims.get("role")])
    if not isinstance(held, list):  # a text would be searched for parts of it
        raise TokenRefused("role")
    for role in _USER_ROLES:
        if role.value in held:
            return role
    raise TokenRefused("role")


def _customer(claim: object) -> UUID:
    text = _plain(claim)
    return ids.decode("cus", text) if text.startswith("cus_") else UUID(text)


def _plain(text: object) -> str:
    if not isinstance(text, str) or _PLAIN.fullmatch(text) is None:
        raise TokenRefused("name")
    return text
