"""Customers and parties <-> their messages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from billing.common.v1 import collection_pb2, party_pb2, tax_facts_pb2
from billing.subscriptions.v1 import customer_pb2, customers_service_pb2, events_pb2

from billing_subscriptions.domain.customer import Address, CollectionMethod, Customer, CustomerState, Party, Terms
from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import customer_text, customer_uuid, party_text, seller_text
from billing_subscriptions.wire.times import time_to_pb

TAX_ID_TYPES = EnumTable(tax_facts_pb2.TaxIdType, TaxIdType, "TAX_ID_TYPE_")
COLLECTION_METHODS = EnumTable(collection_pb2.CollectionMethod, CollectionMethod, "COLLECTION_METHOD_")
STATES = EnumTable(customer_pb2.CustomerState, CustomerState, "CUSTOMER_STATE_")

# What may change who stands above whom, or who pays.
IN_TREE = frozenset({"parent_customer_id", "billed_to_parent", "currency_code"})
CHANGEABLE = frozenset(
    {
        "external_id",
        "party",
        "tax_ids",
        "currency_code",
        "time_zone",
        "collection_method",
        "net_terms_days",
        "metadata",
        "parent_customer_id",
        "billed_to_parent",
    }
)


def party_from_pb(party: party_pb2.Party) -> Party:
    address = party.address
    return Party(
        name=party.name,
        company=party.company,
        email=party.email,
        address=Address(
            country=address.country_code,
            region=address.region,
            line1=address.line1,
            line2=address.line2,
            city=address.city,
            postal_code=address.postal_code,
        ),
    )


def party_to_pb(party: Party) -> party_pb2.Party:
    address = party.address
    return party_pb2.Party(
        name=party.name,
        company=party.company,
        email=party.email,
        address=party_pb2.Address(
            line1=address.line1,
            line2=address.line2,
            city=address.city,
            postal_code=address.postal_code,
            region=address.region,
            country_code=address.country,
        ),
    )


def terms_from_pb(request: customers_service_pb2.CreateCustomerRequest) -> Terms:
    method = request.collection_method or collection_pb2.COLLECTION_METHOD_CHARGE
    return Terms(
        external_id=request.external_id,
        tax_ids=tax_ids_from_pb(request.tax_ids),
        currency=request.currency_code,
        zone=request.time_zone or "UTC",
        collection=COLLECTION_METHODS.from_pb(method),
        net_terms_days=request.net_terms_days,
        metadata=dict(request.metadata),
        parent_id=parent_uuid(request.parent_customer_id),
        billed_to_parent=request.billed_to_parent,
    )


def change_from_pb(change: customers_service_pb2.CustomerChange, paths: frozenset[str]) -> Callable[[Terms], Terms]:
    """The new terms from the old ones, for the named fields. Raises UnspecifiedValue."""
    readers: Mapping[str, Callable[[], dict[str, Any]]] = {
        "external_id": lambda: {"external_id": change.external_id},
        "tax_ids": lambda: {"tax_ids": tax_ids_from_pb(change.tax_ids)},
        "currency_code": lambda: {"currency": change.currency_code},
        "time_zone": lambda: {"zone": change.time_zone or "UTC"},
        "collection_method": lambda: {"collection": COLLECTION_METHODS.from_pb(change.collection_method)},
        "net_terms_days": lambda: {"net_terms_days": change.net_terms_days},
        "metadata": lambda: {"metadata": dict(change.metadata)},
        "parent_customer_id": lambda: {"parent_id": parent_uuid(change.parent_customer_id)},
        "billed_to_parent": lambda: {"billed_to_parent": change.billed_to_parent},
    }
    assert {*readers, "party"} == CHANGEABLE
    fields: dict[str, Any] = {}
    for path in paths - {"party"}:
        fields.update(readers[path]())
    return lambda terms: replace(terms, **fields)


def parent_uuid(text: str) -> UUID | None:
    """None for the empty text."""
    return customer_uuid(text) if text else None


def tax_ids_from_pb(tax_ids: Iterable[tax_facts_pb2.TaxId]) -> tuple[TaxId, ...]:
    return tuple(TaxId(TAX_ID_TYPES.from_pb(tax_id.type), tax_id.value) for tax_id in tax_ids)


def tax_ids_to_pb(tax_ids: Iterable[TaxId]) -> list[tax_facts_pb2.TaxId]:
    return [tax_facts_pb2.TaxId(type=TAX_ID_TYPES.to_pb(tax_id.type), value=tax_id.value) for tax_id in tax_ids]


def customer_to_pb(customer: Customer, party: Party, *, paying: frozenset[UUID] = frozenset()) -> customer_pb2.Customer:
    """`paying`: ids of customers with a payment method."""
    terms = customer.terms
    return customer_pb2.Customer(
        customer_id=customer_text(customer.id),
        external_id=terms.external_id,
        party=party_to_pb(party),
        party_id=party_text(customer.party_id),
        party_version=customer.party_version,
        tax_ids=tax_ids_to_pb(terms.tax_ids),
        currency_code=terms.currency,
        time_zone=terms.zone,
        collection_method=COLLECTION_METHODS.to_pb(terms.collection),
        net_terms_days=terms.net_terms_days,
        seller_id=seller_text(customer.seller_id),
        state=STATES.to_pb(customer.state),
        metadata=terms.metadata,
        etag=etag_of(customer.version),
        create_time=time_to_pb(customer.created_at),
        update_time=time_to_pb(customer.updated_at),
        parent_customer_id=customer_text(terms.parent_id) if terms.parent_id else "",
        billed_to_parent=terms.billed_to_parent,
        has_payment_method=customer.id in paying,
    )


def tax_facts_to_pb(customer: Customer) -> tax_facts_pb2.TaxFacts:
    return tax_facts_pb2.TaxFacts(
        country_code=customer.country, region=customer.region, tax_ids=tax_ids_to_pb(customer.terms.tax_ids)
    )


def facts_to_pb(customer: Customer) -> events_pb2.CustomerFacts:
    """What other services may know: no personal data."""
    return events_pb2.CustomerFacts(
        customer_id=customer_text(customer.id),
        version=customer.version,
        external_id=customer.terms.external_id,
        party_id=party_text(customer.party_id),
        party_version=customer.party_version,
        tax_facts=tax_facts_to_pb(customer),
        currency_code=customer.terms.currency,
        collection_method=COLLECTION_METHODS.to_pb(customer.terms.collection),
        net_terms_days=customer.terms.net_terms_days,
        seller_id=seller_text(customer.seller_id),
        archived=customer.state is CustomerState.ARCHIVED,
    )
