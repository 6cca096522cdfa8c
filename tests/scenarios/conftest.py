"""The servers of the scenarios, once a session; each test brings tenants of its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_asyncio

from tests.scenarios.servers import Servers

if TYPE_CHECKING:
    from billing_devstack.postgres import Postgres
    from billing_testkit.plugin import ServiceDatabaseFactory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(
    service_database: "ServiceDatabaseFactory", postgres: "Postgres", stack_folder: Path
) -> AsyncIterator[Servers]:
    opened = await Servers.open(service_database, postgres.dsn, stack_folder / "scenarios")
    yield opened
    await opened.stop()
