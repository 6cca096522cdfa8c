"""Retry days, each counted from the attempt before (cases I01 and I07)."""

from datetime import UTC, datetime, timedelta

import pytest
from billing_payments.domain.schedule import RetrySchedule, parse_schedule


def retries(days: str, first: str) -> list[str]:
    """Days of the retries of a payment that never succeeds."""
    schedule, at, found = parse_schedule(days.split(",")), datetime.fromisoformat(first).replace(tzinfo=UTC), []
    while (following := schedule.next_attempt_at(len(found) + 1, at)) is not None:
        at = following
        found.append(at.date().isoformat())
    return found


@pytest.mark.parametrize(
    ("days", "first", "expected"),
    [
        ("2,5,7,7", "2026-03-01", ["2026-03-03", "2026-03-08", "2026-03-15", "2026-03-22"]),
        ("8,8,8", "2026-01-01", ["2026-01-09", "2026-01-17", "2026-01-25"]),
        ("1,8,4,7", "2021-08-06", ["2021-08-07", "2021-08-15", "2021-08-19", "2021-08-26"]),
        ("3,5,7,7", "2026-01-31", ["2026-02-03", "2026-02-08", "2026-02-15", "2026-02-22"]),
        ("none", "2026-01-31", []),
    ],
)
def test_cases(days, first, expected):
    assert retries(days, first) == expected


def test_a_delay_counts_from_the_attempt_that_was_made_and_not_from_the_plan():
    late = datetime(2026, 3, 4, 5, tzinfo=UTC)
    assert parse_schedule(["2", "5"]).next_attempt_at(2, late) == late + timedelta(days=5)


def test_the_shortest():
    assert parse_schedule(["3", "5"]).shortest == timedelta(days=3)
    assert RetrySchedule(()).shortest is None


@pytest.mark.parametrize("days", ["", "0", "-1", "366", "1.5", "3,x", "none,3", "٣", ",".join(["1"] * 21)])
def test_refused(days):
    with pytest.raises(ValueError, match="delays"):
        parse_schedule(days.split(","))
