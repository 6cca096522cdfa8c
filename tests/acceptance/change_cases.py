"""Section D: a subscription, a change at an instant under a policy, and the credit and the charge it makes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.period_cases import CALENDAR, day
from tests.acceptance.prices import Json

SECONDS, DAYS, INCLUSIVE, NONE = (
    f"PRORATION_BASIS_{each}" for each in ("BY_SECONDS", "BY_DAYS", "BY_DAYS_INCLUSIVE", "NONE")
)


@dataclass(frozen=True, slots=True)
class ChangeCase:
    """A price of `before` becomes `after` at `at`, or `seats` (before, after) change. Amounts in minor units."""

    id: str
    start: str
    every: tuple[str, int]
    at: str
    credit: int
    charge: int
    before: str = "0"
    after: str = "0"
    every_after: tuple[str, int] | None = None
    seats: tuple[str, str] | None = None
    basis: str = SECONDS
    nominal_days: int = 0
    settlement: str = "SETTLEMENT_NEXT_INVOICE"
    alignment: Json = field(default_factory=dict)
    zone: str = "UTC"
    currency: str = "USD"
    timing: str = "ADVANCE"


MONTH, QUARTER, HALF, YEAR = ("MONTH", 1), ("MONTH", 3), ("MONTH", 6), ("YEAR", 1)
CASES = (
    ChangeCase("D01", "2025-06-01", MONTH, "2025-06-16", -500, 1000, "10", "20"),
    ChangeCase("D04", "2025-06-01", MONTH, "2025-06-16", -5000, 15000, "100", "300"),
    ChangeCase("D07", "2024-08-01", YEAR, "2024-10-01", -83288, 249863, "1000", "3000"),
    ChangeCase("D10", "2025-06-01", MONTH, "2025-06-16", -5000, 100000, "100", "1000", every_after=YEAR),
    ChangeCase("D13", "2024-01-01", ("DAY", 30), "2024-01-16", -5000, 10000, "100", "200", basis=DAYS),
    ChangeCase("D16", "2024-01-01", ("DAY", 30), "2024-01-30", -1000, 2000, "300", "600", basis=DAYS),
    ChangeCase("D19", "2025-03-01", MONTH, "2025-03-15", -2742, 5484, "10", seats=("5", "10"), basis=INCLUSIVE),
    ChangeCase("downgrade", "2025-06-01", MONTH, "2025-06-16", -15000, 5000, "300", "100"),
    ChangeCase("no-proration", "2025-06-01", MONTH, "2025-06-16", 0, 0, "100", "300", basis=NONE),
    ChangeCase("nominal", "2025-01-01", MONTH, "2025-01-16", -5000, 10000, "100", "200", basis=DAYS, nominal_days=32),
    ChangeCase(
        "no-credit", "2025-06-01", MONTH, "2025-06-16", 0, 15000, "100", "300", settlement="SETTLEMENT_NO_CREDIT"
    ),
    ChangeCase(
        "at-once", "2025-06-01", MONTH, "2025-06-16", -5000, 15000, "100", "300", settlement="SETTLEMENT_AT_ONCE"
    ),
    # Polar: to the second
    ChangeCase("polar-third", "2025-06-01", MONTH, "2025-06-11", -6667, 20000, "100", "300"),
    ChangeCase("polar-leap-month", "2024-02-18", MONTH, "2024-02-25", -7586, 22759, "100", "300"),
    ChangeCase("polar-leap-year", "2024-02-18", YEAR, "2024-09-05", -45355, 136066, "1000", "3000"),
    ChangeCase("polar-year", "2023-02-18", YEAR, "2023-09-05", -45479, 136438, "1000", "3000"),
    ChangeCase(
        "polar-month-to-year", "2025-06-01", MONTH, "2025-06-11", -6667, 100000, "100", "1000", every_after=YEAR
    ),
    ChangeCase("polar-leap-to-year", "2024-02-18", MONTH, "2024-02-25", -7586, 100000, "100", "1000", every_after=YEAR),
    ChangeCase(
        "polar-year-to-month", "2025-06-01", YEAR, "2025-08-13", -80000, 10000, "1000", "100", every_after=MONTH
    ),
    ChangeCase(
        "polar-leap-to-month", "2024-02-18", YEAR, "2024-04-19", -83333, 10000, "1000", "100", every_after=MONTH
    ),
    ChangeCase("polar-downgrade", "2025-06-01", MONTH, "2025-06-16", -15000, 5000, "300", "100"),
    ChangeCase("polar-seats-up", "2025-06-01", MONTH, "2025-06-16", -2500, 4000, "10", seats=("5", "8")),
    ChangeCase("polar-seats-double", "2025-06-01", MONTH, "2025-06-11", -5000, 10000, "15", seats=("5", "10")),
    ChangeCase("polar-seats-down", "2025-06-01", MONTH, "2025-06-16", -7500, 5250, "15", seats=("10", "7")),
    # Meteroid: whole days, the last one not counted
    ChangeCase("meteroid-half", "2025-01-01", ("DAY", 30), "2025-01-16", -5000, 10000, "100", "200", basis=DAYS),
    ChangeCase("meteroid-first-day", "2024-01-01", ("DAY", 30), "2024-01-01", -10000, 20000, "100", "200", basis=DAYS),
    ChangeCase("meteroid-down", "2024-01-01", ("DAY", 30), "2024-01-11", -20000, 6667, "300", "100", basis=DAYS),
    ChangeCase(
        "meteroid-seats", "2024-01-01", ("DAY", 30), "2024-01-16", -2500, 5000, "10", seats=("5", "10"), basis=DAYS
    ),
    # Nominal days: 30, 91, 182, 365
    ChangeCase(
        "nominal-month", "2025-01-01", MONTH, "2025-01-16", -5333, 10667, "100", "200", basis=DAYS, nominal_days=30
    ),
    ChangeCase(
        "nominal-quarter", "2025-01-01", QUARTER, "2025-03-01", -3407, 6813, "100", "200", basis=DAYS, nominal_days=91
    ),
    ChangeCase(
        "nominal-half", "2025-01-01", HALF, "2025-06-01", -1648, 3297, "100", "200", basis=DAYS, nominal_days=182
    ),
    ChangeCase(
        "nominal-year", "2024-01-01", YEAR, "2024-12-01", -849, 1699, "100", "200", basis=DAYS, nominal_days=365
    ),
    ChangeCase(
        "nominal-capped", "2024-01-01", YEAR, "2024-01-01", -10000, 20000, "100", "200", basis=DAYS, nominal_days=365
    ),
    # Flexprice: first and last day both counted
    ChangeCase("flexprice-upgrade", "2024-03-01", MONTH, "2024-03-15", -548, 1097, "10", "20", basis=INCLUSIVE),
    ChangeCase("flexprice-downgrade", "2024-03-01", MONTH, "2024-03-15", -5484, 1645, "100", "30", basis=INCLUSIVE),
    ChangeCase(
        "flexprice-seats", "2024-03-01", MONTH, "2024-03-15", -2742, 5484, "10", seats=("5", "10"), basis=INCLUSIVE
    ),
    ChangeCase(
        "flexprice-seats-down", "2024-03-01", MONTH, "2024-03-15", -5484, 2742, "10", seats=("10", "5"), basis=INCLUSIVE
    ),
    ChangeCase("flexprice-last-day", "2024-03-01", MONTH, "2024-03-31", -32, 65, "10", "20", basis=INCLUSIVE),
    # Lago: the day of an upgrade is given back and charged anew; calendar months in the customer's zone
    ChangeCase("lago-upgrade", "2023-08-29", MONTH, "2023-09-28", -32, 65, "10", "20", basis=INCLUSIVE),
    ChangeCase(
        "lago-calendar", "2023-08-01", MONTH, "2023-08-21", -532, 3548, "15", "100", basis=INCLUSIVE, alignment=CALENDAR
    ),
    ChangeCase(
        "lago-stub", "2025-12-10", MONTH, "2025-12-22", -484, 3226, "15", "100", basis=INCLUSIVE, alignment=CALENDAR
    ),
    ChangeCase(
        "new-york",
        "2024-03-01T05:00",
        MONTH,
        "2024-03-16T04:00",
        -5161,
        15484,
        "100",
        "300",
        basis=DAYS,
        zone="America/New_York",
    ),
    ChangeCase(
        "new-york-seconds",
        "2024-03-01T05:00",
        MONTH,
        "2024-03-16T04:00",
        -5168,
        15505,
        "100",
        "300",
        zone="America/New_York",
    ),
    ChangeCase(
        "sydney",
        "2024-03-31T13:00",
        MONTH,
        "2024-04-15T14:00",
        -5000,
        15000,
        "100",
        "300",
        basis=DAYS,
        zone="Australia/Sydney",
    ),
    ChangeCase(
        "tokyo",
        "2024-02-29T15:00",
        MONTH,
        "2024-03-16T15:00",
        -4839,
        14516,
        "100",
        "300",
        basis=DAYS,
        zone="Asia/Tokyo",
    ),
    # Kill Bill: billing day alignment, the unused part of a stub
    ChangeCase(
        "kill-bill-stub",
        "2012-03-02",
        MONTH,
        "2012-03-17",
        -27095,
        54191,
        "599.95",
        "1199.95",
        basis=DAYS,
        alignment=day(31),
    ),
    ChangeCase("kill-bill-leap", "2012-02-01", MONTH, "2012-02-15", -31032, 62066, "599.95", "1199.95", basis=DAYS),
    # Currencies without and with three decimals
    ChangeCase("yen", "2025-06-01", MONTH, "2025-06-11", -667, 2000, "1000", "3000", currency="JPY"),
    ChangeCase("dinar", "2025-06-01", MONTH, "2025-06-11", -6667, 20000, "10", "30", currency="KWD"),
    ChangeCase("from-free", "2025-06-01", MONTH, "2025-06-16", 0, 15000, "0", "300"),
    ChangeCase("to-free", "2025-06-01", MONTH, "2025-06-16", -15000, 0, "300", "0"),
    ChangeCase("same-price", "2025-06-01", MONTH, "2025-06-16", 0, 0, "300", "300.00"),
    ChangeCase("last-second", "2025-06-01", MONTH, "2025-06-30T23:59:59", 0, 0, "100", "300"),
    ChangeCase(
        "no-credit-seats",
        "2025-06-01",
        MONTH,
        "2025-06-16",
        0,
        5000,
        "10",
        seats=("5", "10"),
        settlement="SETTLEMENT_NO_CREDIT",
    ),
    # In arrears nothing was paid ahead: the old price is charged up to the change, the new one from there on
    ChangeCase("arrears", "2025-06-01", MONTH, "2025-06-16", 0, 5000, "100", "300", timing="ARREARS"),
    ChangeCase("arrears-seats", "2025-06-01", MONTH, "2025-06-16", 0, 2500, "10", seats=("5", "10"), timing="ARREARS"),
    ChangeCase("arrears-none", "2025-06-01", MONTH, "2025-06-16", 0, 0, "100", "300", basis=NONE, timing="ARREARS"),
)
assert len({case.id for case in CASES}) == len(CASES)
