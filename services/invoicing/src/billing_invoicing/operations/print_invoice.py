"""The PDF of a final invoice: rendered once, then kept under the hash of its content."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from billing_invoicing.domain.document import InvoiceDocument
from billing_invoicing.domain.errors import InvoiceNotFinal
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.domain.printing import document_of
from billing_invoicing.operations.peer_ports import Blobs
from billing_invoicing.operations.ports import Read

Render = Callable[[InvoiceDocument], Awaitable[bytes]]


async def print_invoice(
    read: Read, blobs: Blobs, render: Render, tenant_id: UUID, invoice_id: UUID
) -> tuple[str, bytes]:
    """(number, PDF). Raises InvoiceNotFound, InvoiceNotFinal."""
    async with read() as reads:
        invoice = await reads.invoices.get(invoice_id)
        if not invoice.final:
            raise InvoiceNotFinal("a draft has no document", facts={"state": invoice.state.name})
    key = blob_key(tenant_id, invoice)
    made = await blobs.get(key)
    if made is None:
        made = await render(await _document(read, invoice))
        await blobs.put(key, made)
    return invoice.number, made


async def _document(read: Read, invoice: Invoice) -> InvoiceDocument:
    async with read() as reads:
        seller = await reads.sellers.printed(invoice.seller_id, invoice.seller_version)
        customer = await reads.parties.get(invoice.party_id, invoice.party_version)
    assert customer is not None, "a final invoice has its copy"
    return document_of(invoice, seller, customer)


def blob_key(tenant_id: UUID, invoice: Invoice) -> str:
    """ "<tenant>/invoices/<hash>.pdf": equal content has one document."""
    return f"{tenant_id}/invoices/{invoice.content_hash.partition(':')[2]}.pdf"
