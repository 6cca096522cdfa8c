"""Who plays in the demo: one seller, four customers, one plan."""

from dataclasses import dataclass
from typing import Any

METER = "api_calls"
FEE = "base_fee"
CALLS = "api_calls"
PLAN = "cloud-api"
CURRENCY = "EUR"
MONTHS = 3

SELLER: dict[str, Any] = {
    "party": {
        "name": "Jette Petersen",
        "company": "Nordlicht Software GmbH",
        "email": "billing@nordlicht.example",
        "address": {"line1": "Speicherstraße 7", "city": "Hamburg", "postal_code": "20457", "country_code": "DE"},
    },
    "tax_ids": [{"type": "TAX_ID_TYPE_EU_VAT", "value": "DE136695976"}],
    "time_zone": "Europe/Berlin",
    "number_prefix": "NL",
    "footer": "Nordlicht Software GmbH · IBAN DE02 1203 0000 0000 2020 51 · Amtsgericht Hamburg HRB 12345",
}
REGISTRATIONS = (
    {"country_code": "DE", "scheme": "REGISTRATION_SCHEME_DOMESTIC", "tax_number": "DE136695976"},
    {"country_code": "DE", "scheme": "REGISTRATION_SCHEME_EU_OSS", "tax_number": "DE136695976"},
)

PLAN_ITEMS: tuple[dict[str, Any], ...] = (
    {
        "code": FEE,
        "name": "Cloud API, monthly fee",
        "kind": "PLAN_ITEM_KIND_FLAT",
        "timing": "CHARGE_TIMING_ADVANCE",
        "price": {"flat": {"amount": "49.00"}},
        "tax_category": "digital_service",
        "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
    },
    {
        "code": CALLS,
        "name": "API calls",
        "kind": "PLAN_ITEM_KIND_METERED",
        "timing": "CHARGE_TIMING_ARREARS",
        "price": {
            "graduated": {
                "tiers": [
                    {"up_to": "10000", "unit_amount": "0"},
                    {"up_to": "100000", "unit_amount": "0.002"},
                    {"unit_amount": "0.001"},
                ]
            }
        },
        "meter_code": METER,
        "tax_category": "digital_service",
        "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
    },
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo. `tax_percent` and `rule` are what the law says, written down by hand.

    `share` of the events and `calls_max` per event shape its usage.
    """

    external_id: str
    role: str
    party: dict[str, Any]
    zone: str
    card: str
    tax_percent: int
    rule: str
    share: int
    calls_max: int
    tax_ids: tuple[dict[str, str], ...] = ()


def _party(name: str, company: str, line1: str, city: str, code: str, country: str, region: str = "") -> dict[str, Any]:
    address = {"line1": line1, "city": city, "postal_code": code, "country_code": country}
    party: dict[str, Any] = {"name": name, "email": f"billing@{city.replace(' ', '-').lower()}.example"}
    party["address"] = {**address, "region": region} if region else address
    return {**party, "company": company} if company else party


CUSTOMERS: tuple[Customer, ...] = (
    Customer(
        "klara-winter",
        "consumer in Germany: 19 % VAT",
        _party("Klara Winter", "", "Lindenallee 4", "Berlin", "10115", "DE"),
        "Europe/Berlin",
        "tok_succeeds",
        19,
        "DOMESTIC",
        share=10,
        calls_max=34,
    ),
    Customer(
        "atelier-lumiere",
        "business in France with a VAT id: reverse charge",
        _party("Élodie Martin", "Atelier Lumière SARL", "12 rue de la Bourse", "Lyon", "69002", "FR"),
        "Europe/Paris",
        "tok_succeeds",
        0,
        "REVERSE_CHARGE",
        share=45,
        calls_max=105,
        tax_ids=({"type": "TAX_ID_TYPE_EU_VAT", "value": "FR40303265045"},),
    ),
    Customer(
        "blue-ridge",
        "business in California: the seller is not registered there",
        _party("Maya Johnson", "Blue Ridge Apps Inc.", "500 Howard Street", "San Francisco", "94105", "US", "CA"),
        "America/Los_Angeles",
        "tok_succeeds",
        0,
        "NOT_REGISTERED",
        share=30,
        calls_max=49,
    ),
    Customer(
        "jonas-huber",
        "consumer in Austria: 20 % VAT through the One Stop Shop; card first declined",
        _party("Jonas Huber", "", "Mariahilfer Straße 88", "Wien", "1070", "AT"),
        "Europe/Vienna",
        "tok_soft_decline_then_succeeds",
        20,
        "CUSTOMER_PLACE",
        share=15,
        calls_max=43,
    ),
)
