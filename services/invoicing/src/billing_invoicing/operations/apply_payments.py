"""Payments that succeeded are set against their invoices, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from billing_kernel.money import CurrencyMismatch, Money

from billing_invoicing.domain.errors import InvoiceNotFound
from billing_invoicing.domain.events import payment_told
from billing_invoicing.domain.invoice import AppliedPayment, Invoice, State, with_payment
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.use_account_credit import keep_unearned

log = structlog.get_logger("billing.invoicing")


@dataclass(frozen=True, slots=True)
class Collected:
    """A payment that succeeded at `paid_at` (business time); `cause` is the event that told it."""

    payment_id: UUID
    invoice_id: UUID
    amount: Money
    paid_at: datetime
    cause: Any = None


async def apply_payments(uow: UnitOfWork, collected: Sequence[Collected]) -> None:
    """Money beyond what is due is kept as not applied, on the invoice's payments and by the invariant
    payments_applied_whole; what comes for a void invoice becomes account credit. None is lost.

    Raises InvoiceNotFound, CurrencyMismatch: then nothing is written.
    """
    invoices = dict(await uow.invoices.lock_many([payment.invoice_id for payment in collected]))
    changed: dict[UUID, Invoice] = {}
    for payment in collected:
        after = await _apply(uow, invoices.get(payment.invoice_id), payment)
        if after is not None:
            invoices[after.invoice_id] = changed[after.invoice_id] = after
    await uow.invoices.save(list(changed.values()))


async def _apply(uow: UnitOfWork, invoice: Invoice | None, payment: Collected) -> Invoice | None:
    """The invoice after the payment; None when it was applied before or nothing was due."""
    if invoice is None:
        raise InvoiceNotFound("the payment names an unknown invoice", facts={"payment_id": str(payment.payment_id)})
    if payment.amount.currency != invoice.currency:
        raise CurrencyMismatch("the payment is in another currency than its invoice")
    applied_minor = max(0, min(payment.amount.minor, invoice.due_minor))
    unapplied_minor = payment.amount.minor - applied_minor
    record = AppliedPayment(payment.payment_id, "", applied_minor, payment.paid_at, unapplied_minor)
    if not await uow.invoices.apply(invoice, record):
        return None
    if invoice.state is State.VOID:
        await keep_unearned(uow, invoice, [record], payment.paid_at)
    elif unapplied_minor:
        log.warning("payment_exceeds_due", invoice_id=str(invoice.invoice_id), payment_id=str(payment.payment_id))
    if applied_minor == 0:
        return None
    after = with_payment(invoice, applied_minor, now=payment.paid_at)
    await uow.publish(payment_told(after, payment.paid_at), cause=payment.cause)
    return after
