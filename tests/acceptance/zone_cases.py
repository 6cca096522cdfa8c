"""Boundaries as instants: wall times of the customer, kept in UTC, where clocks change and where they do not."""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.period_cases import CALENDAR, day
from tests.acceptance.prices import Json

MONTH, QUARTER, YEAR, WEEK, DAY = ("MONTH", 1), ("MONTH", 3), ("YEAR", 1), ("WEEK", 1), ("DAY", 1)


@dataclass(frozen=True, slots=True)
class ZoneCase:
    """`start` is an instant; `ends` those of the first periods, all in UTC."""

    id: str
    start: str
    zone: str
    every: tuple[str, int]
    ends: tuple[str, ...]
    alignment: Json | None = None


NEW_YORK, TOKYO, SYDNEY = "America/New_York", "Asia/Tokyo", "Australia/Sydney"
CASES = (
    ZoneCase("new-york-month", "2024-02-20T17:00:00Z", NEW_YORK, MONTH, ("2024-03-01T05", "2024-04-01T04"), CALENDAR),
    ZoneCase("new-york-autumn", "2024-10-20T17:00:00Z", NEW_YORK, MONTH, ("2024-11-01T04", "2024-12-01T05"), CALENDAR),
    ZoneCase("new-york-year", "2024-07-04T04:00:00Z", NEW_YORK, YEAR, ("2025-01-01T05", "2026-01-01T05"), CALENDAR),
    ZoneCase(
        "new-york-quarter", "2024-02-04T05:00:00Z", NEW_YORK, QUARTER, ("2024-04-01T04", "2024-07-01T04"), CALENDAR
    ),
    ZoneCase("new-york-week", "2024-03-06T05:00:00Z", NEW_YORK, WEEK, ("2024-03-11T04", "2024-03-18T04"), CALENDAR),
    ZoneCase("new-york-late-evening", "2024-03-01T04:59:00Z", NEW_YORK, MONTH, ("2024-03-01T05",), CALENDAR),
    ZoneCase("new-york-wall-time", "2024-02-10T17:00:00Z", NEW_YORK, MONTH, ("2024-03-10T16", "2024-04-10T16")),
    ZoneCase("new-york-skipped", "2024-02-10T07:30:00Z", NEW_YORK, MONTH, ("2024-03-10T07:30", "2024-04-10T06:30")),
    ZoneCase("new-york-twice", "2024-10-03T05:30:00Z", NEW_YORK, MONTH, ("2024-11-03T05:30", "2024-12-03T06:30")),
    ZoneCase(
        "new-york-days", "2024-03-09T05:00:00Z", NEW_YORK, DAY, ("2024-03-10T05", "2024-03-11T04", "2024-03-12T04")
    ),
    ZoneCase(
        "new-york-31", "2024-01-31T05:00:00Z", NEW_YORK, MONTH, ("2024-02-29T05", "2024-03-31T04", "2024-04-30T04")
    ),
    ZoneCase("new-york-day-15", "2024-03-01T05:00:00Z", NEW_YORK, MONTH, ("2024-03-15T04", "2024-04-15T04"), day(15)),
    ZoneCase("tokyo-month", "2023-02-08T00:00:00Z", TOKYO, MONTH, ("2023-02-28T15", "2023-03-31T15"), CALENDAR),
    ZoneCase("tokyo-new-year", "2023-12-31T15:00:00Z", TOKYO, YEAR, ("2024-12-31T15",), CALENDAR),
    ZoneCase("tokyo-leap", "2024-02-29T06:45:30Z", TOKYO, ("YEAR", 4), ("2028-02-29T06:45:30",)),
    ZoneCase("tokyo-last-second", "2024-01-31T14:59:59Z", TOKYO, ("MONTH", 2), ("2024-03-31T14:59:59",)),
    ZoneCase("sydney-month", "2024-03-20T00:00:00Z", SYDNEY, MONTH, ("2024-03-31T13", "2024-04-30T14"), CALENDAR),
    ZoneCase("sydney-spring", "2024-09-20T00:00:00Z", SYDNEY, MONTH, ("2024-09-30T14", "2024-10-31T13"), CALENDAR),
    ZoneCase("sydney-quarter", "2024-08-31T14:00:00Z", SYDNEY, QUARTER, ("2024-09-30T14", "2024-12-31T13"), CALENDAR),
    ZoneCase("sydney-week", "2024-04-02T00:00:00Z", SYDNEY, WEEK, ("2024-04-07T14", "2024-04-14T14"), CALENDAR),
    ZoneCase("los-angeles-leap", "2024-01-31T23:45:30Z", "America/Los_Angeles", MONTH, ("2024-02-29T23:45:30",)),
    ZoneCase("los-angeles-28", "2023-02-28T18:15:30Z", "America/Los_Angeles", YEAR, ("2024-02-28T18:15:30",)),
    ZoneCase("kolkata-dec-31", "2024-12-31T05:07:00Z", "Asia/Kolkata", ("MONTH", 2), ("2025-02-28T05:07",)),
    ZoneCase("kolkata-three-years", "2024-02-29T06:30:00Z", "Asia/Kolkata", ("YEAR", 3), ("2027-02-28T06:30",)),
    ZoneCase(
        "openmeter-15h", "2025-01-31T15:00:00Z", "UTC", MONTH, ("2025-02-28T15", "2025-03-31T15", "2025-04-30T15")
    ),
    ZoneCase(
        "berlin-half-year",
        "2024-01-09T23:00:00Z",
        "Europe/Berlin",
        ("MONTH", 6),
        ("2024-06-30T22", "2024-12-31T23"),
        CALENDAR,
    ),
    ZoneCase("no-midnight", "2024-04-01T00:00:00Z", "Africa/Cairo", DAY, ("2024-04-01T22", "2024-04-02T22"), CALENDAR),
    ZoneCase("beirut-no-midnight", "2024-03-15T00:00:00Z", "Asia/Beirut", MONTH, ("2024-03-31T21",), CALENDAR),
)
assert len({case.id for case in CASES}) == len(CASES)
