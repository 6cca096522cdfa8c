"""Payments that waited for a payment method become due."""

from datetime import datetime
from uuid import UUID

from billing_payments.domain import collection
from billing_payments.operations.ports import UnitOfWork


async def wake_payments(uow: UnitOfWork, customer_id: UUID, *, now: datetime) -> None:
    """To be called under the customer's lock, after a payment method became the default."""
    waiting = await uow.lock_waiting_payments(customer_id)
    await uow.save_payments([collection.wake(payment, now=now) for payment in waiting])
