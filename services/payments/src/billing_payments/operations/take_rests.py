"""Invoices that were paid in part are collected for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_kernel.money import Money

from billing_payments.domain import collection
from billing_payments.operations.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class PartlyPaid:
    """An invoice that has `rest` due since its `version`, from `at`; `cause` is the event that says so."""

    invoice_id: UUID
    version: int
    rest: Money
    at: datetime
    cause: Any = None


async def take_rests(uow: UnitOfWork, invoices: Sequence[PartlyPaid]) -> None:
    """Open payments ask for the rest from their next attempt on. Raises CurrencyMismatch: then nothing is written."""
    found = await uow.lock_payments_of_invoices({invoice.invoice_id for invoice in invoices})
    before = {payment.invoice_id: payment for payment in found}
    after = dict(before)
    for invoice in invoices:
        if invoice.invoice_id in after:
            payment = after[invoice.invoice_id]
            decision = collection.take_rest(payment, invoice.rest, invoice_version=invoice.version, now=invoice.at)
            after[invoice.invoice_id] = decision.payment
            await uow.publish(*decision.events, cause=invoice.cause)
    await uow.save_payments([payment for key, payment in after.items() if payment is not before[key]])
