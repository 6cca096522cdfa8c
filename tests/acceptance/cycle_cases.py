"""How many whole periods an agreement is: Kill Bill's pro-rations by billing day, Lago's partial periods, nominal days.

Days are counted without the last one, unless the case says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.period_cases import CALENDAR, day
from tests.acceptance.prices import Json

MONTH, QUARTER, HALF, YEAR, WEEK = ("MONTH", 1), ("MONTH", 3), ("MONTH", 6), ("YEAR", 1), ("WEEK", 1)
INCLUSIVE: Json = {"basis": "PRORATION_BASIS_BY_DAYS_INCLUSIVE"}
NOMINAL: Json = {
    "basis": "PRORATION_BASIS_BY_DAYS",
    "denominator": "PRORATION_DENOMINATOR_NOMINAL_DAYS",
}


@dataclass(frozen=True, slots=True)
class CycleCase:
    """[start, end) is `total` whole periods; without an end only the first `periods` are summed up."""

    id: str
    start: str
    every: tuple[str, int]
    alignment: Json
    total: str
    end: str = ""
    periods: int = 1200
    proration: Json | None = None
    zone: str = "UTC"


KILL_BILL = (
    CycleCase("phase-half", "2011-02-10", MONTH, day(10), "1/2", "2011-02-24"),
    CycleCase("phase-other-half", "2011-02-24", MONTH, day(10), "1/2", periods=1),
    CycleCase("phase-and-one", "2011-02-17", MONTH, day(3), "3/2", periods=2),
    CycleCase("billing-day-later", "2011-02-01", MONTH, day(1), "1/2", "2011-02-15"),
    CycleCase("billing-day-earlier", "2011-02-20", MONTH, day(20), "1/2", "2011-03-06"),
    CycleCase("thirteen", "2011-02-01", MONTH, day(1), "13/28", "2011-02-14"),
    CycleCase("billing-day-27", "2011-02-14", MONTH, day(27), "44/31", periods=2),
    CycleCase("leap-month", "2012-02-01", MONTH, day(1), "14/29", "2012-02-15"),
    CycleCase("eight", "2011-02-07", MONTH, day(7), "2/7", "2011-02-15"),
    CycleCase("eight-and-two", "2011-03-07", MONTH, day(15), "16/7", periods=3),
    CycleCase("one-and-three", "2011-02-07", MONTH, day(7), "34/31", "2011-03-10"),
    CycleCase("five-and-two", "2011-03-10", MONTH, day(15), "61/28", periods=3),
    CycleCase("double", "2011-01-31", MONTH, day(7), "41/31", "2011-03-10"),
    CycleCase(
        "double-ended", "2011-01-01", MONTH, day(15), str(14 * 28 + 31 * 28 + 12 * 31) + f"/{31 * 28}", "2011-02-27"
    ),
    CycleCase("trailing", "2010-06-17", MONTH, day(17), "39/31", "2010-07-25"),
    CycleCase("three-and-two", "2010-12-15", MONTH, day(15), "95/31", "2011-03-17"),
    CycleCase("quarter-leading", "2011-02-01", QUARTER, day(13), "12/92", periods=1),
    CycleCase("quarter-leading-two", "2011-02-01", QUARTER, day(13), "196/92", "2011-08-13"),
    CycleCase("quarter-phase", "2011-02-10", QUARTER, day(10), "14/89", "2011-02-24"),
    CycleCase("quarter-leap", "2012-02-01", QUARTER, day(1), "14/90", "2012-02-15"),
    CycleCase("quarter-double", "2011-01-31", QUARTER, day(7), f"{66 * 91 + 33 * 90}/{90 * 91}", "2011-05-10"),
    CycleCase("quarter-two-and-two", "2010-12-15", QUARTER, day(15), "186/92", "2011-06-17"),
    CycleCase("year-leading", "2011-02-01", YEAR, day(13), "12/365", periods=1),
    CycleCase("year-leading-one", "2011-02-01", YEAR, day(13), "377/365", "2012-02-13"),
    CycleCase("year-preceding", "2011-01-31", YEAR, day(15), "349/365", periods=1),
    CycleCase("year-crossing", "2010-12-15", YEAR, day(4), "719/365", periods=2),
    CycleCase("year-double", "2011-01-10", YEAR, day(17), f"{372 * 366 + 47 * 365}/{365 * 366}", "2012-03-04"),
    CycleCase("year-trailing", "2010-06-17", YEAR, day(17), "404/366", "2011-07-25"),
    CycleCase("thirty-days", "2012-01-31", ("DAY", 30), {}, "1/2", "2012-02-15"),
)
LAGO = (
    CycleCase("week-calendar", "2023-02-01", WEEK, CALENDAR, "5/7", periods=1, proration=INCLUSIVE),
    CycleCase("month-calendar", "2023-02-04", MONTH, CALENDAR, "25/28", periods=1, proration=INCLUSIVE),
    CycleCase("quarter-calendar", "2023-02-04", QUARTER, CALENDAR, "56/90", periods=1, proration=INCLUSIVE),
    CycleCase("half-calendar", "2023-02-04", HALF, CALENDAR, "147/181", periods=1, proration=INCLUSIVE),
    CycleCase("year-calendar", "2022-02-01", YEAR, CALENDAR, "334/365", periods=1, proration=INCLUSIVE),
    CycleCase("month-anniversary", "2023-02-04", MONTH, {}, "1", periods=1, proration=INCLUSIVE),
    CycleCase("quarter-cut", "2024-05-20", QUARTER, CALENDAR, "32/91", "2024-06-21", proration=INCLUSIVE),
    CycleCase("tokyo", "2023-02-08", MONTH, CALENDAR, "21/28", periods=1, proration=INCLUSIVE, zone="Asia/Tokyo"),
    CycleCase(
        "west", "2023-02-07", MONTH, CALENDAR, "22/28", periods=1, proration=INCLUSIVE, zone="America/Los_Angeles"
    ),
    CycleCase("spring", "2024-03-10", MONTH, CALENDAR, "22/31", periods=1, zone="America/New_York"),
    CycleCase("autumn", "2024-11-03", MONTH, CALENDAR, "28/30", periods=1, zone="America/New_York"),
    CycleCase("south", "2024-04-07", MONTH, CALENDAR, "24/30", periods=1, zone="Australia/Sydney"),
)
METEROID = (
    CycleCase("nominal-month", "2024-01-16", MONTH, day(1), "16/30", periods=1, proration=NOMINAL),
    CycleCase("nominal-month-full", "2024-01-02", MONTH, day(1), "1", periods=1, proration=NOMINAL),
    CycleCase("nominal-quarter", "2024-01-16", QUARTER, day(1), "76/91", periods=1, proration=NOMINAL),
    CycleCase("nominal-half", "2024-01-16", HALF, day(1), "167/182", periods=1, proration=NOMINAL),
    CycleCase("nominal-year", "2024-01-16", YEAR, day(1), "351/365", periods=1, proration=NOMINAL),
    CycleCase(
        "nominal-days", "2024-01-16", MONTH, day(1), "16/31", periods=1, proration={**NOMINAL, "nominal_days": 31}
    ),
)
CASES = KILL_BILL + LAGO + METEROID
assert len({case.id for case in CASES}) == len(CASES)
