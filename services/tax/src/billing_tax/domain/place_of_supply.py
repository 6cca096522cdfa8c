"""Who taxes a digital service, and why: the place of supply and the rule that decided.

The service is supplied where the customer is (Directive 2006/112/EC Arts. 44 and 58; other countries alike). There, in
order: an exempt customer or category; a business that owes the tax itself; a seller who is not registered; the rate.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from billing_tax.domain.categories import RateCategory
from billing_tax.domain.errors import UnknownPlace, bad_field
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.places import REGIONS, Place, fiscal_place, in_eu, in_tax_area, tax_authority
from billing_tax.domain.rates import Rate, RateTable
from billing_tax.domain.registration import Registration
from billing_tax.domain.tax_ids import TaxId, issuing_country
from billing_tax.domain.zones import local_date

UNNAMED_TAX = "Tax"
NOTHING = Fraction(0)


class Rule(StrEnum):
    """Why a tax is what it is. The last four mean: no tax on this line, and this is the reason."""

    CUSTOMER_PLACE = "CUSTOMER_PLACE"
    DOMESTIC = "DOMESTIC"
    REVERSE_CHARGE = "REVERSE_CHARGE"
    EXEMPT = "EXEMPT"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    NOT_REGISTERED = "NOT_REGISTERED"


@dataclass(frozen=True, slots=True)
class Seller:
    """Where the seller is established, and all its registrations."""

    country: str
    registrations: tuple[Registration, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    place: Place
    tax_ids: tuple[TaxId, ...] = ()
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """One tax of a place, or the one reason for none. `percent` is 0 where the rule takes no tax."""

    rule: Rule
    name: str
    place: Place
    percent: Fraction
    rate_date: date
    source: str
    legal_note: str = ""


# Who owes the tax when a business buys from abroad, by country: the law that the invoice names.
_OWED_BY_CUSTOMER = {
    "GB": "Value Added Tax Act 1994, section 8",
    "XI": "Value Added Tax Act 1994, section 8",
    "NO": "merverdiavgiftsloven § 3-30",
    "CH": "MWSTG Art. 45",
    "AU": "A New Tax System (Goods and Services Tax) Act 1999, Division 84",
}
_EU_LAW = "Articles 44 and 196 of Directive 2006/112/EC"
# A foreign seller who is registered there taxes businesses as well.
_REGISTERED_SELLER_COLLECTS = frozenset({"CH"})


@dataclass(frozen=True, slots=True)
class _Supply:
    seller: Seller
    home: str  # the seller's country as tax law sees it
    customer: Customer
    category: RateCategory
    at: datetime
    on: date  # the same instant as a date at the customer's place


def assess(
    seller: Seller, customer: Customer, rates: RateTable, category: RateCategory, at: datetime
) -> tuple[Assessment, ...]:
    """Every tax that the place of supply knows, the country's first; never empty.

    `at` is the aware instant of supply. Raises UnknownPlace, NoRateOnDate.
    """
    place = fiscal_place(customer.place, "tax_facts.country_code")
    home = tax_authority(fiscal_place(Place(seller.country), "seller_country_code").country)
    supply = _Supply(seller, home, customer, category, at, local_date(place, at))
    if _region_missing(place, seller, at):
        return (Assessment(Rule.NOT_REGISTERED, UNNAMED_TAX, Place(place.country), NOTHING, supply.on, ""),)
    due = rates.due(place, category, supply.on) if in_tax_area(place) else ()
    if not any(rate.percent for rate in due):
        return (_out_of_scope(home, place, supply.on),)
    return tuple(_assess_rate(rate, supply) for rate in due)


def _region_missing(place: Place, seller: Seller, at: datetime) -> bool:
    """Whether no tax can be named for want of a region. Refused where the seller collects: unknown never means zero."""
    if place.country not in REGIONS or place.region in REGIONS[place.country]:
        return False
    collects = any(r.place.country == place.country and r.active(at) for r in seller.registrations)
    if place.region or collects:
        raise bad_field(
            UnknownPlace, "tax_facts.region", f"{place.code}: the tax there needs a known state or province"
        )
    return True


def _out_of_scope(home: str, place: Place, on: date) -> Assessment:
    note = "Not subject to VAT in the EU (Directive 2006/112/EC, place of supply)" if in_eu(home, on) else ""
    return Assessment(Rule.OUT_OF_SCOPE, UNNAMED_TAX, place, NOTHING, on, "", note)


def _assess_rate(rate: Rate, supply: _Supply) -> Assessment:
    rule, note = _decide(rate, supply)
    taxed = rule in (Rule.DOMESTIC, Rule.CUSTOMER_PLACE) and supply.category is not RateCategory.ZERO_RATED
    return Assessment(rule, rate.tax, rate.place, rate.percent if taxed else NOTHING, supply.on, rate.source, note)


def _decide(rate: Rate, supply: _Supply) -> tuple[Rule, str]:
    if supply.category is RateCategory.EXEMPT:
        return Rule.EXEMPT, "Exempt supply"
    for exemption in supply.customer.exemptions:
        if exemption.covers(rate, supply.at):
            return Rule.EXEMPT, f"Exempt, certificate {exemption.certificate_number}"
    at_home = supply.home in (rate.country, rate.registered_in)
    registered = any(registration.covers(rate, supply.at) for registration in supply.seller.registrations)
    law = None if at_home else _reverse_charge_law(rate, supply, registered)
    if law:
        return Rule.REVERSE_CHARGE, f"Reverse charge: the customer owes the tax ({law})"
    if not registered:
        return Rule.NOT_REGISTERED, ""
    return (Rule.DOMESTIC if at_home else Rule.CUSTOMER_PLACE), ""


def _reverse_charge_law(rate: Rate, supply: _Supply, registered: bool) -> str | None:
    """The law by which a business customer owes the tax of a foreign seller; None where the seller owes it."""
    issuers = {issuing_country(tax_id) for tax_id in supply.customer.tax_ids} - {None}
    if in_eu(rate.country, supply.on):
        foreign = any(issuer != supply.home and in_eu(issuer, supply.on) for issuer in issuers if issuer)
        return _EU_LAW if foreign else None
    if registered and rate.country in _REGISTERED_SELLER_COLLECTS:
        return None
    return _OWED_BY_CUSTOMER.get(rate.country) if {rate.country, rate.registered_in} & issuers else None
