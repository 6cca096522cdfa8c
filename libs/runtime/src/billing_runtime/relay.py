"""The relay: outbox rows to the broker, shard by shard in id order, then into the archive.

A session advisory lock makes one relay the owner of a shard. It never keeps an id watermark: ids commit out of order,
so what is still in the table is what has to be sent. A crash anywhere sends some events twice, none never.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import structlog
from billing_kernel.errors import DomainError
from prometheus_client import Counter, Gauge
from psycopg import sql

from billing_runtime.database import CONNECT_S, SESSION, Database
from billing_runtime.events import Received, Record, record_of
from billing_runtime.fault import failpoint
from billing_runtime.jobs import pause
from billing_runtime.metrics import REGISTRY
from billing_runtime.outbox import SHARDS
from billing_runtime.producer import Producer

BATCH_MAX = 1000
IDLE_S = 0.05  # how often an empty outbox is looked at
CLAIM_EVERY_S = 3.0  # how often shards of a relay that died are asked for
UNLOCK_S = 1.0  # how long a relay that stops tries to give its shards back itself
LAG_ROWS_MAX = 100_000  # the gauge counts no further
_LOCK_CLASS = 471104

SENT = Counter("billing_outbox_sent", "Events acknowledged by the broker", registry=REGISTRY)
LAG_ROWS = Gauge("billing_outbox_rows", "Events that wait, counted up to 100,000", registry=REGISTRY)
LAG_S = Gauge("billing_outbox_oldest_seconds", "Age of the oldest event that waits", registry=REGISTRY)
SHARDS_HELD = Gauge("billing_outbox_shards_held", "Shards of this relay", registry=REGISTRY)
log = structlog.get_logger()

_EVENT = (
    "topic, key, type, event_id, tenant_id, actor, subject, correlation_id, causation_id, sequence, effective_at,"
    " traceparent, payload"
)
_ARCHIVED = f"id, shard, {_EVENT}, extra, written_at"
_SELECT = f"SELECT id, written_at, extra, {_EVENT} FROM outbox WHERE shard = ANY(%s) ORDER BY id LIMIT %s"
_ARCHIVE = (
    f"WITH gone AS (DELETE FROM outbox WHERE id = ANY(%s) RETURNING {_ARCHIVED})"
    f" INSERT INTO outbox_archive ({_ARCHIVED}) SELECT {_ARCHIVED} FROM gone"
)
_CLAIM = (
    "SELECT shard FROM unnest(%s::int[]) AS wanted(shard)"
    f" WHERE CASE WHEN shard >= 0 THEN pg_try_advisory_lock({_LOCK_CLASS}, shard) ELSE false END"
)
_LAG = (
    f"SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT {LAG_ROWS_MAX}) AS waiting),"
    " (SELECT extract(epoch FROM clock_timestamp() - written_at) FROM outbox ORDER BY id LIMIT 1)"
)
_TODAY = "SELECT (now() AT TIME ZONE 'UTC')::date"


def outbox_record(row: Sequence[Any]) -> tuple[int, Record]:
    """(id, record) of a row of the relay's SELECT."""
    number: int = row[0]
    written_at: datetime = row[1]
    return number, record_of(Received(*row[3:]), written_at, row[2])


class Relay:
    """Runs until `stop` is set, over restarts of the database and of the broker."""

    def __init__(self, database: Database, producer: Producer, batch_max: int = BATCH_MAX) -> None:
        self._database = database
        self._producer = producer
        self._batch_max = batch_max
        self._session: psycopg.AsyncConnection[Any] | None = None
        self._held: set[int] = set()
        self._claimed_at = float("-inf")
        self._archive_day: date | None = None

    async def run(self, stop: asyncio.Event) -> None:
        failures = 0
        try:
            while not stop.is_set():
                try:
                    sent = await self.step()
                    failures = 0
                except (psycopg.Error, DomainError, OSError) as error:
                    failures += 1
                    await self._drop_session()
                    log.warning("relay stopped, trying again", error=type(error).__name__, failures=failures)
                    await pause(stop, min(5.0, 0.1 * 2**failures))
                    continue
                if sent < self._batch_max:
                    await self._idle(stop)
        finally:
            await self._drop_session()

    async def step(self) -> int:
        """Sends and archives one batch of the shards it holds; returns how many. Raises when either side is away."""
        session = await self._ready()
        self._database.written.clear()
        rows = await (await session.execute(_SELECT, (sorted(self._held), self._batch_max))).fetchall()
        if not rows:
            return 0
        failpoint("relay.selected")
        ids, records = zip(*(outbox_record(row) for row in rows), strict=True)
        await self._producer.send(records)
        failpoint("relay.produced")
        await session.execute(_ARCHIVE, (list(ids),))
        failpoint("relay.archived")
        SENT.inc(len(ids))
        return len(ids)

    async def close(self) -> None:
        """Gives the shards back."""
        await self._drop_session()

    async def _ready(self) -> psycopg.AsyncConnection[Any]:
        """A session in the worker role that holds what shards it can get."""
        if self._session is None:
            self._session = await self._connect()
        if monotonic() - self._claimed_at > CLAIM_EVERY_S:
            await self._claim(self._session)
        return self._session

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        url = self._database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        session = await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=CONNECT_S, options=SESSION, application_name="relay"
        )
        await session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self._database.worker_role)))
        return session

    async def _claim(self, session: psycopg.AsyncConnection[Any]) -> None:
        missing = sorted(set(range(SHARDS)) - self._held)
        if missing:
            rows = await (await session.execute(_CLAIM, (missing,))).fetchall()
            self._held |= {row[0] for row in rows}
        await self._roll(session)
        await self._measure(session)
        self._claimed_at = monotonic()

    async def _roll(self, session: psycopg.AsyncConnection[Any]) -> None:
        """Sees to today's archive partition, so that a job that never ran cannot stop the relay."""
        row = await (await session.execute(_TODAY)).fetchone()
        if row and row[0] != self._archive_day:
            await session.execute("SELECT roll_outbox_archive('-infinity'::date)")
            self._archive_day = row[0]

    async def _measure(self, session: psycopg.AsyncConnection[Any]) -> None:
        row = await (await session.execute(_LAG)).fetchone()
        if row:
            LAG_ROWS.set(row[0])
            LAG_S.set(float(row[1] or 0))
        SHARDS_HELD.set(len(self._held))

    async def _idle(self, stop: asyncio.Event) -> None:
        """Until something was written in this process, or the next look is due."""
        written = asyncio.ensure_future(self._database.written.wait())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait([written, stopped], timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        written.cancel()
        stopped.cancel()

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        self._held.clear()
        self._claimed_at = float("-inf")
        if session is not None:
            # The locks go now, not when the server notices that the session ended: the next relay need not wait.
            with suppress(psycopg.Error, OSError):
                async with asyncio.timeout(UNLOCK_S):
                    await session.execute("SELECT pg_advisory_unlock_all()")
            with suppress(psycopg.Error, OSError):
                await session.close()


async def republish(database: Database, topic: str, since: datetime, tenant_id: UUID | None = None) -> int:
    """Puts archived events of `topic` written at or after `since` into the outbox again; returns how many.

    Consumers that know them pass over them; ids, order within a key and times stay.
    """
    copied = _ARCHIVED.removeprefix("id, ").removesuffix(", written_at")
    statement = (
        f"INSERT INTO outbox ({copied}) SELECT {copied} FROM outbox_archive WHERE topic = %s AND written_at >= %s"
        " AND (%s::uuid IS NULL OR tenant_id = %s) ORDER BY id"
    )
    async with database.worker() as conn:
        done = await conn.exec_driver_sql(statement, (topic, since, tenant_id, tenant_id))
        return done.rowcount
