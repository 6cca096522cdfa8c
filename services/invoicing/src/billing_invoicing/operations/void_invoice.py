"""An invoice is withdrawn: its number stays used, its charges are free, account credit that it used is given back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from billing_invoicing.domain.errors import InvoiceCredited
from billing_invoicing.domain.events import InvoiceVoided
from billing_invoicing.domain.invoice import Invoice, State, voided
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.use_account_credit import return_account_credit

NEVER_PAID = "the first payment never came"


async def void_invoice(uow: UnitOfWork, invoice_id: UUID, *, reason: str, etag: str) -> Invoice:
    """Raises InvoiceNotFound, InvoiceIsPaid, InvoiceIsVoid, InvoiceCredited, Conflict."""
    before = await uow.invoices.lock(invoice_id, lines=True)
    check_etag(etag, before.version)
    return await _void(uow, before, reason, await uow.now(), None)


async def void_unpaid(uow: UnitOfWork, subscription_id: UUID, *, now: datetime, cause: Any) -> None:
    """Voids what was billed for a subscription whose first payment never came; once anything of it was paid, it came
    after all and nothing happens. Nothing happens a second time either. Raises InvoiceCredited."""
    invoices = await uow.invoices.lock_of_subscription(subscription_id)
    if any(invoice.paid_minor or (invoice.state is State.PAID and invoice.total_minor > 0) for invoice in invoices):
        return
    for invoice in invoices:  # the latest first: it may credit lines of the ones before
        if invoice.unpaid:
            await _void(uow, invoice, NEVER_PAID, now, cause)


async def _void(uow: UnitOfWork, before: Invoice, reason: str, now: datetime, cause: Any) -> Invoice:
    after = voided(before, now=now)
    if await uow.invoices.credited_elsewhere(before.invoice_id):
        raise InvoiceCredited("another invoice gives back a line of this one: void that one first")
    await return_account_credit(uow, after)
    await uow.invoices.save([after])
    await uow.invoices.free_charges(before.invoice_id)
    await uow.publish(InvoiceVoided(after, reason, now), cause=cause)
    return after
