"""Where a customer is, for tax: countries, the EU, and territories that the tax map draws differently."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from billing_kernel.countries import COUNTRIES

from billing_tax.domain.errors import UnknownPlace, bad_field

_EU_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU_MEMBERS = frozenset(_EU_MEMBERS.split())
GB_LEFT_THE_EU = date(2021, 1, 1)  # end of the transition period for VAT

_PROVINCES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
_STATES = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
    OR PA RI SC SD TN TX UT VT VA WA WV WI WY
"""
# Countries whose subdivision must be known before any tax can be named.
REGIONS = {"CA": frozenset(_PROVINCES.split()), "US": frozenset(_STATES.split())}

# Written (country, region) -> the place that tax law sees.
_TERRITORIES = {
    ("GB", "NIR"): ("XI", ""),
    ("FI", "01"): ("AX", ""),
    ("ES", "GC"): ("ES", "CN"),
    ("ES", "TF"): ("ES", "CN"),
    **{("US", code): (code, "") for code in ("AS", "GU", "MP", "PR", "UM", "VI")},
    **{("FR", code): (code, "") for code in ("GP", "MQ", "GF", "RE", "YT")},
}
# Regions outside their country's tax area: Directive 2006/112/EC Art. 6.
_OUTSIDE = frozenset({("ES", "CN"), ("ES", "CE"), ("ES", "ML")})
# Countries that another one's tax law treats as its own: Directive 2006/112/EC Art. 7; Isle of Man Act 1979.
_TREATED_AS = {"MC": "FR", "IM": "GB"}


CACHED_PLACES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Place:
    """A country (ISO 3166-1) and, where it counts, a region (ISO 3166-2 without the country)."""

    country: str
    region: str = ""

    @property
    def code(self) -> str:
        """ "US-CA", or "DE" where no region is given."""
        return f"{self.country}-{self.region}" if self.region else self.country


@lru_cache(CACHED_PLACES_MAX)
def fiscal_place(place: Place, field: str = "country_code") -> Place:
    """The place that tax law sees. Raises UnknownPlace, naming `field` of the request."""
    if place.country not in COUNTRIES:
        raise bad_field(UnknownPlace, field, f"{place.country!r} is not an ISO 3166-1 country code")
    territory = _TERRITORIES.get((place.country, place.region))
    if territory:
        return Place(*territory)
    return Place(_TREATED_AS.get(place.country, place.country), place.region)


def tax_authority(country: str) -> str:
    """Who a seller there answers to: Northern Ireland has the United Kingdom's."""
    return "GB" if country == "XI" else country


def in_eu(country: str, on: date) -> bool:
    """Whether services there follow the EU's VAT directive that day. Northern Ireland does for goods only."""
    return country in EU_MEMBERS or (country == "GB" and on < GB_LEFT_THE_EU)


def in_tax_area(place: Place) -> bool:
    """Whether the taxes of its country reach a fiscal place."""
    return (place.country, place.region) not in _OUTSIDE
