"""The sandbox gateway's own records: its own short transactions, as if they were in another company's database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from billing_kernel.money import Money
from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.jobs import job_call
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_payments.domain.attempt import AttemptState, ChargeOrder
from billing_payments.domain.sandbox import Entry
from billing_payments.operations.ports import OpenBook
from billing_payments.storage.tables import sandbox_charge

CONNECTIONS_MAX = 4  # of the pool that it shares with us
_CAPTURED = AttemptState.SUCCEEDED


class PostgresBook:
    """`Book` in one transaction."""

    def __init__(self, conn: AsyncConnection) -> None:
        self.conn = conn

    async def find(self, attempt_id: UUID) -> Entry | None:
        query = select(sandbox_charge).where(sandbox_charge.c.attempt_id == attempt_id)
        row = (await self.conn.execute(query.with_for_update())).first()
        return _entry_from_row(row) if row is not None else None

    async def count(self, payment_id: UUID) -> int:
        query = select(func.count()).select_from(sandbox_charge).where(sandbox_charge.c.payment_id == payment_id)
        return (await self.conn.execute(query)).scalar_one()

    async def enter(self, entry: Entry) -> Entry:
        query = insert(sandbox_charge).values(_entry_to_row(entry)).on_conflict_do_nothing()
        await self.conn.execute(query)
        kept = await self.find(entry.order.attempt_id)
        assert kept is not None, "it was entered, if not by us"
        return kept

    async def capture(self, entry: Entry) -> None:
        query = update(sandbox_charge).where(sandbox_charge.c.attempt_id == entry.order.attempt_id)
        await self.conn.execute(query.values(state=entry.state.value, captured_at=func.clock_timestamp()))


def sandbox_books(database: Database) -> OpenBook:
    """Opens the book of the current call's tenant, at most four at a time."""
    slots = asyncio.Semaphore(CONNECTIONS_MAX)

    @asynccontextmanager
    async def open_book() -> AsyncIterator[PostgresBook]:
        async with slots, database.begin(job_call("sandbox", current_call().tenant_id)) as tx:
            yield PostgresBook(tx.conn)

    return open_book


def _entry_from_row(row: Row[Any]) -> Entry:
    order = ChargeOrder(row.payment_id, row.attempt_id, Money(row.currency, row.amount_minor), row.token)
    return Entry(order, AttemptState(row.state), row.decline_code)


def _entry_to_row(entry: Entry) -> dict[str, Any]:
    order = entry.order
    return {
        "attempt_id": order.attempt_id,
        "payment_id": order.payment_id,
        "token": order.token,
        "currency": order.amount.currency,
        "amount_minor": order.amount.minor,
        "state": entry.state.value,
        "decline_code": entry.decline_code,
        "captured_at": func.clock_timestamp() if entry.state is _CAPTURED else None,
    }
