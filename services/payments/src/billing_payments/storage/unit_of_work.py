"""`UnitOfWork` on PostgreSQL: rows, events and the answer commit together."""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing_runtime import clock
from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import BigInteger, cast, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from billing_payments.domain.errors import PaymentMethodNotFound, PaymentNotFound
from billing_payments.domain.events import Event
from billing_payments.domain.payment import Payment
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.operations.ports import Answer, Begin
from billing_payments.storage import payments as rows
from billing_payments.storage.mapping import method_from_row, method_to_row
from billing_payments.storage.tables import payment, payment_method
from billing_payments.wire.events import event_to_pb


class PostgresUnitOfWork:
    """Lives as long as its transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.conn = tx.conn

    async def now(self) -> datetime:
        return await self.tx.now()

    async def has_test_clock(self) -> bool:
        return await clock.read(self.tx.raw, self.tx.tenant_id) is not None

    async def lock_customers(self, customer_ids: Iterable[UUID]) -> None:
        numbers = cast(sorted(_lock_number(self.tx.tenant_id, each) for each in customer_ids), ARRAY(BigInteger))
        number = func.unnest(numbers).column_valued("number")
        await self.conn.execute(select(func.pg_advisory_xact_lock(number)))

    async def default_methods(self, customer_ids: Collection[UUID]) -> Mapping[UUID, PaymentMethod]:
        mine = payment_method.c.customer_id.in_(customer_ids) & payment_method.c.is_default
        found = [method_from_row(row) for row in await self.conn.execute(select(payment_method).where(mine))]
        return {method.customer_id: method for method in found}

    async def methods(self, method_ids: Collection[UUID]) -> Mapping[UUID, PaymentMethod]:
        query = select(payment_method).where(payment_method.c.payment_method_id.in_(method_ids))
        return {row.payment_method_id: method_from_row(row) for row in await self.conn.execute(query)}

    async def lock_method(self, method_id: UUID) -> PaymentMethod:
        query = select(payment_method).where(payment_method.c.payment_method_id == method_id).with_for_update()
        row = (await self.conn.execute(query)).first()
        if row is None:
            raise PaymentMethodNotFound("no such payment method")
        return method_from_row(row)

    async def insert_method(self, method: PaymentMethod) -> None:
        await self.conn.execute(insert(payment_method).values(method_to_row(method)))

    async def save_methods(self, *methods: PaymentMethod) -> None:
        for method in methods:
            query = update(payment_method).where(payment_method.c.payment_method_id == method.id)
            await self.conn.execute(query.values(method_to_row(method)))

    async def insert_payments(self, payments: Sequence[Payment]) -> None:
        await rows.insert_payments(self.conn, payments)

    async def lock_payment(self, payment_id: UUID) -> Payment:
        found = await self.lock_payments([payment_id])
        if not found:
            raise PaymentNotFound("no such payment")
        return found[0]

    async def lock_payments(self, payment_ids: Collection[UUID]) -> Sequence[Payment]:
        return await rows.payments_of(self.conn, rows.locked(payment.c.payment_id.in_(payment_ids)))

    async def lock_payments_of_invoices(self, invoice_ids: Collection[UUID]) -> Sequence[Payment]:
        return await rows.payments_of(self.conn, rows.locked(payment.c.invoice_id.in_(invoice_ids)))

    async def lock_waiting_payments(self, customer_id: UUID) -> Sequence[Payment]:
        waiting = rows.SCHEDULED, payment.c.next_attempt_at.is_(None)
        return await rows.payments_of(self.conn, rows.locked(payment.c.customer_id == customer_id, *waiting))

    async def claim_due(self, as_of: datetime, limit: int, within: timedelta | None) -> Sequence[Payment]:
        return await rows.payments_of(self.conn, rows.due_query(as_of, limit, within))

    async def claim_unclear(self, limit: int) -> Sequence[Payment]:
        return await rows.payments_of(self.conn, rows.unclear_query(limit))

    async def start_attempts(self, payments: Sequence[Payment]) -> None:
        await rows.start_attempts(self.conn, payments)

    async def save_payments(self, payments: Sequence[Payment]) -> None:
        await rows.save_payments(self.conn, payments)

    async def is_due(self, as_of: datetime) -> bool:
        return bool((await self.conn.execute(select(exists(select(payment).where(rows.due_by(as_of)))))).scalar())

    async def unclear_count(self) -> int:
        return (await self.conn.execute(select(func.count()).select_from(payment).where(rows.UNDER_WAY))).scalar_one()

    async def publish(self, *events: Event, cause: Any = None) -> None:
        await self.tx.publish(*map(event_to_pb, events), cause=cause)

    async def answer(self, response: Answer) -> Answer:
        return await self.tx.answer(response)


def units_of_work(database: Database) -> Begin:
    """Begins the transaction of the call being served, under its idempotency key."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[PostgresUnitOfWork]:
        async with database.begin(current_call()) as tx:
            yield PostgresUnitOfWork(tx)

    return begin


def units_of_work_without_key(database: Database) -> Begin:
    """Begins one of several transactions of a call: the key is for the one that gives the answer."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[PostgresUnitOfWork]:
        async with database.begin(replace(current_call(), idempotency=None)) as tx:
            yield PostgresUnitOfWork(tx)

    return begin


def _lock_number(tenant_id: UUID, customer_id: UUID) -> int:
    """A signed 64-bit number: two customers that share it only wait for each other."""
    digest = hashlib.sha256(b"customer" + tenant_id.bytes + customer_id.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
