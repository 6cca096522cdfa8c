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
)
assert len({case.id for case in CASES}) == len(CASES)
