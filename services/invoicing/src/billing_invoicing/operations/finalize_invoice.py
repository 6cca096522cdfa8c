"""A draft becomes final: it takes its number, freezes both parties, and is collected."""

from uuid import UUID

from billing_kernel.errors import DomainError

from billing_invoicing.domain.due import Refusal
from billing_invoicing.domain.errors import DueRefused, InvoiceNotDraft
from billing_invoicing.domain.events import InvoiceFinalized, InvoicePaid
from billing_invoicing.domain.invoice import Invoice, State
from billing_invoicing.domain.seller import Party
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.number_invoices import number_invoices
from billing_invoicing.operations.peer_ports import PartyBook
from billing_invoicing.operations.ports import Read, UnitOfWork
from billing_invoicing.operations.use_account_credit import use_account_credit


async def party_of_draft(read: Read, book: PartyBook, invoice_id: UUID) -> Party | None:
    """The copy to freeze, asked for before anything is locked; None when there is one or the invoice is no draft.

    Raises DueRefused (PARTY_NOT_FOUND) and what subscriptions refuses.
    """
    async with read() as reads:
        try:
            invoice = await reads.invoices.get(invoice_id, lines=False)
        except DomainError:
            return None  # said again under the idempotency key
        version = (invoice.party_id, invoice.party_version)
        if invoice.state is not State.DRAFT or not await reads.parties.missing([version]):
            return None
    party = (await book.fetch([version])).get(version, Refusal("PARTY_NOT_FOUND", "no such party"))
    if isinstance(party, Refusal):
        raise DueRefused(party.reason, party.message)
    return party


async def finalize_invoice(uow: UnitOfWork, invoice_id: UUID, *, etag: str, party: Party | None) -> Invoice:
    """Figures stay as drafted; the date is today's business time; account credit is used.

    Raises InvoiceNotFound, InvoiceNotDraft, Conflict.
    """
    draft = await uow.invoices.lock(invoice_id, lines=True)
    check_etag(etag, draft.version)
    if draft.state is not State.DRAFT:
        raise InvoiceNotDraft("only a draft can be made final", facts={"state": draft.state.name})
    if party is not None:
        version = (draft.party_id, draft.party_version)
        await uow.parties.keep({version: party}, {draft.party_id: draft.customer_id})
    now = await uow.now()
    seller = await uow.sellers.get(draft.seller_id)
    dated = draft._replace(version=draft.version + 1, invoice_at=now)
    credited = await use_account_credit(uow, [dated])
    (invoice,) = await number_invoices(uow, seller, [*credited.values()])
    await uow.invoices.finalize(invoice)
    await uow.publish(InvoiceFinalized(invoice, invoice.invoice_at))
    if invoice.state is State.PAID:
        await uow.publish(InvoicePaid(invoice, invoice.invoice_at))
    return invoice
