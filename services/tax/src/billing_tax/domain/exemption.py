"""Customers who owe no tax in a place, by certificate."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from billing_tax.domain.errors import ExemptionEnded, InvalidPeriod, UnknownPlace, bad_field
from billing_tax.domain.places import REGIONS, Place, fiscal_place
from billing_tax.domain.rates import Rate, RateTable


@dataclass(frozen=True, slots=True)
class Exemption:
    """A customer's exemption in [start, end). A place without region is the whole country."""

    id: UUID
    customer_id: UUID
    place: Place
    certificate_number: str
    start: datetime
    end: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: int = 1
    created_at: datetime | None = None

    def covers(self, rate: Rate, at: datetime) -> bool:
        active = self.start <= at and (self.end is None or at < self.end)
        return active and self.place.code in (rate.jurisdiction, rate.country, rate.registered_in)


def check_exemption(exemption: Exemption, rates: RateTable) -> None:
    """Raises UnknownPlace, InvalidPeriod."""
    place = exemption.place
    fiscal_place(place)  # refuses an unknown country
    known = place.region in REGIONS.get(place.country, ()) or rates.registers(place.code)
    if place.region and not known:
        raise bad_field(UnknownPlace, "region", f"{place.code} has no tax of its own")
    if exemption.end is not None and exemption.end <= exemption.start:
        raise bad_field(InvalidPeriod, "end_time", "an exemption ends after it starts")


def end_exemption(before: Exemption, *, end: datetime) -> Exemption:
    """Raises ExemptionEnded (an end that has been set may only be brought forward), InvalidPeriod."""
    if before.end is not None and before.end <= end:
        raise ExemptionEnded("the exemption ends earlier already", facts={"end_time": before.end.isoformat()})
    if end <= before.start:
        raise bad_field(InvalidPeriod, "end_time", "an exemption ends after it starts")
    return replace(before, end=end, version=before.version + 1)
