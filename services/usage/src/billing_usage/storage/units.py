"""Opens transactions of the call being served: the only place where ports meet PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from billing_runtime.call import current_call
from billing_runtime.database import Database

from billing_usage.storage.event_store import MeterCodes, PostgresEventStore
from billing_usage.storage.measure_reads import PostgresMeasureReads
from billing_usage.storage.meter_store import PostgresMeterReads, PostgresMeterStore
from billing_usage.storage.queries import PostgresUsageReads
from billing_usage.storage.rating_store import PostgresRatingStore


class Units:
    """Each method opens one transaction, which commits at the end of its block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codes = MeterCodes()

    @asynccontextmanager
    async def meters(self) -> AsyncIterator[PostgresMeterStore]:
        async with self._database.begin(current_call()) as tx:
            yield PostgresMeterStore(tx)

    @asynccontextmanager
    async def meter_reads(self) -> AsyncIterator[PostgresMeterReads]:
        async with self._database.read(current_call()) as tx:
            yield PostgresMeterReads(tx)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[PostgresEventStore]:
        async with self._database.begin(current_call()) as tx:
            yield PostgresEventStore(tx, self._codes)

    @asynccontextmanager
    async def usage_reads(self) -> AsyncIterator[PostgresUsageReads]:
        async with self._database.read(current_call()) as tx:
            yield PostgresUsageReads(tx)

    @asynccontextmanager
    async def measure_reads(self) -> AsyncIterator[PostgresMeasureReads]:
        async with self._database.read(current_call()) as tx:
            yield PostgresMeasureReads(tx)

    @asynccontextmanager
    async def ratings(self, *, final: bool) -> AsyncIterator[PostgresRatingStore]:
        """Previews cannot write."""
        call = current_call()
        async with self._database.begin(call) if final else self._database.read(call) as tx:
            yield PostgresRatingStore(tx)
