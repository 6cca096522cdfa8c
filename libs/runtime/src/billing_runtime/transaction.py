"""One transaction of one call: a connection bound to the tenant, its time, its events and its answer."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from google.protobuf.message import Message
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_runtime import clock, idempotency, outbox, round_trip
from billing_runtime.call import Call
from billing_runtime.events import Event, Received

Answer = TypeVar("Answer", bound=Message)
Raw = psycopg.AsyncConnection[Any]

PENDING_MAX = 1000  # events kept in memory before they are written


class Transaction:
    """Made by `Database.begin` and `Database.read`; commits when their block ends, rolls back on any exception.

    `conn` is SQLAlchemy's connection, `raw` the psycopg connection under it for hot statements. Both see only rows of
    `tenant_id` (role customer: only that customer's). Events and the answer are written in one round trip with COMMIT.
    """

    def __init__(self, conn: AsyncConnection, raw: Raw, call: Call) -> None:
        self.conn = conn
        self.raw = raw
        self.call = call
        self._now: datetime | None = call.effective_at
        self._clock_read = False
        self._rows: list[outbox.Row] = []
        self._later: list[round_trip.Command] = []
        self._answer: Message | None = None
        self.published = False

    @property
    def tenant_id(self) -> UUID:
        return self.call.tenant_id

    async def now(self) -> datetime:
        """Business time: of the event that caused the call, else of the tenant's test clock, else wall time."""
        if self._now is None and not self._clock_read:
            self.live_at(await clock.read(self.raw, self.tenant_id))
        if self._now is None:
            self._now = datetime.now(UTC)
        return self._now

    def live_at(self, clock_at: datetime | None) -> None:
        """For `Database` and the transaction itself: what the tenant's test clock says, None for wall time."""
        self._now, self._clock_read = clock_at, True

    async def publish(self, *events: Event, cause: Received | None = None) -> None:
        """Adds the events to the outbox, in order. Call it after the lock of their aggregate is held.

        In a consumer's batch `cause` names the event that led to these. Raises EventTooLarge.
        """
        self._rows += [outbox.row_of(event, self.call, cause) for event in events]
        if len(self._rows) >= PENDING_MAX:
            await self._write_events()

    async def publish_filled(self, rows: Sequence[bytes]) -> None:
        """Writes events whose rows were made by `outbox.form_of`, behind those that are published already."""
        await self.flush()
        self.published = self.published or bool(rows)
        await outbox.copy_rows(self.raw, rows)

    def publish_rows(self, rows: Sequence[outbox.Row]) -> None:
        """For the runtime itself: outbox rows made elsewhere."""
        self._rows += rows

    async def together(self, *commands: round_trip.Command) -> list[round_trip.Rows]:
        """The rows of several statements, in one round trip; what waits goes first."""
        waiting, self._later = self._later, []
        return (await round_trip.together(self.raw, [*waiting, *commands]))[len(waiting) :]

    def later(self, *commands: round_trip.Command) -> None:
        """Statements whose rows nobody reads in this transaction: they travel with its next batch, or with COMMIT.

        What they refuse is refused then, so leave out what an operation answers for. `conn` and `raw` do not see them
        before `send`.
        """
        self._later += commands

    async def send(self) -> None:
        """Runs what waits."""
        if self._later:
            await self.together()

    @asynccontextmanager
    async def copy(
        self, table_leaf: str, columns: Sequence[str], *, types: Sequence[str] = ()
    ) -> AsyncIterator[psycopg.AsyncCopy]:
        """COPY into the leaf of a bulk table; the tenant is filled in by the database, so never name `tenant_id`.

        With `types` (PostgreSQL names, one a column) rows travel in binary and `write_row` takes exact types.
        """
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        form = sql.SQL("(FORMAT binary)") if types else sql.SQL("")
        statement = sql.SQL("COPY {} ({}) FROM STDIN {}").format(sql.Identifier(table_leaf), names, form)
        async with self.raw.cursor() as cursor, cursor.copy(statement) as copy:
            if types:
                copy.set_types(list(types))
            yield copy

    async def answer(self, response: Answer) -> Answer:
        """Stores `response` as the answer to this call's idempotency key, with the commit; returns it."""
        if self.call.idempotency is not None:
            self._answer = response
        return response

    def adopt(self, call: Call) -> None:
        """For the runtime itself: goes on under another call of the same tenant, its time and its cause."""
        assert call.tenant_id == self.call.tenant_id
        self.call = call
        self.ask_time_again()

    def ask_time_again(self) -> None:
        """For the runtime itself: what `now` said may no longer be so."""
        self._now, self._clock_read = self.call.effective_at, False

    async def flush(self) -> None:
        """Writes pending events now, and what waits before them, for code that reads its own outbox."""
        await self.send()
        if self._rows:
            await self._write_events()

    async def commit(self) -> None:
        """Events, answer and COMMIT; few events cost one round trip in all. For `Database` and the runtime alone."""
        refuse_failed(self.raw)
        if len(self._rows) > outbox.COPY_FROM_ROWS:
            await self.send()
            await self._write_events()
        rows, self._rows = self._rows, []
        self.published = self.published or bool(rows)
        last: list[round_trip.Command] = [outbox.insert(row) for row in rows]
        if self._answer is not None and self.call.idempotency is not None:
            last.append(idempotency.storing(self.call.idempotency, self._answer))
        await self.together(*last, ("COMMIT", ()))

    async def _write_events(self) -> None:
        rows, self._rows = self._rows, []
        self.published = self.published or bool(rows)
        await outbox.write(self.raw, rows)


async def commit(raw: Raw) -> None:
    """COMMIT. Raises InFailedSqlTransaction."""
    refuse_failed(raw)
    await raw.execute("COMMIT", prepare=False)


def refuse_failed(raw: Raw) -> None:
    """A transaction that failed and whose error somebody swallowed: PostgreSQL itself would answer its COMMIT with a
    silent rollback. Raises InFailedSqlTransaction."""
    if raw.pgconn.transaction_status == psycopg.pq.TransactionStatus.INERROR:
        raise psycopg.errors.InFailedSqlTransaction("an error inside the transaction was swallowed")
