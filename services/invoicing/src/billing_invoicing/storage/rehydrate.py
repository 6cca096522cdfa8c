"""Answers that are given again get their personal data back: the stored ones hold none."""

from collections.abc import Mapping
from typing import Any

from billing.invoicing.v1 import invoices_service_pb2, sellers_service_pb2
from billing_runtime.database import Rehydrate
from billing_runtime.transaction import Transaction

from billing_invoicing.storage.queries import PostgresReads
from billing_invoicing.wire.values import INVOICE, SELLER, id_from_pb, party_to_pb


async def _invoice(tx: Transaction, answer: Any) -> None:
    reads = PostgresReads(tx)
    found = await reads.invoices.get(id_from_pb(INVOICE, answer.invoice.invoice_id), lines=False)
    party = await reads.parties.get(found.party_id, found.party_version) if answer.invoice.number else None
    if party is not None:
        answer.invoice.customer_party.CopyFrom(party_to_pb(party))


async def _seller(tx: Transaction, answer: Any) -> None:
    """The copy of the version that was answered then, which is its etag."""
    seller_id = id_from_pb(SELLER, answer.seller.seller_id)
    printed = await PostgresReads(tx).sellers.printed(seller_id, int(answer.seller.etag))
    answer.seller.party.CopyFrom(party_to_pb(printed.party))


_OF_INVOICES = ("FinalizeInvoiceResponse", "VoidInvoiceResponse", "MarkInvoicePaidResponse", "UpdateInvoiceResponse")
_OF_SELLERS = ("CreateSellerResponse", "UpdateSellerResponse")

REHYDRATE: Mapping[str, Rehydrate] = {
    **{invoices_service_pb2.DESCRIPTOR.message_types_by_name[name].full_name: _invoice for name in _OF_INVOICES},
    **{sellers_service_pb2.DESCRIPTOR.message_types_by_name[name].full_name: _seller for name in _OF_SELLERS},
}
