"""Section B: minimum commitments of a whole plan, prorated and rounded apart from the fee, then subtracted.

Fee 1000.00 in arrears, commitment 10000.00, no usage, days counted with the last one. With inclusive prices all of
these are gross.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.period_cases import CALENDAR
from tests.acceptance.prices import Json


@dataclass(frozen=True, slots=True)
class CommitmentCase:
    """A subscription from `start` to `end`; per invoice, in order of time, the fee and what fills it up, in cents."""

    id: str
    start: str
    end: str
    every: tuple[str, int]
    invoices: tuple[tuple[int, int], ...]
    alignment: Json = field(default_factory=dict)
    commitment: int = 1_000_000
    timing: str = "ARREARS"
    tax: str = "EXCLUSIVE"


WEEK, MONTH, QUARTER, YEAR = ("WEEK", 1), ("MONTH", 1), ("MONTH", 3), ("YEAR", 1)
CASES = (
    CommitmentCase("week", "2023-02-01", "2023-02-08", WEEK, ((100000, 900000),)),
    CommitmentCase("week-calendar", "2023-02-01", "2023-02-06", WEEK, ((71429, 642857),), CALENDAR),
    CommitmentCase("B01", "2023-02-04", "2023-03-04", MONTH, ((100000, 900000),)),
    CommitmentCase("B01-inclusive", "2023-02-04", "2023-03-04", MONTH, ((100000, 900000),), tax="INCLUSIVE"),
    CommitmentCase("month-calendar", "2023-02-04", "2023-03-01", MONTH, ((89286, 803571),), CALENDAR),
    CommitmentCase("quarter", "2023-02-04", "2023-05-04", QUARTER, ((100000, 900000),)),
    CommitmentCase("quarter-calendar", "2023-02-04", "2023-04-01", QUARTER, ((62222, 560000),), CALENDAR),
    CommitmentCase("year", "2022-02-04", "2023-02-04", YEAR, ((100000, 900000),)),
    CommitmentCase("year-calendar", "2022-02-01", "2023-01-01", YEAR, ((91507, 823561),), CALENDAR),
    CommitmentCase("reached", "2023-02-04", "2023-03-04", MONTH, ((100000, 0),), commitment=1),
    CommitmentCase("equal", "2023-02-04", "2023-03-04", MONTH, ((100000, 0),), commitment=100000),
    CommitmentCase("one-cent", "2023-02-04", "2023-03-04", MONTH, ((100000, 1),), commitment=100001),
    CommitmentCase("stopped", "2023-02-06", "2023-02-08T10:00", WEEK, ((42857, 385714),), CALENDAR),
    CommitmentCase(
        "two-and-stopped",
        "2023-02-01",
        "2023-02-15T10:00",
        WEEK,
        ((71429, 642857), (100000, 900000), (42857, 385714)),
        CALENDAR,
    ),
    CommitmentCase("in-advance", "2023-02-04", "2023-03-04", MONTH, ((100000, 0), (0, 900000)), timing="ADVANCE"),
    CommitmentCase(
        "in-advance-calendar", "2023-02-04", "2023-03-01", MONTH, ((89286, 0), (0, 803571)), CALENDAR, timing="ADVANCE"
    ),
)
assert len({case.id for case in CASES}) == len(CASES)
