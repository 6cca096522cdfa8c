"""Pytest plugin of the project: real servers for a test session, a migrated database a service, frozen time."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import pytest_asyncio
from billing_kernel.ids import uuid7

from billing_testkit.clock import FrozenClock

if TYPE_CHECKING:
    from billing_devstack.databases import ServiceDatabase
    from billing_devstack.kafka import Broker
    from billing_devstack.postgres import Postgres
    from billing_devstack.valkey import Valkey
    from billing_runtime.database import Database

ServiceDatabaseFactory = Callable[..., "ServiceDatabase"]
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    """A folder for the session's servers, outside pytest's own (a socket path must be short); removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="billing-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(stack_folder: Path) -> "Iterator[Postgres]":
    """A real PostgreSQL of this session alone. Not durable on purpose: tests of crashes start their own."""
    from billing_devstack import ports, postgres

    server = postgres.start(stack_folder / "postgres", ports.choose().number, stack_folder / "postgres.log", _FAST)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def service_database(postgres: "Postgres", stack_folder: Path) -> ServiceDatabaseFactory:
    """`service_database("tax", "billing_tax")`: the service's database, provisioned and migrated once a session.

    Tests share it and keep apart by tenants of their own (fixture `tenant_id`). `name=` makes a further database.
    """
    from billing_testkit.databases import migrated

    made: dict[str, ServiceDatabase] = {}

    def factory(service: str, package: str, name: str | None = None) -> "ServiceDatabase":
        wanted = name or f"billing_{service}"
        if wanted not in made:
            made[wanted] = migrated(postgres, stack_folder, service, package, wanted)
        return made[wanted]

    return factory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sample_database(service_database: ServiceDatabaseFactory) -> "AsyncIterator[Database]":
    """The open database of `billing_testkit.sample`, for tests of the runtime."""
    from billing_runtime.database import Database

    database = Database.open(service_database("sample", "billing_testkit.sample").database_url, pool_max=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def kafka(stack_folder: Path) -> "Iterator[Broker]":
    """A real Kafka broker of this session alone; its jars come from the shared cache."""
    from billing_devstack import kafka, kafka_home, kafka_jars, ports

    log = stack_folder / "kafka.log"
    home = kafka_home.prepare(kafka_jars.cache_folder(), log, lambda line: None)
    chosen = ports.choose_all({"broker": 0, "controller": 0})
    broker = kafka.start(home, stack_folder / "kafka", chosen["broker"].number, chosen["controller"].number, log)
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def valkey(stack_folder: Path) -> "Iterator[Valkey]":
    """A real Valkey of this session alone; tests that kill one start their own."""
    from billing_devstack import ports, valkey

    server = valkey.start(stack_folder / "valkey", ports.choose().number, stack_folder / "valkey.log")
    yield server
    server.stop()


@pytest.fixture
def tenant_id() -> UUID:
    """A tenant that no other test knows."""
    return uuid7()


@pytest.fixture
def frozen_clock() -> FrozenClock:
    """Stands at noon of 1 January 2026, UTC, until it is moved."""
    return FrozenClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
