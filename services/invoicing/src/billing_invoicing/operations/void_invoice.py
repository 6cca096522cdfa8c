"""An invoice is withdrawn: its number stays used, its charges are free."""

from uuid import UUID

from billing_invoicing.domain.events import InvoiceVoided
from billing_invoicing.domain.invoice import Invoice, voided
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.ports import UnitOfWork


async def void_invoice(uow: UnitOfWork, invoice_id: UUID, *, reason: str, etag: str) -> Invoice:
    """Raises InvoiceNotFound, InvoiceIsPaid, InvoiceIsVoid, Conflict."""
    before = await uow.invoices.lock(invoice_id, lines=True)
    check_etag(etag, before.version)
    now = await uow.now()
    after = voided(before, now=now)
    await uow.invoices.save([after])
    await uow.invoices.free_charges(invoice_id)
    await uow.publish(InvoiceVoided(after, reason, now))
    return after
