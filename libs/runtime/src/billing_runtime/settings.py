"""Settings: a frozen dataclass read once from the environment, complete or refused, secrets masked."""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class SettingsRefused(Exception):
    """The environment is incomplete or wrong. The text lists every problem, by name, without any value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings refused: " + "; ".join(problems))
        self.problems = tuple(problems)


class Secret(str):
    """A string that never shows itself in a repr. Use it as the type of a field that holds a password or a key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


ABSENT = Secret("")


@dataclass(frozen=True)
class RuntimeSettings:
    """What every service reads. Field `database_url` is DATABASE_URL in the environment, and so on.

    `user_jwks` and `service_jwks` are file paths or URLs; `service_key` is the path of a PEM or JWK file. Addresses are
    host:port. A role that needs an optional setting (relay and consume: Kafka, migrate: the owner's URL) refuses to
    start without it.
    """

    database_url: Secret
    grpc_address: str
    user_jwks: str
    user_issuer: str
    user_audience: str
    service_jwks: str
    service_key: str
    migration_database_url: Secret = ABSENT
    kafka_bootstrap_servers: str = ""
    redis_url: Secret = ABSENT
    metrics_address: str = ""
    otlp_endpoint: str = ""
    trace_sample_rate: float = 0.01
    drain_s: float = 20.0
    drain_notice_s: float = 2.0
    log_level: str = "INFO"
    database_pool_max: int = 10

    def __post_init__(self) -> None:
        """Refuses values that are typed right but make no sense."""
        problems = [
            *_address_problems("GRPC_ADDRESS", self.grpc_address),
            *(_address_problems("METRICS_ADDRESS", self.metrics_address) if self.metrics_address else []),
        ]
        if not 0.0 <= self.trace_sample_rate <= 1.0:
            problems.append("TRACE_SAMPLE_RATE must be between 0 and 1")
        if self.drain_s < 0 or self.drain_notice_s < 0:
            problems.append("DRAIN_S and DRAIN_NOTICE_S must not be negative")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            problems.append("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
        if not 1 <= self.database_pool_max <= 99:
            problems.append("DATABASE_POOL_MAX must be between 1 and 99")
        if problems:
            raise SettingsRefused(problems)

    @property
    def metrics_bind(self) -> tuple[str, int]:
        """(host, port) of the metrics page: METRICS_ADDRESS, else the gRPC host and its port + 1000 (0 stays 0)."""
        host, _, port = (self.metrics_address or self.grpc_address).rpartition(":")
        shift = 1000 if not self.metrics_address and port != "0" else 0
        return host, int(port) + shift


def load(cls: type[T], env: Mapping[str, str]) -> T:
    """The dataclass `cls` filled from `env`; raises SettingsRefused with every problem at once.

    A field `pool_max: int` is read from POOL_MAX. Types: str, Secret, int, float, bool (true/false), Path,
    tuple[str, ...] (comma separated), and any of these `| None`. A field without default must be there and not empty.
    """
    hints = get_type_hints(cls)
    problems: list[str] = []
    values: dict[str, Any] = {}
    for field in fields(cls):  # type: ignore[arg-type]  # a dataclass by contract
        _read(field, hints[field.name], env, values, problems)
    if problems:
        raise SettingsRefused(problems)
    return cls(**values)


def _read(field: Field[Any], hint: Any, env: Mapping[str, str], values: dict[str, Any], problems: list[str]) -> None:
    name = field.name.upper()
    text = env.get(name, "").strip()
    if not text:
        if field.default is MISSING and field.default_factory is MISSING:
            problems.append(f"{name} is missing")
        return
    parse = _parser(hint)
    try:
        values[field.name] = parse(text)
    except ValueError:
        problems.append(f"{name} is not a valid {getattr(hint, '__name__', 'value')}")


def _parser(hint: Any) -> Callable[[str], Any]:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [arg for arg in get_args(hint) if arg is not type(None)]
    if get_origin(hint) is tuple:
        return _words
    return _PARSERS[hint]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    Secret: Secret,
    int: int,
    float: float,
    bool: _truth,
    Path: Path,
}


def _address_problems(name: str, address: str) -> list[str]:
    host, _, port = address.rpartition(":")
    ok = bool(host) and port.isdigit() and int(port) < 65536
    return [] if ok else [f"{name} must be host:port"]
