"""Drafts of one seller become final: numbers without gap, dates that never go back, the hash of what is frozen."""

from collections.abc import Sequence

from billing_invoicing.domain.content import content_hash
from billing_invoicing.domain.invoice import Invoice, issued
from billing_invoicing.domain.numbering import INVOICES, due_at, format_number, take
from billing_invoicing.domain.seller import Seller
from billing_invoicing.operations.ports import UnitOfWork


async def number_invoices(uow: UnitOfWork, seller: Seller, drafts: Sequence[Invoice]) -> list[Invoice]:
    """The invoices as they are written; call it last, only for what is really inserted: the series stays locked."""
    zone = seller.zone
    series = await uow.numbers.lock(seller.seller_id, INVOICES)
    numbers, after = take(series, [invoice.invoice_at for invoice in drafts], zone)
    await uow.numbers.save(seller.seller_id, INVOICES, after)
    final = []
    for invoice, number in zip(drafts, numbers, strict=True):
        made = issued(
            invoice,
            number=format_number(seller.number_prefix, number.year, number.sequence),
            seller_version=seller.version,
            invoice_at=number.invoice_at,
            due_at=due_at(number.invoice_at, invoice.net_terms_days, zone),
            now=number.invoice_at,
        )
        final.append(made._replace(content_hash=content_hash(made)))
    return final
