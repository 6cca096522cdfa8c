from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise

import pytest
from billing_kernel.period import (
    Interval,
    InvalidInterval,
    InvalidPeriod,
    Period,
    UnknownZone,
    index_at,
    period,
    share,
)
from hypothesis import given
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH, YEAR, DAY = Interval("month"), Interval("year"), Interval("day")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(anchor, interval, ks, zone="UTC"):
    return [period(at(anchor), zone, interval, k).start for k in ks]


@pytest.mark.parametrize(
    ("case", "anchor", "interval", "ks", "expected"),
    [
        ("E01", "2025-01-31", MONTH, range(1, 5), ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]),
        ("E07", "2024-12-31", Interval("month", 2), [1], ["2025-02-28"]),
        ("E10", "2024-02-29", YEAR, [1, 4], ["2025-02-28", "2028-02-29"]),
        ("E13", "2023-02-28", YEAR, [1], ["2024-02-28"]),
        ("quarters", "2021-01-01", Interval("month", 3), [1, 4], ["2021-04-01", "2022-01-01"]),
        ("weeks", "2024-12-30", Interval("week", 2), [-1, 1], ["2024-12-16", "2025-01-13"]),
        ("days", "2024-02-28", DAY, [1, 2], ["2024-02-29", "2024-03-01"]),
        ("backwards", "2025-03-31", MONTH, [-1, -13], ["2025-02-28", "2024-02-29"]),
        ("no leap century", "2096-02-29", YEAR, [4, 8], ["2100-02-28", "2104-02-29"]),
    ],
)
def test_starts(case, anchor, interval, ks, expected):
    assert starts(anchor, interval, ks) == [at(text) for text in expected], case


@pytest.mark.parametrize(
    ("case", "anchor", "instant", "interval", "start", "end"),
    [
        ("E04", "2025-01-30", "2025-02-13", MONTH, "2025-01-30", "2025-02-28"),
        ("E16", "2024-04-15", "2024-04-01", MONTH, "2024-03-15", "2024-04-15"),
        ("E19", "2021-01-01", "2021-01-10", MONTH, "2021-01-01", "2021-02-01"),
        ("E19 quarterly", "2021-01-01", "2021-01-10", Interval("month", 3), "2021-01-01", "2021-04-01"),
        ("E22", "2021-02-02", "2022-03-01", MONTH, "2022-02-02", "2022-03-02"),
        ("E25", "2019-04-30", "2020-03-29", MONTH, "2020-02-29", "2020-03-30"),
        ("E28", "2020-01-01", "2022-02-28", MONTH, "2022-02-01", "2022-03-01"),
    ],
)
def test_period_containing_an_instant(case, anchor, instant, interval, start, end):
    found = period(at(anchor), "UTC", interval, index_at(at(anchor), "UTC", interval, at(instant)))
    assert found == Period(at(start), at(end)), case


def test_first_stub_is_what_is_left_of_the_period():
    whole = period(at("2024-04-15"), "UTC", MONTH, -1)
    stub = Period(at("2024-04-01"), whole.end)
    assert whole == Period(at("2024-03-15"), at("2024-04-15"))
    assert share(stub, whole) == Fraction(14, 31)


@pytest.mark.parametrize(
    ("rule", "zone", "anchor", "interval", "k", "start"),
    [
        ("local midnight, winter", "Europe/Berlin", "2024-12-31T23:00", MONTH, 1, "2025-01-31T23:00"),
        ("local midnight, summer", "Europe/Berlin", "2024-12-31T23:00", MONTH, 6, "2025-06-30T22:00"),
        ("the local day is the anchor day", "Asia/Tokyo", "2025-01-30T15:00", MONTH, 1, "2025-02-27T15:00"),
        ("skipped 02:30 becomes 03:30", "America/New_York", "2025-02-09T07:30", MONTH, 1, "2025-03-09T07:30"),
        ("the day after is 02:30 again", "America/New_York", "2025-03-08T07:30", DAY, 2, "2025-03-10T06:30"),
        ("01:30 twice means the first", "America/New_York", "2025-10-02T05:30", MONTH, 1, "2025-11-02T05:30"),
        ("an anchor in the second 01:30 stays", "America/New_York", "2025-11-02T06:30", MONTH, 0, "2025-11-02T06:30"),
        ("skipped midnight", "America/Sao_Paulo", "2018-10-04T03:00", MONTH, 1, "2018-11-04T03:00"),
        ("half an hour", "Australia/Lord_Howe", "2025-09-04T15:45", MONTH, 1, "2025-10-04T15:45"),
        ("a whole day is skipped", "Pacific/Apia", "2011-12-29T10:00", DAY, 1, "2011-12-29T22:00"),
        ("and the next one is not", "Pacific/Apia", "2011-12-29T10:00", DAY, 2, "2011-12-30T10:00"),
    ],
)
def test_clock_changes(rule, zone, anchor, interval, k, start):
    assert period(at(anchor), zone, interval, k).start == at(start), rule


ZONES = """UTC Europe/Berlin America/New_York America/Sao_Paulo Asia/Kolkata Australia/Lord_Howe Pacific/Apia
    Pacific/Kiritimati Africa/Casablanca Asia/Gaza America/Nuuk Antarctica/Troll"""
zones = st.sampled_from(ZONES.split())
instants = st.integers(631_152_000_000, 2_366_841_600_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
intervals = st.builds(Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 13))


@given(instants, zones, intervals, st.integers(-100, 100))
def test_consecutive_periods_never_gap_or_overlap(anchor, zone, interval, k):
    assert period(anchor, zone, interval, k).end == period(anchor, zone, interval, k + 1).start


@given(st.integers(-40, 40), st.integers(0, 86399), st.sampled_from(["Pacific/Apia", "Pacific/Kiritimati"]))
def test_days_over_the_date_line_are_never_empty(k, second, zone):
    anchor = datetime(2011, 12, 20, tzinfo=UTC) if zone == "Pacific/Apia" else datetime(1994, 12, 20, tzinfo=UTC)
    first = period(anchor + timedelta(seconds=second), zone, DAY, k)
    assert timedelta() < first.end - first.start <= timedelta(hours=25)


@given(instants, zones, intervals, instants)
def test_index_at_finds_the_period(anchor, zone, interval, instant):
    assert instant in period(anchor, zone, interval, index_at(anchor, zone, interval, instant))


@given(instants, zones, intervals, st.integers(-100, 100))
def test_index_at_is_the_inverse_of_period(anchor, zone, interval, k):
    found = period(anchor, zone, interval, k)
    assert index_at(anchor, zone, interval, found.start) == k
    assert index_at(anchor, zone, interval, found.end - timedelta(microseconds=1)) == k


@given(instants, zones)
def test_period_zero_starts_at_the_anchor(anchor, zone):
    assert period(anchor, zone, MONTH, 0).start == anchor


@given(instants, zones, st.lists(st.integers(1, 10**13), min_size=1, max_size=5))
def test_shares_of_a_cut_period_add_up(anchor, zone, cuts):
    whole = period(anchor, zone, MONTH, 1)
    points = sorted({whole.start, whole.end, *(whole.start + timedelta(microseconds=cut) for cut in cuts)})
    inside = [point for point in points if point <= whole.end]
    parts = [Period(start, end) for start, end in pairwise(inside)]
    assert sum(share(part, whole) for part in parts) == 1


@pytest.mark.parametrize(
    "zone", ["", "Mars/Base", "../etc/passwd", "America", "localtime", "right/UTC", "a\0b", "/etc"]
)
def test_unknown_zones_are_refused(zone):
    with pytest.raises(UnknownZone):
        period(at("2025-01-01"), zone, MONTH, 0)


@pytest.mark.parametrize(("unit", "count"), [("hour", 1), ("month", 0), ("month", -1), ("day", 1201), ("day", True)])
def test_bad_intervals_are_refused(unit, count):
    with pytest.raises(InvalidInterval):
        Interval(unit, count)


def test_bad_periods_are_refused():
    for start, end in (("2025-01-01", "2025-01-01"), ("2025-01-02", "2025-01-01")):
        with pytest.raises(InvalidPeriod):
            Period(at(start), at(end))
    with pytest.raises(InvalidPeriod):
        Period(datetime(2025, 1, 1), at("2026-01-01"))  # noqa: DTZ001
    with pytest.raises(InvalidPeriod):
        share(Period(at("2025-01-01"), at("2025-03-01")), Period(at("2025-01-01"), at("2025-02-01")))


@pytest.mark.parametrize("k", [10**9, -(10**9), 8000 * 12, 10**30])
def test_periods_beyond_the_calendar_are_refused(k):
    with pytest.raises(InvalidPeriod):
        period(at("2025-01-01"), "Europe/Berlin", MONTH, k)
    with pytest.raises(InvalidPeriod):
        period(at("2025-01-01"), "Europe/Berlin", DAY, k * 31)


def test_the_end_of_the_calendar_is_refused():
    with pytest.raises(InvalidPeriod):
        index_at(at("2025-01-01"), "UTC", MONTH, at("9999-12-31"))


def test_instants_of_other_zones_become_utc():
    found = Period(datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=2))), at("2025-01-02"))
    assert found.start.isoformat() == "2024-12-31T22:00:00+00:00"
    assert found.seconds == 26 * 3600
    assert str(found) == "[2024-12-31T22:00:00+00:00, 2025-01-02T00:00:00+00:00)"
