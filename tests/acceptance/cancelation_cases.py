"""Section D, terminations: what is given back of a fee that was paid ahead, and what is charged in arrears."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.change_cases import DAYS, INCLUSIVE, MONTH, NONE, SECONDS, YEAR
from tests.acceptance.period_cases import CALENDAR, day
from tests.acceptance.prices import Json


@dataclass(frozen=True, slots=True)
class CancelationCase:
    """A fee from `start`, ended at `at`; `lines` are its amounts in minor units. Without `on` it ends at once."""

    id: str
    start: str
    at: str
    fee: str
    lines: tuple[int, ...]
    basis: str = SECONDS
    every: tuple[str, int] = MONTH
    alignment: Json = field(default_factory=dict)
    zone: str = "UTC"
    timing: str = "ADVANCE"
    credit: bool = True
    nominal_days: int = 0
    settlement: str = "SETTLEMENT_AT_ONCE"
    on: str = ""


CASES = (
    # Lago: the day of the end was used
    CancelationCase("lago-same-day", "2025-09-18", "2025-09-18T10:00", "200", (-19333,), INCLUSIVE),
    CancelationCase("lago-three-weeks", "2025-02-08", "2025-02-21", "100", (-2500,), INCLUSIVE, alignment=CALENDAR),
    CancelationCase(
        "lago-calendar-same-day", "2023-02-08", "2023-02-08", "50", (-3571,), INCLUSIVE, alignment=CALENDAR
    ),
    CancelationCase(
        "lago-tokyo", "2023-02-08", "2023-02-08", "50", (-3571,), INCLUSIVE, alignment=CALENDAR, zone="Asia/Tokyo"
    ),
    CancelationCase(
        "lago-los-angeles",
        "2023-02-08",
        "2023-02-08",
        "50",
        (-3750,),
        INCLUSIVE,
        alignment=CALENDAR,
        zone="America/Los_Angeles",
    ),
    CancelationCase("lago-october", "2022-10-01", "2022-10-15T10:00", "31", (-1600,), INCLUSIVE, alignment=CALENDAR),
    CancelationCase("lago-last-day", "2022-10-01", "2022-10-31T10:00", "31", (), INCLUSIVE),
    CancelationCase("lago-leap-year", "2024-01-01", "2024-12-30", "366", (-100,), INCLUSIVE, every=YEAR),
    CancelationCase(
        "lago-arrears",
        "2024-05-20T10:00",
        "2024-06-20T10:00",
        "910",
        (32000,),
        INCLUSIVE,
        ("MONTH", 3),
        CALENDAR,
        timing="ARREARS",
    ),
    CancelationCase(
        "lago-arrears-same-day", "2025-09-18", "2025-09-18T10:00", "300", (1000,), INCLUSIVE, timing="ARREARS"
    ),
    # Kill Bill, Meteroid: the day of the end is given back
    CancelationCase("days", "2012-02-01", "2012-02-15", "599.95", (-31032,), DAYS),
    CancelationCase("days-stub", "2012-03-02", "2012-03-17", "599.95", (-27095,), DAYS, alignment=day(31)),
    CancelationCase("days-first", "2012-02-01", "2012-02-01T12:00", "599.95", (-59995,), DAYS),
    CancelationCase("days-arrears", "2012-02-01", "2012-02-15", "29", (1400,), DAYS, timing="ARREARS"),
    # Stripe, Polar: to the second
    CancelationCase("seconds", "2025-06-01", "2025-06-16", "100", (-5000,)),
    CancelationCase("seconds-third", "2025-06-01", "2025-06-11", "100", (-6667,)),
    CancelationCase("seconds-year", "2024-08-01", "2024-10-01", "1000", (-83288,), every=YEAR),
    CancelationCase(
        "seconds-spring", "2024-03-01T05:00", "2024-03-16T04:00", "743", (-38400,), zone="America/New_York"
    ),
    # Nominal days
    CancelationCase("nominal", "2025-01-01", "2025-01-16", "300", (-16000,), DAYS, nominal_days=30),
    CancelationCase("nominal-capped", "2025-01-01", "2025-01-01", "300", (-30000,), DAYS, nominal_days=30),
    # Nothing comes back: not asked for, no proration, no credit
    CancelationCase("kept", "2025-06-01", "2025-06-16", "100", (), credit=False),
    CancelationCase("none", "2025-06-01", "2025-06-16", "100", (), NONE),
    CancelationCase("no-credit", "2025-06-01", "2025-06-16", "100", (), settlement="SETTLEMENT_NO_CREDIT"),
    CancelationCase("free", "2025-06-01", "2025-06-16", "0", ()),
    # On a date, asked for before
    CancelationCase("on-a-date", "2025-06-01", "2025-06-10", "100", (-5000,), on="2025-06-16"),
    CancelationCase("on-a-boundary", "2025-06-01", "2025-06-10", "100", (), on="2025-07-01"),
    CancelationCase("in-the-next-period", "2025-06-01", "2025-06-10", "31", (-1600,), on="2025-07-16"),
)
assert len({case.id for case in CASES}) == len(CASES)
