"""Makes `support` importable (builders of messages, fakes of the ports), and opens the service's database."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from billing_runtime.database import Database

sys.path.insert(0, str(Path(__file__).parent / "support"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("invoicing", "billing_invoicing").database_url, pool_max=8)
    yield opened
    await opened.close()


@pytest.fixture
def peers() -> Any:
    """The three services that a batch of dues asks, as fakes."""
    from invoicing_fakes import fake_peers

    return fake_peers()


@pytest.fixture
def books(database: Database, tenant_id: UUID, peers: Any) -> Any:
    """The books of a new tenant without any seller."""
    from invoicing_books import Books

    return Books(database, tenant_id, peers)


@pytest_asyncio.fixture
async def seller(books: Any) -> Any:
    """The tenant's default seller, in Vienna, with the prefix ACME."""
    return await books.add_seller()
