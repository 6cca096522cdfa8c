"""The settings of the edge: read once from the environment, complete or refused."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from billing_runtime.settings import SettingsRefused

AREAS = ("subscriptions", "usage", "invoicing", "tax", "payments")
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True)
class EdgeSettings:
    """What `render` reads. Addresses are host:port, loopback by default; the admin page is never elsewhere.

    `user_jwks` is the path of a JWK set of RS256 public keys. `edge_cors_origins`: exact origins, comma separated; none
    means that no other site may call. `edge_access_log` is a path; by default access.log beside the configuration.
    """

    user_jwks: Path
    user_issuer: str
    user_audience: str
    edge_address: str = "127.0.0.1:8080"
    edge_admin_address: str = "127.0.0.1:9901"
    subscriptions_address: str = "127.0.0.1:50051"
    usage_address: str = "127.0.0.1:50052"
    invoicing_address: str = "127.0.0.1:50053"
    tax_address: str = "127.0.0.1:50054"
    payments_address: str = "127.0.0.1:50055"
    edge_tenant_rate_per_s: int = 1000
    edge_cors_origins: tuple[str, ...] = ()
    edge_access_log: str = ""
    otlp_endpoint: str = ""
    trace_sample_rate: float = 0.01

    def __post_init__(self) -> None:
        """Refuses values that are typed right but make no sense, or are not safe."""
        problems = [each for name in _ADDRESSES for each in _address_problems(name.upper(), getattr(self, name))]
        problems += _key_problems(self.user_jwks)
        problems += [f"EDGE_CORS_ORIGINS holds {each!r}, no origin" for each in self.edge_cors_origins if _bad(each)]
        if not problems and not _is_loopback(self.edge_admin_address):
            problems.append("EDGE_ADMIN_ADDRESS must be on loopback")
        if not 1 <= self.edge_tenant_rate_per_s <= 1_000_000:
            problems.append("EDGE_TENANT_RATE_PER_S must be between 1 and 1000000")
        if not 0.0 <= self.trace_sample_rate <= 1.0:
            problems.append("TRACE_SAMPLE_RATE must be between 0 and 1")
        if self.otlp_endpoint and urlsplit(self.otlp_endpoint).port is None:
            problems.append("OTLP_ENDPOINT must be a URL with a port")
        _refuse_if(problems)

    def address_of(self, area: str) -> str:
        return str(getattr(self, f"{area}_address"))


_ADDRESSES = ("edge_address", "edge_admin_address", *(f"{area}_address" for area in AREAS))


def split(address: str) -> tuple[str, int]:
    """("127.0.0.1", 8080) of "127.0.0.1:8080"; brackets of IPv6 are taken off."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    host = split(address)[0]
    return is_ip(host) and ipaddress.ip_address(host).is_loopback


def _address_problems(name: str, address: str) -> Iterator[str]:
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit() and int(port) < 65536):
        yield f"{name} must be host:port"


def _bad(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}"


def _key_problems(path: Path) -> Iterator[str]:
    """One algorithm, public halves only: a key set that holds more is refused before the proxy sees it."""
    try:
        keys: list[dict[str, Any]] = json.loads(path.read_bytes())["keys"]
        good = bool(keys) and all(key["kty"] == "RSA" and key.get("alg", "RS256") == "RS256" for key in keys)
    except (OSError, ValueError, KeyError, TypeError):
        yield "USER_JWKS must be the path of a JWK set"
        return
    if not good:
        yield "USER_JWKS must hold RS256 keys and nothing else"
    elif any(PRIVATE_PARTS & key.keys() for key in keys):
        yield "USER_JWKS holds a private key"


def _refuse_if(problems: list[str]) -> None:
    if problems:
        raise SettingsRefused(problems)
