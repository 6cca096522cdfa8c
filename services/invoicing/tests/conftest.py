"""Makes `support` importable (builders of messages, fakes of the ports), and opens the service's database."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from billing_runtime.database import Database

sys.path.insert(0, str(Path(__file__).parent / "support"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("invoicing", "billing_invoicing").database_url, pool_max=8)
    yield opened
    await opened.close()
