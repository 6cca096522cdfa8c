"""Rows <-> domain values, both ways. Rows are mappings of column names."""

from collections.abc import Mapping
from typing import Any

from billing_subscriptions.domain.customer import Address, CollectionMethod, Customer, CustomerState, Party, Terms
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType

Row = Mapping[Any, Any]
Columns = dict[str, Any]


def customer_to_row(customer: Customer) -> Columns:
    terms = customer.terms
    return {
        "customer_id": customer.id,
        "external_id": terms.external_id or None,
        "party_id": customer.party_id,
        "party_version": customer.party_version,
        "country": customer.country,
        "region": customer.region,
        "tax_ids": [{"type": tax_id.type.value, "value": tax_id.value} for tax_id in terms.tax_ids],
        "currency": terms.currency,
        "zone": terms.zone,
        "collection": terms.collection.value,
        "net_terms_days": terms.net_terms_days,
        "seller_id": customer.seller_id,
        "state": customer.state.value,
        "metadata": dict(terms.metadata),
        "version": customer.version,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
        "parent_customer_id": terms.parent_id,
        "billed_to_parent": terms.billed_to_parent,
    }


def customer_from_row(row: Row) -> Customer:
    terms = Terms(
        external_id=row["external_id"] or "",
        tax_ids=tuple(TaxId(TaxIdType(each["type"]), each["value"]) for each in row["tax_ids"]),
        currency=row["currency"],
        zone=row["zone"],
        collection=CollectionMethod(row["collection"]),
        net_terms_days=row["net_terms_days"],
        metadata=row["metadata"],
        parent_id=row["parent_customer_id"],
        billed_to_parent=row["billed_to_parent"],
    )
    return Customer(
        id=row["customer_id"],
        party_id=row["party_id"],
        party_version=row["party_version"],
        country=row["country"],
        region=row["region"],
        terms=terms,
        seller_id=row["seller_id"],
        state=CustomerState(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def party_to_row(customer: Customer, party: Party) -> Columns:
    address = party.address
    return {
        "party_id": customer.party_id,
        "version": customer.party_version,
        "customer_id": customer.id,
        "name": party.name,
        "company": party.company,
        "email": party.email,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "postal_code": address.postal_code,
        "region": address.region,
        "country": address.country,
    }


def party_from_row(row: Row) -> Party:
    """Reads the columns of `party`, also from a row joined as party_<column>."""
    address = Address(
        country=row["party_country"],
        region=row["party_region"],
        line1=row["line1"],
        line2=row["line2"],
        city=row["city"],
        postal_code=row["postal_code"],
    )
    return Party(name=row["party_name"], address=address, company=row["company"], email=row["email"])
