"""What is asked for most, kept in a table, so that a process that starts does not begin with nothing.

The service's migration makes it: `create_cache_hot(op, "<service>")`, and its tables name `cache_hot(metadata)`.
"""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy import text as sql_text

from billing_runtime.cache import Caches, Hot
from billing_runtime.database import Database
from billing_runtime.migrations import Operations, queue_table

EVERY_S = 60.0
EACH_MAX = 200  # noted of each cache
WARM_MAX = 1000
KEEP = "1 day"

_log = structlog.get_logger("billing.cache")
_NOTE = """
INSERT INTO cache_hot (cache, tenant_id, key, noted_at)
SELECT DISTINCT cache, tenant_id, key, clock_timestamp()
FROM unnest(%s::text[], %s::uuid[], %s::text[]) AS hot(cache, tenant_id, key)
ORDER BY cache, tenant_id, key
ON CONFLICT (cache, tenant_id, key) DO UPDATE SET noted_at = excluded.noted_at
"""
_FORGET = f"DELETE FROM cache_hot WHERE noted_at < clock_timestamp() - interval '{KEEP}'"
_HOT = "SELECT cache, tenant_id, key FROM cache_hot ORDER BY noted_at DESC LIMIT %s"


def cache_hot(metadata: MetaData) -> Table:
    """The table in code."""
    return Table(
        "cache_hot",
        metadata,
        Column("cache", Text, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("noted_at", DateTime(timezone=True), nullable=False, server_default=sql_text("clock_timestamp()")),
        PrimaryKeyConstraint("cache", "tenant_id", "key", name="cache_hot_pkey"),
    )


def create_cache_hot(op: Operations, service: str) -> None:
    """The table in the database; the worker role alone reads and writes it over all tenants."""
    op.execute(
        """CREATE TABLE cache_hot (cache text NOT NULL, tenant_id uuid NOT NULL, key text NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT cache_hot_pkey PRIMARY KEY (cache, tenant_id, key))"""
    )
    queue_table(op, service, "cache_hot")


async def note_hot(database: Database, hot: Sequence[Hot]) -> None:
    """Remembers these entries and forgets what was not asked for in a day."""
    async with database.worker() as conn:
        if hot:
            columns = tuple(map(list, zip(*hot, strict=True)))
            await conn.exec_driver_sql(_NOTE, columns)
        await conn.exec_driver_sql(_FORGET)


async def hot_entries(database: Database, count: int = WARM_MAX) -> list[Hot]:
    """What was noted last, over all tenants."""
    async with database.worker() as conn:
        return [(each.cache, each.tenant_id, each.key) for each in await conn.exec_driver_sql(_HOT, (count,))]


class WarmCaches:
    """Caches with their memory: `open` warms them, then notes what is asked for; `close` ends both."""

    def __init__(self, caches: Caches, database: Database) -> None:
        self._caches = caches
        self._database = database
        self._noting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Never fails: what cannot be warmed now is read when it is asked for."""
        await self._caches.open()
        try:
            warmed = await self._caches.warm(await hot_entries(self._database))
            _log.info("cache_warmed", entries=warmed)
        except Exception as error:
            _log.warning("cache_not_warmed", problem=type(error).__name__)
        self._noting = asyncio.create_task(self._note())

    async def close(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.gather(self._noting, return_exceptions=True)
        await self._caches.close()

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await note_hot(self._database, self._caches.hottest(EACH_MAX))
            except Exception as error:
                _log.warning("cache_hot_not_noted", problem=type(error).__name__)
