"""The labels of an invoice change; nothing else of it ever does."""

from collections.abc import Mapping
from uuid import UUID

from billing_invoicing.domain.invoice import Invoice, relabelled
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.ports import UnitOfWork


async def update_invoice(uow: UnitOfWork, invoice_id: UUID, metadata: Mapping[str, str], *, etag: str) -> Invoice:
    """Raises InvoiceNotFound, Conflict."""
    before = await uow.invoices.lock(invoice_id, lines=True)
    check_etag(etag, before.version)
    after = relabelled(before, metadata, now=await uow.now())
    await uow.invoices.save([after])
    return after
