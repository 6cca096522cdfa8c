"""Finalised invoices become payments, one each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_kernel.money import Money

from billing_payments.domain.payment import Payment, open_payment
from billing_payments.operations.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Collectable:
    """An invoice that is to be charged, as of its `version`."""

    invoice_id: UUID
    customer_id: UUID
    subscription_ids: tuple[UUID, ...]
    due: Money
    version: int
    at: datetime


async def open_payments(uow: UnitOfWork, invoices: Sequence[Collectable]) -> None:
    """Stores what is due; the attempts are made by the job. An invoice that has a payment is passed over."""
    await uow.insert_payments([_payment(invoice) for invoice in invoices if invoice.due.minor > 0])


def _payment(invoice: Collectable) -> Payment:
    return open_payment(
        payment_id=uuid7(),
        invoice_id=invoice.invoice_id,
        customer_id=invoice.customer_id,
        subscription_ids=invoice.subscription_ids,
        amount=invoice.due,
        invoice_version=invoice.version,
        now=invoice.at,
    )
