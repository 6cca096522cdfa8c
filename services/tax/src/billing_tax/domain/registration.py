"""Where a seller is registered and must collect tax."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_tax.domain.errors import InvalidPeriod, RegistrationEnded, UnknownPlace, bad_field
from billing_tax.domain.places import EU_MEMBERS, Place, fiscal_place, in_eu, tax_authority
from billing_tax.domain.rates import Rate, RateTable
from billing_tax.domain.tax_ids import check_seller_number
from billing_tax.domain.zones import local_date


class Scheme(StrEnum):
    """DOMESTIC covers the country or region alone; EU_OSS all member states, through the country named."""

    DOMESTIC = "domestic"
    EU_OSS = "eu_oss"


@dataclass(frozen=True, slots=True)
class Registration:
    """A seller's registration in [start, end), with the number that the authority gave."""

    id: UUID
    seller_id: UUID
    place: Place
    scheme: Scheme
    tax_number: str
    start: datetime
    end: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def active(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

    def covers(self, rate: Rate, at: datetime) -> bool:
        """Whether the seller collects that rate at that instant because of this registration."""
        if not self.active(at):
            return False
        if tax_authority(self.place.code) in (rate.jurisdiction, rate.registered_in):
            return True
        return self.scheme is Scheme.EU_OSS and in_eu(rate.registered_in, local_date(self.place, at))


def check_registration(registration: Registration, rates: RateTable) -> None:
    """Refuses what could never collect anything. Raises UnknownPlace, InvalidTaxNumber."""
    place = registration.place
    fiscal_place(place)  # refuses an unknown country
    if registration.scheme is Scheme.EU_OSS and (place.country not in EU_MEMBERS or place.region):
        raise bad_field(UnknownPlace, "country_code", "the One Stop Shop is run by member states of the EU")
    if not rates.registers(place.code):
        raise bad_field(
            UnknownPlace, "region" if place.region else "country_code", f"{place.code} registers no sellers here"
        )
    if registration.scheme is Scheme.DOMESTIC:
        check_seller_number(place.country, place.region, registration.tax_number)


def end_registration(before: Registration, *, end: datetime, now: datetime) -> Registration:
    """Raises RegistrationEnded, InvalidPeriod."""
    if before.end is not None:
        raise RegistrationEnded("the registration has an end already", facts={"end_time": before.end.isoformat()})
    if end <= before.start:
        raise bad_field(InvalidPeriod, "end_time", "a registration ends after it starts")
    return replace(before, end=end, version=before.version + 1, updated_at=now)
