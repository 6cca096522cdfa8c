"""Sellers: the legal entities that bill. What is printed of them is kept by version, and frozen on invoices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from uuid import UUID

from billing_kernel import period
from billing_kernel.countries import COUNTRIES
from billing_kernel.errors import Violation
from billing_kernel.period import UnknownZone

from billing_invoicing.domain.due import TaxId
from billing_invoicing.domain.errors import InvalidParty, UnknownTimeZone


@dataclass(frozen=True, slots=True)
class Party:
    """Personal data of whoever bills or is billed; `country` and `region` decide the place of supply."""

    name: str
    company: str
    email: str
    line1: str
    line2: str
    city: str
    postal_code: str
    region: str
    country: str


@dataclass(frozen=True, slots=True)
class Seller:
    """`version` names the printed copy as well: each change makes a new one."""

    seller_id: UUID
    version: int
    party: Party
    tax_ids: tuple[TaxId, ...]
    time_zone: str
    number_prefix: str
    is_default: bool
    footer: str
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime

    @property
    def zone(self) -> tzinfo:
        """The zone of invoice dates and of the year in numbers."""
        return zone_of(self.time_zone)


@dataclass(frozen=True, slots=True)
class SellerChange:
    """New values of the fields that change; None leaves a field as it is."""

    party: Party | None = None
    tax_ids: tuple[TaxId, ...] | None = None
    footer: str | None = None
    metadata: Mapping[str, str] | None = None


def zone_of(name: str) -> tzinfo:
    """Raises UnknownTimeZone."""
    try:
        return period.zone_of(name)
    except UnknownZone as error:
        raise UnknownTimeZone(f"{name[:64]!r} is not a time zone of the IANA list") from error


def check_party(party: Party) -> Party:
    """Raises InvalidParty for a country that does not exist: no tax could be named for such a seller."""
    if party.country not in COUNTRIES:
        unknown = Violation("party.address.country_code", "is not a country of ISO 3166-1", "country.known")
        raise InvalidParty("a seller needs a country that exists", violations=(unknown,))
    return party


def changed(seller: Seller, change: SellerChange, *, now: datetime) -> Seller:
    """The next version of the seller. Raises InvalidParty."""
    return replace(
        seller,
        version=seller.version + 1,
        party=seller.party if change.party is None else check_party(change.party),
        tax_ids=seller.tax_ids if change.tax_ids is None else change.tax_ids,
        footer=seller.footer if change.footer is None else change.footer,
        metadata=seller.metadata if change.metadata is None else dict(change.metadata),
        updated_at=now,
    )
