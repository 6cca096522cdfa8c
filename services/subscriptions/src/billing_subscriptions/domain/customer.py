"""Customers: who is billed. Personal data lives in the party, by version; the customer holds none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.countries import COUNTRIES
from billing_kernel.errors import Violation
from billing_kernel.money import exponent
from billing_kernel.period import UnknownZone, zone_of

from billing_subscriptions.domain.errors import (
    CustomerArchived,
    CustomerHasSubscriptions,
    CustomerPaysForOthers,
    InvalidParty,
    UnknownTimeZone,
)
from billing_subscriptions.domain.tax_ids import TaxId, check_tax_ids


class CollectionMethod(StrEnum):
    CHARGE = "CHARGE"
    SEND = "SEND"


class CustomerState(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, slots=True)
class Address:
    """`country` is ISO 3166-1 alpha-2, `region` ISO 3166-2 without the country; both decide the place of supply."""

    country: str
    region: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Personal data of a customer. Versions are immutable."""

    name: str
    address: Address
    company: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """The part of a customer that its caller decides and may change, apart from the party."""

    external_id: str = ""
    tax_ids: tuple[TaxId, ...] = ()
    currency: str = "EUR"
    zone: str = "UTC"
    collection: CollectionMethod = CollectionMethod.CHARGE
    net_terms_days: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    parent_id: UUID | None = None
    billed_to_parent: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """`version` counts from 1 and makes the etag; `party_version` is the current version of the party."""

    id: UUID
    party_id: UUID
    party_version: int
    country: str
    region: str
    terms: Terms
    seller_id: UUID | None
    state: CustomerState
    version: int
    created_at: datetime
    updated_at: datetime


def check_terms(terms: Terms) -> Terms:
    """Raises UnknownCurrency, UnknownTimeZone, InvalidTaxId."""
    exponent(terms.currency)
    try:
        zone_of(terms.zone)
    except UnknownZone as error:
        raise UnknownTimeZone(error.message, facts=error.facts) from error
    check_tax_ids(terms.tax_ids)
    return terms


def create(
    terms: Terms, party: Party, *, customer_id: UUID, party_id: UUID, seller_id: UUID | None, now: datetime
) -> Customer:
    """A new customer with version 1 of its party. Raises what check_terms raises, and InvalidParty."""
    _check_party(party)
    return Customer(
        id=customer_id,
        party_id=party_id,
        party_version=1,
        country=party.address.country,
        region=party.address.region,
        terms=check_terms(terms),
        seller_id=seller_id,
        state=CustomerState.ACTIVE,
        version=1,
        created_at=now,
        updated_at=now,
    )


def change(customer: Customer, terms: Terms, party: Party | None, *, now: datetime) -> Customer:
    """The customer with new terms and, when `party` is given, with the next version of its party.

    Raises CustomerArchived and what create() raises.
    """
    if customer.state is CustomerState.ARCHIVED:
        raise CustomerArchived("an archived customer does not change")
    after = replace(customer, terms=check_terms(terms), version=customer.version + 1, updated_at=now)
    if party is None:
        return after
    _check_party(party)
    place = party.address
    return replace(after, party_version=after.party_version + 1, country=place.country, region=place.region)


def archive(customer: Customer, *, running_subscriptions: int, pays_for: int = 0, now: datetime) -> Customer:
    """The archived customer; itself when it already is. Raises CustomerHasSubscriptions, CustomerPaysForOthers."""
    if customer.state is CustomerState.ARCHIVED:
        return customer
    if pays_for:
        raise CustomerPaysForOthers("others are billed to the customer", facts={"customers": str(pays_for)})
    if running_subscriptions:
        facts = {"subscriptions": str(running_subscriptions)}
        raise CustomerHasSubscriptions("the customer has subscriptions that still run", facts=facts)
    return replace(customer, state=CustomerState.ARCHIVED, version=customer.version + 1, updated_at=now)


def _check_party(party: Party) -> None:
    if not party.name.strip():
        raise InvalidParty("a party needs a name")
    if party.address.country not in COUNTRIES:
        unknown = Violation("party.address.country_code", "is not a country of ISO 3166-1", "country.known")
        raise InvalidParty("no tax can be named for an unknown country", violations=(unknown,))
