"""Section E, and those of D that ask for shares: a start, an interval and an alignment, and the periods they give."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.prices import Json

BY_DAYS = "PRORATION_BASIS_BY_DAYS"


@dataclass(frozen=True, slots=True)
class PeriodCase:
    """Dates are local midnights. `every`: (unit, count). Expected: starts or ends from `from_` on, shares, amounts."""

    id: str
    start: str
    every: tuple[str, int] = ("MONTH", 1)
    alignment: Json = field(default_factory=dict)
    zone: str = "UTC"
    end: str = ""
    from_: str = ""
    amount: int | None = None
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    total: str = ""
    first_amount: int | None = None


def day(number: int, month: int = 0) -> Json:
    return {"kind": "ALIGNMENT_KIND_ANCHOR_DAY", "anchor_day": number, "anchor_month": month}


CALENDAR: Json = {"kind": "ALIGNMENT_KIND_CALENDAR"}
CASES = (
    PeriodCase("D25", "2012-03-02", alignment=day(31), amount=59995, ends=("2012-03-31",), first_amount=56124),
    PeriodCase("D31", "2012-02-01", alignment=day(1), end="2012-02-15", total="14/29"),
    PeriodCase("D34", "2010-12-15", alignment=day(15), end="2011-03-17", total="95/31"),
    PeriodCase(
        "E01",
        "2025-01-31",
        starts=("2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"),
    ),
    PeriodCase("E04", "2025-01-30", from_="2025-02-13", starts=("2025-01-30",), ends=("2025-02-28",)),
    PeriodCase("E07", "2024-12-31", ("MONTH", 2), ends=("2025-02-28",)),
    PeriodCase("E10", "2024-02-29", ("YEAR", 1), ends=("2025-02-28",)),
    PeriodCase("E13", "2023-02-28", ("YEAR", 1), ends=("2024-02-28",)),
    PeriodCase("E16", "2024-04-01", alignment=day(15), ends=("2024-04-15",), total="", first_amount=None),
    PeriodCase("E19", "2021-01-10", alignment=day(1), ends=("2021-02-01",)),
    PeriodCase("E19-quarter", "2021-01-10", ("MONTH", 3), alignment=day(1), ends=("2021-04-01",)),
    PeriodCase("E19-calendar", "2021-01-10", ("MONTH", 3), alignment=CALENDAR, ends=("2021-04-01",)),
    PeriodCase("E22", "2021-02-02", from_="2022-02-15", starts=("2022-02-02",), ends=("2022-03-02",)),
    PeriodCase("E25", "2019-04-30", from_="2020-03-15", starts=("2020-02-29",), ends=("2020-03-30",)),
    PeriodCase(
        "E28", "2021-02-10", alignment=CALENDAR, from_="2022-02-15", starts=("2022-02-01",), ends=("2022-03-01",)
    ),
    PeriodCase("half-year", "2021-01-10", ("MONTH", 6), alignment=CALENDAR, ends=("2021-07-01", "2022-01-01")),
    PeriodCase("week", "2024-05-01", ("WEEK", 1), alignment=CALENDAR, ends=("2024-05-06", "2024-05-13")),
    PeriodCase("zone", "2024-03-01", zone="Europe/Berlin", ends=("2024-04-01",)),
    # Stripe: billing cycle anchors
    PeriodCase("stripe-31-leap", "2024-01-31", ends=("2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31")),
    PeriodCase("stripe-30", "2025-01-30", ends=("2025-02-28", "2025-03-30")),
    PeriodCase(
        "stripe-29-year", "2024-02-29", ("YEAR", 1), ends=("2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29")
    ),
    PeriodCase("stripe-anchor-ahead", "2025-01-15", alignment=day(31), ends=("2025-01-31", "2025-02-28", "2025-03-31")),
    PeriodCase("stripe-weeks", "2025-01-01", ("WEEK", 2), ends=("2025-01-15", "2025-01-29")),
    PeriodCase("stripe-quarter", "2024-11-30", ("MONTH", 3), ends=("2025-02-28", "2025-05-30", "2025-08-30")),
    # OpenMeter: recurrences
    PeriodCase("openmeter-far", "2025-01-31", from_="2025-08-13", starts=("2025-07-31",), ends=("2025-08-31",)),
    PeriodCase("openmeter-on-end", "2025-01-31", from_="2025-09-30", starts=("2025-09-30",), ends=("2025-10-31",)),
    PeriodCase(
        "openmeter-days", "2025-01-01", ("DAY", 1), from_="2025-02-20", starts=("2025-02-20",), ends=("2025-02-21",)
    ),
    # Flexprice: next billing dates
    PeriodCase("flexprice-31", "2024-01-31", ends=("2024-02-29",)),
    PeriodCase("flexprice-31-two", "2023-12-31", ("MONTH", 2), ends=("2024-02-29", "2024-04-30", "2024-06-30")),
    PeriodCase("flexprice-29", "2024-02-29", ends=("2024-03-29", "2024-04-29")),
    PeriodCase("flexprice-29-two", "2024-02-29", ("MONTH", 2), ends=("2024-04-29", "2024-06-29")),
    PeriodCase("flexprice-28", "2025-02-28", ends=("2025-03-28",)),
    PeriodCase("flexprice-year", "2023-06-30", ("YEAR", 1), ends=("2024-06-30",)),
    PeriodCase("flexprice-calendar", "2024-12-30", alignment=CALENDAR, ends=("2025-01-01", "2025-02-01")),
    PeriodCase("flexprice-calendar-year", "2023-03-15", ("YEAR", 1), alignment=CALENDAR, ends=("2024-01-01",)),
    PeriodCase("flexprice-quarter", "2024-02-15", ("MONTH", 3), alignment=CALENDAR, ends=("2024-04-01", "2024-07-01")),
    PeriodCase("flexprice-half", "2024-03-15", ("MONTH", 6), alignment=CALENDAR, ends=("2024-07-01", "2025-01-01")),
    # Meteroid: periods by billing day
    PeriodCase("meteroid-day-1", "2021-01-01", alignment=day(1), ends=("2021-02-01", "2021-03-01", "2021-04-01")),
    PeriodCase("meteroid-day-10", "2021-01-01", alignment=day(10), ends=("2021-01-10", "2021-02-10", "2021-03-10")),
    PeriodCase("meteroid-quarter-10", "2021-01-01", ("MONTH", 3), alignment=day(10), ends=("2021-01-10", "2021-04-10")),
    PeriodCase("meteroid-quarter-1", "2021-01-10", ("MONTH", 3), alignment=day(1), ends=("2021-04-01", "2021-07-01")),
    PeriodCase("meteroid-year", "2021-01-10", ("YEAR", 1), alignment=day(1), ends=("2022-01-01", "2023-01-01")),
    # Lago: dates of periods
    PeriodCase(
        "lago-week", "2021-02-02", ("WEEK", 1), from_="2022-03-08", starts=("2022-03-08",), ends=("2022-03-15",)
    ),
    PeriodCase(
        "lago-week-calendar",
        "2021-02-02",
        ("WEEK", 1),
        alignment=CALENDAR,
        from_="2022-03-10",
        starts=("2022-03-07",),
        ends=("2022-03-14",),
    ),
    PeriodCase(
        "lago-quarter", "2021-02-02", ("MONTH", 3), from_="2022-03-01", starts=("2022-02-02",), ends=("2022-05-02",)
    ),
    PeriodCase(
        "lago-quarter-31", "2020-08-31", ("MONTH", 3), from_="2021-03-01", starts=("2021-02-28",), ends=("2021-05-31",)
    ),
    PeriodCase("lago-half", "2021-08-31", ("MONTH", 6), ends=("2022-02-28", "2022-08-31", "2023-02-28")),
    PeriodCase(
        "lago-year", "2021-02-02", ("YEAR", 1), from_="2022-03-01", starts=("2022-02-02",), ends=("2023-02-02",)
    ),
    PeriodCase(
        "lago-year-leap", "2020-02-29", ("YEAR", 1), from_="2022-03-01", starts=("2022-02-28",), ends=("2023-02-28",)
    ),
    PeriodCase("lago-29", "2021-01-29", from_="2021-03-15", starts=("2021-02-28",), ends=("2021-03-29",)),
    # Kill Bill: first billing cycle dates
    PeriodCase("kill-bill-year-ahead", "2012-01-16", ("YEAR", 1), alignment=day(17), ends=("2012-01-17", "2013-01-17")),
    PeriodCase("kill-bill-year-behind", "2012-02-16", ("YEAR", 1), alignment=day(14), ends=("2013-02-14",)),
    PeriodCase("kill-bill-30-in-february", "2012-02-16", alignment=day(30), ends=("2012-02-29", "2012-03-30")),
    PeriodCase("kill-bill-30-behind", "2012-01-31", alignment=day(30), ends=("2012-02-29", "2012-03-30")),
    PeriodCase("kill-bill-year-30", "2012-01-31", ("YEAR", 1), alignment=day(30), ends=("2013-01-30",)),
    PeriodCase("kill-bill-equal", "2012-03-03", alignment=day(3), ends=("2012-04-03",)),
    PeriodCase("kill-bill-after", "2012-03-04", alignment=day(3), ends=("2012-04-03",)),
)
assert len({case.id for case in CASES}) == len(CASES)
