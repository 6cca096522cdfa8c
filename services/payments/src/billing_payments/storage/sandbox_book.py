"""The sandbox gateway's own records: its own short transactions, as if they were in another company's database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from billing_kernel.money import Money
from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.jobs import job_call
from billing_runtime.transaction import Raw

from billing_payments.domain.attempt import AttemptState, ChargeOrder
from billing_payments.domain.sandbox import Entry
from billing_payments.operations.ports import OpenBook

CONNECTIONS_MAX = 4  # of the pool that it shares with us

# Statements below SQLAlchemy, whose Core costs half the rate: each attempt passes here.
_COLUMNS = "payment_id, attempt_id, currency, amount_minor, token, state, decline_code"
_FIND = f"SELECT {_COLUMNS} FROM sandbox_charge WHERE attempt_id = %s"
_OF_PAYMENT = f"SELECT {_COLUMNS} FROM sandbox_charge WHERE payment_id = %s OR attempt_id = %s"
_ENTER = f"""
INSERT INTO sandbox_charge ({_COLUMNS}, captured_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, CASE WHEN %s THEN clock_timestamp() END)
ON CONFLICT DO NOTHING
"""
_CAPTURE = """
UPDATE sandbox_charge SET state = 'SUCCEEDED', captured_at = clock_timestamp()
WHERE attempt_id = %s AND captured_at IS NULL
"""


class PostgresBook:
    """`SandboxBook` in one transaction."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw

    async def find(self, attempt_id: UUID) -> Entry | None:
        row = await (await self.raw.execute(_FIND, (attempt_id,))).fetchone()
        return _entry_from_row(row) if row is not None else None

    async def look_up(self, order: ChargeOrder) -> tuple[Entry | None, int]:
        rows = await (await self.raw.execute(_OF_PAYMENT, (order.payment_id, order.attempt_id))).fetchall()
        entries = [_entry_from_row(row) for row in rows]
        own = next((entry for entry in entries if entry.order.attempt_id == order.attempt_id), None)
        return own, sum(entry.order.payment_id == order.payment_id for entry in entries)

    async def enter(self, entry: Entry) -> Entry:
        entered = await self.raw.execute(_ENTER, _entry_to_row(entry))
        kept = entry if entered.rowcount else await self.find(entry.order.attempt_id)
        assert kept is not None, "it was entered, if not by us"
        return kept

    async def capture(self, entry: Entry) -> None:
        await self.raw.execute(_CAPTURE, (entry.order.attempt_id,))


def sandbox_books(database: Database) -> OpenBook:
    """Opens the book of the current call's tenant, at most four at a time."""
    slots = asyncio.Semaphore(CONNECTIONS_MAX)

    @asynccontextmanager
    async def open_book() -> AsyncIterator[PostgresBook]:
        async with slots, database.begin(job_call("sandbox", current_call().tenant_id)) as tx:
            yield PostgresBook(tx.raw)

    return open_book


def _entry_from_row(row: Sequence[Any]) -> Entry:
    payment_id, attempt_id, currency, amount_minor, token, state, decline_code = row
    order = ChargeOrder(payment_id, attempt_id, Money(currency, amount_minor), token)
    return Entry(order, AttemptState(state), decline_code)


def _entry_to_row(entry: Entry) -> tuple[Any, ...]:
    order, amount = entry.order, entry.order.amount
    captured = entry.state is AttemptState.SUCCEEDED
    ours = (order.payment_id, order.attempt_id, amount.currency, amount.minor, order.token)
    return (*ours, entry.state.value, entry.decline_code, captured)
