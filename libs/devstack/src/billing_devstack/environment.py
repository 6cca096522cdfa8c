"""The settings of every process of the mesh, and which parts somebody else provides."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing_devstack.databases import ServiceDatabase
from billing_devstack.keys import USER_AUDIENCE, USER_ISSUER, Keys
from billing_devstack.layout import Layout
from billing_devstack.ports import Port
from billing_devstack.specs import ServiceSpec

SECRET = ("DATABASE_URL", "MIGRATION_DATABASE_URL")
DRAIN_S = "5"
DRAIN_NOTICE_S = "0.1"


@dataclass(frozen=True, slots=True)
class External:
    """Parts that run elsewhere; empty means that the stack starts its own.

    `database_url` must be allowed to make databases and roles.
    """

    database_url: str = ""
    kafka_bootstrap_servers: str = ""
    redis_url: str = ""


def external(env: Mapping[str, str]) -> External:
    """What DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS and REDIS_URL of the caller take over."""
    names = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL")
    return External(*(env.get(name, "").strip() for name in names))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where everything listens; `ports` by part: a service's name, `<name>.metrics`, `edge`, `edge.admin`."""

    ports: Mapping[str, Port]
    kafka_bootstrap_servers: str
    redis_url: str


def shared(keys: Keys, services: Sequence[ServiceSpec], endpoints: Endpoints) -> dict[str, str]:
    """What every process may know: key sets, the issuer, the address of each service, the bus and the cache.

    Names of the caller's environment that are no settings of the stack are passed on (PATH, LOG_LEVEL, OTLP_ENDPOINT).
    """
    given = {name: value for name, value in os.environ.items() if name not in SECRET}
    addresses = {f"{spec.name.upper()}_ADDRESS": endpoints.ports[spec.name].address for spec in services}
    return {
        **given,
        **addresses,
        "KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka_bootstrap_servers,
        "REDIS_URL": endpoints.redis_url,
        "USER_JWKS": str(keys.user_jwks.resolve()),
        "USER_ISSUER": USER_ISSUER,
        "USER_AUDIENCE": USER_AUDIENCE,
        "SERVICE_JWKS": str(keys.service_jwks.resolve()),
        "PYTHONUNBUFFERED": "1",
        "DRAIN_S": os.environ.get("DRAIN_S", DRAIN_S),
        "DRAIN_NOTICE_S": os.environ.get("DRAIN_NOTICE_S", DRAIN_NOTICE_S),
    }


def of_service(
    base: Mapping[str, str],
    spec: ServiceSpec,
    layout: Layout,
    keys: Keys,
    ports: Mapping[str, Port],
    database: ServiceDatabase | None,
) -> dict[str, str]:
    """The complete environment of one service: `base` is `shared(...)`; the rest is its own and secret."""
    own = {
        "GRPC_ADDRESS": ports[spec.name].address,
        "METRICS_ADDRESS": ports[f"{spec.name}.metrics"].address,
        "SERVICE_KEY": str(keys.service_key(spec.name).resolve()),
    }
    if database is not None:
        own["DATABASE_URL"] = database.database_url
        own["MIGRATION_DATABASE_URL"] = database.migration_database_url
    root = str(layout.root.resolve())
    chosen = {name: os.environ.get(name) or value.replace("{root}", root) for name, value in spec.settings.items()}
    return {**base, **own, **chosen}


def of_edge(base: Mapping[str, str], ports: Mapping[str, Port]) -> dict[str, str]:
    """The environment of the gateway's commands: where to listen; no secrets of services."""
    own = {
        "EDGE_ADDRESS": ports["edge"].address,
        "EDGE_ADMIN_ADDRESS": ports["edge.admin"].address,
    }
    return {**base, **own}
