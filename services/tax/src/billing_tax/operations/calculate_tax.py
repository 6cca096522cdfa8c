"""Taxes documents: what the tenant has on record is read once for all of them, the rest is arithmetic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from billing_kernel.errors import DomainError

from billing_tax.domain.calculation import tax_document
from billing_tax.domain.document import TaxedDocument, TaxOrder
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.place_of_supply import Customer, Seller
from billing_tax.domain.rates import RateTable
from billing_tax.domain.registration import Registration
from billing_tax.operations.ports import Reads


@dataclass(frozen=True, slots=True)
class OnRecord:
    """Registrations by seller and exemptions by customer."""

    registrations: Mapping[UUID, tuple[Registration, ...]]
    exemptions: Mapping[UUID, tuple[Exemption, ...]]


async def read_record(reads: Reads, orders: Sequence[TaxOrder]) -> OnRecord:
    """Two reads, however many documents."""
    sellers = {order.seller_id for order in orders}
    customers = {order.customer_id for order in orders if order.customer_id is not None}
    return OnRecord(await reads.registrations_of(sorted(sellers)), await reads.exemptions_of(sorted(customers)))


def calculate_tax(order: TaxOrder, record: OnRecord, rates: RateTable) -> TaxedDocument:
    """Raises UnknownTaxCategory, UnknownPlace, NoRateOnDate, UnknownCurrency, AmountOverflow."""
    exemptions = record.exemptions.get(order.customer_id, ()) if order.customer_id else ()
    return tax_document(
        order.lines,
        seller=Seller(order.seller_country, record.registrations.get(order.seller_id, ())),
        customer=Customer(order.place, order.tax_ids, exemptions),
        currency=order.currency,
        rates=rates,
        scope=order.scope,
    )


def calculate_each(
    orders: Sequence[TaxOrder | DomainError], record: OnRecord, rates: RateTable
) -> Iterator[TaxedDocument | DomainError]:
    """One result an order, in their order: a refusal stays its own."""
    for order in orders:
        if isinstance(order, DomainError):
            yield order
            continue
        try:
            yield calculate_tax(order, record, rates)
        except DomainError as refusal:
            yield refusal
