"""Plain reads, without locks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import exists, func, select

from billing_payments.domain.errors import PaymentMethodNotFound, PaymentNotFound
from billing_payments.domain.payment import Payment, PaymentState
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.operations.ports import Read
from billing_payments.storage.mapping import method_from_row
from billing_payments.storage.payments import ATTEMPT_UNDER_WAY, SCHEDULED, payments_of
from billing_payments.storage.tables import payment, payment_attempt, payment_method


class PostgresReads:
    """`Reads` in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.conn = tx.conn

    async def get_method(self, method_id: UUID) -> PaymentMethod:
        query = select(payment_method).where(payment_method.c.payment_method_id == method_id)
        row = (await self.conn.execute(query)).first()
        if row is None:
            raise PaymentMethodNotFound("no such payment method")
        return method_from_row(row)

    async def list_methods(
        self, *, customer_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[PaymentMethod]:
        query = select(payment_method).order_by(payment_method.c.payment_method_id).limit(limit)
        if customer_id is not None:
            query = query.where(payment_method.c.customer_id == customer_id)
        if after is not None:
            query = query.where(payment_method.c.payment_method_id > after)
        return [method_from_row(row) for row in await self.conn.execute(query)]

    async def get_payment(self, payment_id: UUID) -> Payment:
        found = await payments_of(self.conn, select(payment).where(payment.c.payment_id == payment_id))
        if not found:
            raise PaymentNotFound("no such payment")
        return found[0]

    async def list_payments(
        self,
        *,
        customer_id: UUID | None,
        invoice_id: UUID | None,
        state: PaymentState | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[Payment]:
        query = select(payment).order_by(payment.c.payment_id).limit(limit)
        if customer_id is not None:
            query = query.where(payment.c.customer_id == customer_id)
        if invoice_id is not None:
            query = query.where(payment.c.invoice_id == invoice_id)
        if state is not None:
            query = query.where(payment.c.state == state.value)
        if after is not None:
            query = query.where(payment.c.payment_id > after)
        return await payments_of(self.conn, query)


def reads_of(database: Database) -> Read:
    """Opens a read of the call being served."""

    @asynccontextmanager
    async def read() -> AsyncIterator[PostgresReads]:
        async with database.read(current_call()) as tx:
            yield PostgresReads(tx)

    return read


async def next_due_at(tx: Transaction) -> datetime | None:
    """When the tenant's next attempt is due; an attempt that is under way counts as due when it was made."""
    planned = select(func.min(payment.c.next_attempt_at)).where(SCHEDULED).scalar_subquery()
    made = func.coalesce(payment_attempt.c.confirmed_at, payment_attempt.c.attempted_at)
    under_way = select(func.min(made)).where(ATTEMPT_UNDER_WAY).scalar_subquery()
    due: datetime | None = (await tx.conn.execute(select(func.least(planned, under_way)))).scalar()
    return due


async def is_empty(tx: Transaction) -> bool:
    """Whether the tenant has no record in this service."""
    found = select(exists(select(payment)), exists(select(payment_method)))
    return not any((await tx.conn.execute(found)).one())
