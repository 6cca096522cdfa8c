"""This service's real database and its consumer, without a broker."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from billing_runtime.consumer import Processor
from billing_runtime.database import Database
from billing_subscriptions.consumers.events import consumer
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("subscriptions", "billing_subscriptions").database_url, pool_max=4)
    yield opened
    await opened.close()


@pytest.fixture
def processor(database: Database) -> Processor:
    return Processor(database, consumer(PostgresUnitOfWork))
