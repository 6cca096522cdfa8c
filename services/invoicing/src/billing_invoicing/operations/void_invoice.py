"""An invoice is withdrawn: its number stays used, its charges are free, account credit that it used is given back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from billing_invoicing.domain.errors import InvoiceCredited
from billing_invoicing.domain.events import InvoiceVoided
from billing_invoicing.domain.invoice import Invoice, State, voided, withdrawn
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.use_account_credit import keep_unearned, return_account_credit

NEVER_PAID = "the first payment never came"
PAID_IN_VAIN = "the subscription ended before its first payment was known; what was paid is account credit"


async def void_invoice(uow: UnitOfWork, invoice_id: UUID, *, reason: str, etag: str) -> Invoice:
    """Raises InvoiceNotFound, InvoiceIsPaid, InvoiceIsVoid, InvoiceCredited, Conflict."""
    before = await uow.invoices.lock(invoice_id, lines=True)
    check_etag(etag, before.version)
    after = voided(before, now=await uow.now())
    await _write(uow, after, reason)
    return after


async def withdraw_start(uow: UnitOfWork, subscription_id: UUID, *, now: datetime, cause: Any) -> None:
    """Voids what was billed for a subscription that ended before it knew of its first payment; what was paid for it all
    the same becomes account credit. Nothing happens a second time. Raises InvoiceCredited."""
    for invoice in await uow.invoices.lock_of_subscription(subscription_id):  # the latest first: it may credit others
        if invoice.state is State.DRAFT or (invoice.state is not State.VOID and invoice.total_minor > 0):
            after = withdrawn(invoice, now=now)
            await _write(uow, after, PAID_IN_VAIN if invoice.payments else NEVER_PAID, cause)
            await keep_unearned(uow, after, invoice.payments, now)


async def _write(uow: UnitOfWork, after: Invoice, reason: str, cause: Any = None) -> None:
    if await uow.invoices.credited_elsewhere(after.invoice_id):
        raise InvoiceCredited("another invoice gives back a line of this one: void that one first")
    await return_account_credit(uow, after)
    await uow.invoices.save([after])
    await uow.invoices.free_charges(after.invoice_id)
    await uow.publish(InvoiceVoided(after, reason, after.updated_at), cause=cause)
