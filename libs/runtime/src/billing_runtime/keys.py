"""Sets of public keys (JWKS) from a file or a URL, and this service's own signing key.

Users' keys are RSA of at least 2048 bits for RS256; services' keys are P-256 for ES256. The `kid` of a service's key is
its name, or name.serial, so a key speaks for its own service alone. Anything else in a set refuses the start.
"""

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

Algorithm = Literal["RS256", "ES256"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

REFRESH_S = 300.0
UNKNOWN_KID_PAUSE_S = 5.0
FETCH_TIMEOUT_S = 5.0
SET_BYTES_MAX = 1 << 20
RSA_BITS_MIN = 2048

_log = structlog.get_logger("billing.keys")


class KeysRefused(Exception):
    """A key or a set of keys is missing, malformed, too weak or of the wrong kind. Names the place, never the key."""


@dataclass(frozen=True)
class SigningKey:
    """The private key of a service, with the kid under which others know it."""

    service: str
    kid: str
    private: ec.EllipticCurvePrivateKey


class KeySet:
    """The current public keys of one issuer, by kid. Reread every five minutes and when an unknown kid comes by."""

    def __init__(self, source: str, algorithm: Algorithm) -> None:
        self.algorithm: Algorithm = algorithm
        self._source = source
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at_s = 0.0
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Reads the set for the first time; raises KeysRefused."""
        self._keys = await asyncio.to_thread(read_key_set, self._source, self.algorithm)
        self._read_at_s = time.monotonic()

    async def find(self, kid: str) -> PublicKey | None:
        """The key named `kid`, or None. A failing reread keeps the last good set."""
        pause_s = REFRESH_S if kid in self._keys else UNKNOWN_KID_PAUSE_S
        if time.monotonic() - self._read_at_s >= pause_s:
            await self._reread(pause_s)
        return self._keys.get(kid)

    async def _reread(self, pause_s: float) -> None:
        async with self._lock:
            if time.monotonic() - self._read_at_s < pause_s:
                return
            self._read_at_s = time.monotonic()
            try:
                self._keys = await asyncio.to_thread(read_key_set, self._source, self.algorithm)
            except KeysRefused as refused:
                _log.warning("keys_not_reread", problem=str(refused))


def read_key_set(source: str, algorithm: Algorithm) -> dict[str, PublicKey]:
    """The keys of the JWKS at a path or URL (https, or http on this machine), by kid. Blocks. Raises KeysRefused."""
    try:
        document = json.loads(_fetch(source))
        entries = document["keys"]
        keys = {_kid(entry): _public_key(entry, algorithm) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PyJWTError) as problem:
        raise KeysRefused(f"{source}: no readable key set ({type(problem).__name__})") from problem
    if not keys or len(keys) != len(entries):
        raise KeysRefused(f"{source}: no keys, or one kid twice")
    return keys


def read_signing_key(path: str, service_keys: str) -> SigningKey:
    """The ES256 private key in a PEM or JWK file; its kid comes from the key set that holds its public half."""
    try:
        raw = Path(path).read_bytes()
        private = _private_key(raw)
    except (OSError, ValueError, TypeError, PyJWTError) as problem:
        raise KeysRefused(f"{path}: no readable private key ({type(problem).__name__})") from problem
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise KeysRefused(f"{path}: not a P-256 key")
    numbers = private.public_key().public_numbers()
    for kid, public in read_key_set(service_keys, "ES256").items():
        if public.public_numbers() == numbers:
            return SigningKey(service_of(kid), kid, private)
    raise KeysRefused(f"{path}: its public half is not in {service_keys}")


def service_of(kid: str) -> str:
    """The service that a kid speaks for: "invoicing.2" -> "invoicing"."""
    return kid.partition(".")[0]


def _private_key(raw: bytes) -> Any:
    if raw.lstrip().startswith(b"{"):
        return PyJWK(json.loads(raw), "ES256").key
    return load_pem_private_key(raw, password=None)


def _kid(entry: Mapping[str, Any]) -> str:
    kid = entry["kid"]
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise ValueError("kid")
    return kid


def _public_key(entry: Mapping[str, Any], algorithm: Algorithm) -> PublicKey:
    if entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig" or "d" in entry:
        raise ValueError("not a public signing key")
    key = PyJWK(dict(entry), algorithm).key
    if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return key
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("wrong kind of key")


def _fetch(source: str) -> bytes:
    if "://" not in source:
        return Path(source).read_bytes()
    parts = urllib.parse.urlsplit(source)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("scheme")
    with urllib.request.urlopen(source, timeout=FETCH_TIMEOUT_S) as answer:
        body: bytes = answer.read(SET_BYTES_MAX + 1)
    if len(body) > SET_BYTES_MAX:
        raise ValueError("size")
    return body
