"""What the chapter of one subscription's life is about: its customer, two plans, an add-on, a coupon, and the days on
which something happens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing_cli.demo.cast import CALLS, CURRENCY, PLAN_ITEMS, Customer
from billing_cli.demo.months import Calendar

TEAM, BUSINESS = "team", "business"
SEATS, BACKUP, BASE = "seats", "backup", "base_fee"
SSO, SUPPORT = "sso", "support"
COUPON = "launch20"
SEATS_FIRST, SEATS_MORE = "5", "8"
PREVIEWED = 3  # add-on, upgrade, seats

CUSTOMER = Customer(
    "studio-hafen",
    "business in Germany whose subscription changes all the time",
    {
        "name": "Imke Harms",
        "company": "Studio Hafen GmbH",
        "email": "billing@studio-hafen.example",
        "address": {"line1": "Am Kai 3", "city": "Bremen", "postal_code": "28195", "country_code": "DE"},
    },
    "Europe/Berlin",
    "tok_succeeds",
    19,
    "DOMESTIC",
    share=0,
    calls_max=0,
)

BY_DAYS, BY_SECONDS = {"basis": "PRORATION_BASIS_BY_DAYS"}, {"basis": "PRORATION_BASIS_BY_SECONDS"}


def _rule(kind: str, proration: dict[str, str], settlement: str) -> dict[str, Any]:
    return {
        "kind": f"CHANGE_KIND_{kind}",
        "when": "CHANGE_WHEN_NOW",
        "proration": proration,
        "settlement": f"SETTLEMENT_{settlement}",
    }


def _sold(name: str, kind: str, price: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": f"PLAN_ITEM_KIND_{kind}",
        "timing": "CHARGE_TIMING_ADVANCE",
        "price": price,
        "tax_category": "digital_service",
        "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
    }


def _plan(name: str, fee: str, seat: str, entitlements: list[dict[str, str]]) -> dict[str, Any]:
    """A plan version: each kind of change by a rule of its own."""
    return {
        "currency_code": CURRENCY,
        "interval": {"unit": "INTERVAL_UNIT_MONTH", "count": 1},
        "items": [
            {"code": BASE, **_sold(f"{name}, base fee", "FLAT", {"flat": {"amount": fee}})},
            {"code": SEATS, **_sold(f"{name}, seats", "SEAT", {"per_unit": {"unit_amount": seat}})},
        ],
        "terms": {
            "proration": BY_DAYS,
            "change_rules": [
                _rule("UPGRADE", BY_DAYS, "AT_ONCE"),
                _rule("ITEM_ADDED", BY_DAYS, "NEXT_INVOICE"),
                _rule("QUANTITY_UP", BY_SECONDS, "NEXT_INVOICE"),
            ],
            "entitlements": entitlements,
        },
    }


FEATURES = {SSO: "Single sign-on", SUPPORT: "Support"}
PLANS = {
    TEAM: _plan("Team", "20.00", "12.00", [{"feature_code": SUPPORT, "value": "email"}]),
    BUSINESS: _plan("Business", "60.00", "15.00", [{"feature_code": SUPPORT, "value": "phone"}, {"feature_code": SSO}]),
}
ADD_ON: dict[str, Any] = {
    "code": BACKUP,
    "content": {
        **_sold("Backup", "FLAT", {"flat": {"amount": "15.00"}}),
        "currency_code": CURRENCY,
        "recurrence": "ADD_ON_RECURRENCE_RECURRING",
    },
}
COUPON_TERMS = {"name": "Launch offer", "percent": "20", "duration": "COUPON_DURATION_PERIODS", "duration_periods": 3}

TRIED_CALLS = "152072"
TRIED_PRICE = next(item["price"] for item in PLAN_ITEMS if item["code"] == CALLS)


@dataclass(frozen=True, slots=True)
class Days:
    """When things happen, by the customer's clocks."""

    calendar: Calendar

    def _at(self, month: int, day: int, hour: int) -> datetime:
        return self.calendar.moment(month, day, hour, CUSTOMER.zone)

    @property
    def start(self) -> datetime:
        return self.calendar.boundary(0, CUSTOMER.zone)

    @property
    def add_on(self) -> datetime:
        return self._at(0, 11, 9)

    @property
    def upgrade(self) -> datetime:
        return self._at(0, 16, 14)

    @property
    def more_seats(self) -> datetime:
        return self._at(1, 10, 15)

    @property
    def pause(self) -> datetime:
        return self._at(1, 21, 8)

    @property
    def resume(self) -> datetime:
        return self._at(2, 6, 10)
