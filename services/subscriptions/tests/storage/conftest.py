"""This service's real database."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio
from billing_runtime.database import Database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("subscriptions", "billing_subscriptions").database_url, pool_max=4)
    yield opened
    await opened.close()
