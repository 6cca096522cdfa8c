"""A cache of notes on the sample database; `support` is importable."""

import sys
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))


@pytest.fixture
def url(service_database, sample_database):
    return service_database("sample", "billing_testkit.sample").database_url


@pytest_asyncio.fixture(loop_scope="session")
async def cache(url, sample_database):
    from cache_notes import Notes, opened

    async with opened(url, Notes(sample_database)) as (_, made):
        yield made
