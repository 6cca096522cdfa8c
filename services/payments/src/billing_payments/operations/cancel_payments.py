"""Invoices that were paid or voided need no payment any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_payments.domain import collection
from billing_payments.operations.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Settled:
    """An invoice that was paid or voided at `at`; `cause` is the event that says so."""

    invoice_id: UUID
    at: datetime
    cause: Any = None


async def cancel_payments(uow: UnitOfWork, invoices: Sequence[Settled]) -> None:
    """Open payments are canceled; one with an attempt under way once its outcome is no success."""
    found = await uow.lock_payments_of_invoices({invoice.invoice_id for invoice in invoices})
    before = {payment.invoice_id: payment for payment in found}
    after = dict(before)
    for invoice in invoices:
        if invoice.invoice_id in after:
            decision = collection.cancel(after[invoice.invoice_id], now=invoice.at)
            after[invoice.invoice_id] = decision.payment
            await uow.publish(*decision.events, cause=invoice.cause)
    await uow.save_payments([payment for key, payment in after.items() if payment is not before[key]])
