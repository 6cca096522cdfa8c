"""One service is one value; `run` is the only bootstrap. Roles: serve, relay, consume, jobs, migrate, or all."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import grpc
import structlog
import uvloop
from google.protobuf.internal import api_implementation

from billing_runtime import logs
from billing_runtime.access import AccessUndeclared
from billing_runtime.authentication import Authenticator
from billing_runtime.channel import Channels
from billing_runtime.checks import database_check, kafka_check
from billing_runtime.health import Check, Health
from billing_runtime.keys import KeySet, KeysRefused
from billing_runtime.pipeline.exchange import Surroundings
from billing_runtime.pipeline.mount import NotServable
from billing_runtime.roles import ROLES, Work, background
from billing_runtime.server import AddressTaken, MisnamedServices, open_server
from billing_runtime.settings import RuntimeSettings, SettingsRefused
from billing_runtime.telemetry import Telemetry

if TYPE_CHECKING:
    from billing_runtime.consumer import Consumer
    from billing_runtime.database import Database, Rehydrate
    from billing_runtime.jobs import Job

__all__ = ["ROLES", "Built", "Check", "Parts", "Running", "Service", "run", "start"]

_REFUSED = (SettingsRefused, KeysRefused, AccessUndeclared, NotServable, MisnamedServices, AddressTaken)
_log = structlog.get_logger("billing.service")

# A batch makes some 100,000 objects that die together; the default thresholds walk them dozens of times, which costs a
# consumer a quarter of its rate.
GC_THRESHOLDS = (100_000, 20, 50)


@dataclass(frozen=True)
class Parts:
    """What the runtime opens and hands to the composition root. `env` is where the service reads its own settings."""

    settings: RuntimeSettings
    database: "Database"
    channels: Channels
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True)
class Built:
    """What the composition root made. `service_names` are the full proto names of the servicers that it adds.

    `open` runs before the first call is taken, in roles that serve; `close` at the end, in every role."""

    add_servicers: Callable[[grpc.aio.Server], None]
    service_names: Sequence[str]
    consumers: "Sequence[Consumer]" = ()
    jobs: "Sequence[Job]" = ()
    rehydrate: "Mapping[str, Rehydrate]" = field(default_factory=dict)
    readiness: Sequence[Check] = ()
    open: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Service:
    """What differs between services. `package` holds the migrations; `name` is the audience of its tokens."""

    name: str
    package: str
    settings: RuntimeSettings
    build: Callable[[Parts], Built]


@dataclass(frozen=True)
class Running:
    """A service that runs. `failed` ends only when a part of it ended that never should."""

    service: Service
    port: int
    metrics_port: int
    health: Health
    built: Built
    parts: Parts
    server: grpc.aio.Server
    tasks: Sequence[asyncio.Task[None]]
    stopping: asyncio.Event
    opened: AsyncExitStack

    async def failed(self) -> None:
        """Waits for the first background task to end, and raises what it raised."""
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise AssertionError("a part of the service ended by itself")

    async def stop(self) -> None:
        """Drains: probes fail first, then calls in flight finish (at most drain_s), then everything closes."""
        settings = self.service.settings
        await self.health.drain()
        await asyncio.sleep(settings.drain_notice_s)
        self.stopping.set()
        await self.server.stop(settings.drain_s)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=settings.drain_s)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.opened.aclose()


async def start(
    service: Service,
    role: str = "serve",
    env: Mapping[str, str] | None = None,
    database: "Database | None" = None,
) -> Running:
    """Starts `role` (any but migrate) on the running loop; every role answers health checks on GRPC_ADDRESS.

    `database` is opened from the settings unless one is given; it is closed at the end either way. Raises
    SettingsRefused, KeysRefused, AccessUndeclared, AddressTaken and their like: nothing starts half or open.
    """
    _require(service.settings, role)
    async with AsyncExitStack() as opened:  # a refused start closes what it had opened
        return await _open(service, role, os.environ if env is None else env, database, opened)


async def _open(
    service: Service, role: str, env: Mapping[str, str], database: "Database | None", opened: AsyncExitStack
) -> Running:
    settings = service.settings
    authenticator = _authenticator(service)
    await authenticator.open()
    telemetry = Telemetry(service.name, settings)
    opened.push_async_callback(asyncio.to_thread, telemetry.close)
    parts = Parts(settings, database or _open_database(settings), Channels(settings, env), env)
    opened.push_async_callback(parts.database.close)
    opened.push_async_callback(parts.channels.close)
    built = service.build(parts)
    if built.close is not None:
        opened.push_async_callback(built.close)
    parts.database.rehydrate = built.rehydrate
    health = Health(service.name, _checks(role, parts, built))
    serves = role in ("serve", "all")
    if serves and built.open is not None:
        await built.open()
    server, port = await open_server(
        settings.grpc_address,
        Surroundings(authenticator, telemetry.tracing),
        health,
        built.add_servicers if serves else lambda _server: None,
        built.service_names if serves else (),
    )
    stopping = asyncio.Event()
    work = Work(parts.database, settings.kafka_bootstrap_servers, built.consumers, built.jobs)
    tasks = [asyncio.create_task(loop) for loop in (health.watch(stopping), *background(role, work, stopping))]
    closing = opened.pop_all()
    return Running(service, port, telemetry.page.port, health, built, parts, server, tasks, stopping, closing)


def run(service: Service, role: str) -> None:
    """Runs `role` until SIGTERM or SIGINT; what `__main__` calls with its argument. Exits 2 for a refused start."""
    if role not in ROLES:
        _exit(f"{service.name}: role must be one of {', '.join(ROLES)}, not {role!r}")
    logs.configure(service.settings.log_level)
    if api_implementation.Type() != "upb":
        _exit(f"{service.name}: protobuf must run on upb: the pure Python parser is not safe with hostile input")
    try:
        if role == "migrate":
            _migrate(service)
        else:
            uvloop.run(_live(service, role))
    except _REFUSED as refused:
        _exit(f"{service.name}: {refused}")


async def _live(service: Service, role: str) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    running = await start(service, role)
    gc.collect()
    gc.freeze()  # what lives as long as the process is not looked at again by the collector
    gc.set_threshold(*GC_THRESHOLDS)
    _log.info("started", service=service.name, role=role, port=running.port, metrics_port=running.metrics_port)
    waiting = asyncio.create_task(asked.wait())
    failing = asyncio.create_task(running.failed())
    await asyncio.wait((waiting, failing), return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping", service=service.name, role=role)
    broken = failing.exception() if failing.done() else None
    failing.cancel()
    waiting.cancel()
    await running.stop()
    if broken is not None:
        raise broken


def _migrate(service: Service) -> None:
    from billing_runtime import migrations  # alembic stays out of the other roles

    if not service.settings.migration_database_url:
        raise SettingsRefused(["MIGRATION_DATABASE_URL is missing"])
    migrations.upgrade(service.package, service.settings.migration_database_url)


def _require(settings: RuntimeSettings, role: str) -> None:
    if role in ("relay", "consume", "all") and not settings.kafka_bootstrap_servers:
        raise SettingsRefused(["KAFKA_BOOTSTRAP_SERVERS is missing"])


def _authenticator(service: Service) -> Authenticator:
    settings = service.settings
    users, services = KeySet(settings.user_jwks, "RS256"), KeySet(settings.service_jwks, "ES256")
    return Authenticator(service.name, users, services, settings.user_issuer, settings.user_audience)


def _open_database(settings: RuntimeSettings) -> "Database":
    from billing_runtime.database import Database

    return Database.open(settings.database_url, settings.database_pool_max)


def _checks(role: str, parts: Parts, built: Built) -> list[Check]:
    checks = [database_check(parts.database), *built.readiness]
    servers = parts.settings.kafka_bootstrap_servers
    if servers and role != "serve":
        checks.append(kafka_check(servers, decides=role in ("relay", "consume")))
    return checks


def _exit(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(2)
