from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from billing_kernel.cycle import Cycle, FirstStub, InvalidAnchor, calendar_anchor, day_anchor
from billing_kernel.period import Interval, InvalidPeriod, Period, UnknownZone, zone_of
from hypothesis import given
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH, QUARTER, HALF, YEAR = Interval("month"), Interval("month", 3), Interval("month", 6), Interval("year")
DAY, WEEK = Interval("day"), Interval("week")
SHORT, LONG, NONE = FirstStub.SHORT, FirstStub.LONG, FirstStub.NONE


def at(text, zone="UTC"):
    """A wall time of the zone, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).astimezone(UTC)


def span(start, end, zone="UTC"):
    return Period(at(start, zone), at(end, zone))


def by_day(start, interval, day, month=None, zone="UTC", stub=SHORT):
    anchor = day_anchor(at(start, zone), zone, interval, day=day, month=month)
    return Cycle(anchor, zone, interval, at(start, zone), stub)


def by_calendar(start, interval, zone="UTC", stub=SHORT):
    return Cycle(calendar_anchor(at(start, zone), zone, interval), zone, interval, at(start, zone), stub)


def anniversary(start, interval, zone="UTC"):
    return Cycle(at(start, zone), zone, interval, at(start, zone))


def from_anchor(start, interval, anchor):
    return Cycle(at(anchor), "UTC", interval, at(start))


@pytest.mark.parametrize(
    ("case", "cycle", "index", "start", "end"),
    [
        ("E01", anniversary("2025-01-31", MONTH), 1, "2025-02-28", "2025-03-31"),
        ("E01", anniversary("2025-01-31", MONTH), 3, "2025-04-30", "2025-05-31"),
        ("E07", anniversary("2024-12-31", Interval("month", 2)), 0, "2024-12-31", "2025-02-28"),
        ("E10", anniversary("2024-02-29", YEAR), 0, "2024-02-29", "2025-02-28"),
        ("E13", by_day("2023-02-28", YEAR, 28), 0, "2023-02-28", "2024-02-28"),
        ("E16", by_day("2024-04-01", MONTH, 15), 0, "2024-04-01", "2024-04-15"),
        ("E19", by_day("2021-01-10", MONTH, 1), 0, "2021-01-10", "2021-02-01"),
        ("E19 quarterly", by_day("2021-01-10", QUARTER, 1), 0, "2021-01-10", "2021-04-01"),
        ("a later day of the month", by_day("2021-01-01", QUARTER, 10), 0, "2021-01-01", "2021-01-10"),
        ("and the next", by_day("2021-01-01", QUARTER, 10), 1, "2021-01-10", "2021-04-10"),
        ("yearly", by_day("2021-01-10", YEAR, 1), 0, "2021-01-10", "2022-01-01"),
        ("yearly, later", by_day("2011-02-01", YEAR, 13), 0, "2011-02-01", "2011-02-13"),
        ("yearly, in September", by_day("2024-06-01", YEAR, 1, 9), 0, "2024-06-01", "2024-09-01"),
        ("D25", by_day("2012-03-02", MONTH, 31), 0, "2012-03-02", "2012-03-31"),
        ("day 31 comes back", by_day("2025-02-10", MONTH, 31), 1, "2025-02-28", "2025-03-31"),
        ("day 31 in quarters", by_day("2025-02-10", QUARTER, 31), 2, "2025-05-31", "2025-08-31"),
        ("29 February comes back", by_day("2025-06-01", YEAR, 29, 2), 3, "2028-02-29", "2029-02-28"),
        ("never a leap year", by_day("2025-06-01", Interval("year", 2), 31, 2), 1, "2027-02-28", "2029-02-28"),
        ("on the boundary", by_day("2025-01-15", MONTH, 15), 0, "2025-01-15", "2025-02-15"),
        ("long", by_day("2024-04-01", MONTH, 15, stub=LONG), 0, "2024-04-01", "2024-05-15"),
        ("behind the long one", by_day("2024-04-01", MONTH, 15, stub=LONG), 1, "2024-05-15", "2024-06-15"),
        ("none", by_day("2024-04-01", MONTH, 15, stub=NONE), 0, "2024-04-15", "2024-05-15"),
        ("long on a boundary is whole", by_day("2024-04-15", MONTH, 15, stub=LONG), 0, "2024-04-15", "2024-05-15"),
        ("calendar quarter", by_calendar("2024-05-20", QUARTER), 0, "2024-05-20", "2024-07-01"),
        ("calendar half-year", by_calendar("2024-05-20", HALF), 0, "2024-05-20", "2024-07-01"),
        ("calendar year", by_calendar("2024-05-20", YEAR), 1, "2025-01-01", "2026-01-01"),
        ("calendar 12 months", by_calendar("2024-05-20", Interval("month", 12)), 0, "2024-05-20", "2025-01-01"),
        ("calendar 5 months", by_calendar("2024-05-20", Interval("month", 5)), 0, "2024-05-20", "2024-10-01"),
        ("calendar week", by_calendar("2025-01-01", WEEK), 0, "2025-01-01", "2025-01-06"),
        ("calendar day", by_calendar("2025-01-01T15:00", DAY), 0, "2025-01-01T15:00", "2025-01-02"),
        ("an anchor behind the start", from_anchor("2024-02-15", QUARTER, "2024-07-01"), 0, "2024-02-15", "2024-04-01"),
        ("the wall time", from_anchor("2024-03-04", WEEK, "2024-01-03T14:00"), 0, "2024-03-04", "2024-03-06T14:00"),
    ],
)  # fmt: skip
def test_periods(case, cycle, index, start, end):
    found = cycle.period(index)
    assert found == span(start, end), case
    assert cycle.index_at(found.start) == index
    assert cycle.index_at(found.end) == index + 1


@pytest.mark.parametrize(
    ("case", "anchor", "instant", "start", "end"),
    [
        ("E04", "2025-01-30", "2025-02-13", "2025-01-30", "2025-02-28"),
        ("E22", "2021-02-02", "2022-03-01", "2022-02-02", "2022-03-02"),
        ("E25", "2019-04-30", "2020-03-29", "2020-02-29", "2020-03-30"),
        ("E28", "2020-01-01", "2022-02-28", "2022-02-01", "2022-03-01"),
    ],
)
def test_the_period_of_an_instant(case, anchor, instant, start, end):
    cycle = anniversary(anchor, MONTH)
    assert cycle.period(cycle.index_at(at(instant))) == span(start, end), case


@pytest.mark.parametrize(
    ("rule", "zone", "start", "interval", "day", "index", "boundary"),
    [
        ("winter", "Europe/Berlin", "2024-12-10", MONTH, 1, 1, "2024-12-31T23:00"),
        ("summer", "Europe/Berlin", "2024-12-10", MONTH, 1, 7, "2025-06-30T22:00"),
        ("three quarters of an hour", "Asia/Kathmandu", "2025-01-10", MONTH, 31, 1, "2025-01-30T18:15"),
        ("a midnight that is skipped", "America/Sao_Paulo", "2018-11-04T10:00", MONTH, 4, 0, "2018-11-04T12:00"),
        ("is a midnight a month later", "America/Sao_Paulo", "2018-11-04T10:00", MONTH, 4, 1, "2018-12-04T02:00"),
        ("the day that Apia never had", "Pacific/Apia", "2011-12-01", MONTH, 30, 1, "2011-12-29T22:00"),
        ("the next one is a midnight", "Pacific/Apia", "2011-12-01", MONTH, 30, 2, "2012-01-29T10:00"),
    ],
)
def test_zones(rule, zone, start, interval, day, index, boundary):
    assert by_day(start, interval, day, zone=zone).period(index).start == at(boundary), rule


def test_calendar_days_are_midnights_again_after_a_skipped_one():
    cycle = by_calendar("2018-11-04T10:00", DAY, zone="America/Sao_Paulo")
    assert cycle.anchor == at("2018-11-03T03:00")
    assert cycle.period(0) == Period(at("2018-11-04T12:00"), at("2018-11-05T02:00"))


def test_the_lead_is_free():
    cycle = by_day("2024-04-01", MONTH, 15, stub=NONE)
    assert cycle.lead() == span("2024-04-01", "2024-04-15")
    assert cycle.index_at(at("2024-04-14")) == -1
    assert cycle.index_at(at("2024-04-15")) == 0


@pytest.mark.parametrize("stub", FirstStub)
def test_no_lead_on_a_boundary_or_with_a_stub(stub):
    assert by_day("2024-04-15", MONTH, 15, stub=stub).lead() is None
    if stub is not NONE:
        assert by_day("2024-04-01", MONTH, 15, stub=stub).lead() is None


def test_wholes_cut_at_every_boundary():
    cycle = by_day("2010-12-20", MONTH, 15)
    january = span("2011-01-15", "2011-02-15")
    assert list(cycle.wholes(span("2010-12-20", "2011-02-17"))) == [
        (span("2010-12-20", "2011-01-15"), span("2010-12-15", "2011-01-15")),
        (january, january),
        (span("2011-02-15", "2011-02-17"), span("2011-02-15", "2011-03-15")),
    ]


ZONES = """UTC Europe/Berlin America/New_York America/Sao_Paulo America/St_Johns America/Havana Asia/Kathmandu
    Asia/Gaza Australia/Lord_Howe Pacific/Apia Pacific/Kiritimati Africa/Casablanca"""
zones = st.sampled_from(ZONES.split())
instants = st.integers(631_152_000_000, 2_366_841_600_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
intervals = st.builds(Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 13))
long_intervals = st.builds(Interval, st.sampled_from(["month", "year"]), st.integers(1, 13))
cycles = st.builds(Cycle, instants, zones, intervals, instants, st.sampled_from(FirstStub))
indexes = st.integers(0, 100)


@given(cycles, indexes)
def test_periods_never_gap_or_overlap(cycle, index):
    assert cycle.period(index).end == cycle.period(index + 1).start


@given(cycles)
def test_the_first_period_begins_at_the_start_or_behind_the_lead(cycle):
    lead = cycle.lead()
    assert cycle.period(0).start == (lead.end if lead else cycle.start)
    assert lead is None or lead.start == cycle.start


@given(cycles, indexes)
def test_index_at_is_the_inverse_of_period(cycle, index):
    found = cycle.period(index)
    assert cycle.index_at(found.start) == index
    assert cycle.index_at(found.end - timedelta(microseconds=1)) == index


@given(cycles)
def test_what_lies_before_the_first_period_has_no_index(cycle):
    assert cycle.index_at(cycle.period(0).start - timedelta(microseconds=1)) == -1


@given(cycles, indexes, st.integers(1, 10**14))
def test_wholes_fill_the_span_in_order(cycle, index, microseconds):
    start = cycle.period(index).start + timedelta(microseconds=microseconds // 3)
    wanted = Period(start, start + timedelta(microseconds=microseconds))
    parts = list(cycle.wholes(wanted))
    assert parts[0][0].start == wanted.start
    assert parts[-1][0].end == wanted.end
    assert all(before.end == after.start for (before, _), (after, _) in pairwise(parts))
    assert all(whole.start <= part.start < part.end <= whole.end for part, whole in parts)


@given(instants, zones, intervals)
def test_a_calendar_anchor_lies_on_a_midnight_at_or_before_the_start(start, zone, interval):
    anchor = calendar_anchor(start, zone, interval)
    wall = anchor.astimezone(zone_of(zone))
    assert anchor <= start
    assert (wall.hour, wall.minute) == (0, 0)
    assert interval.unit != "week" or wall.weekday() == 0
    assert interval.unit not in ("month", "year") or wall.day == 1


@given(instants, zones, long_intervals, st.integers(1, 31))
def test_a_day_anchor_remembers_the_day(start, zone, interval, day):
    anchor = day_anchor(start, zone, interval, day=day)
    cycle = Cycle(anchor, zone, interval, start)
    assert anchor <= start
    shown = [cycle.period(index).start.astimezone(zone_of(zone)) for index in range(1, 13)]
    assert all(wall.day == min(day, _length(wall)) or _odd(wall) for wall in shown)


def _length(wall):
    following = wall.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day


def _odd(wall):
    """Apia has no 30 December 2011, Kiritimati no 31 December 1994 or 1 January 1995; there boundaries move."""
    return (wall.year, wall.month, wall.day) in {(2011, 12, 29), (1994, 12, 30), (1994, 12, 31)}


@given(instants, zones, st.integers(1, 31), st.integers(1, 12))
def test_years_begin_in_the_month_asked_for(start, zone, day, month):
    cycle = Cycle(day_anchor(start, zone, YEAR, day=day, month=month), zone, YEAR, start)
    walls = [cycle.period(index).start.astimezone(zone_of(zone)) for index in (1, 2)]
    assert all(wall.month == month or _odd(wall) for wall in walls)


@pytest.mark.parametrize(
    ("interval", "day", "month", "field"),
    [
        (MONTH, 0, None, "day"),
        (MONTH, 32, None, "day"),
        (DAY, 1, None, "day"),
        (WEEK, 1, None, "day"),
        (QUARTER, 1, 1, "month"),
        (YEAR, 1, 0, "month"),
        (YEAR, 1, 13, "month"),
    ],
)
def test_bad_anchors_are_refused(interval, day, month, field):
    with pytest.raises(InvalidAnchor) as refused:
        day_anchor(at("2025-01-01"), "UTC", interval, day=day, month=month)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_bad_cycles_are_refused():
    with pytest.raises(UnknownZone):
        Cycle(EPOCH, "Mars/Base", MONTH, EPOCH)
    with pytest.raises(InvalidPeriod):
        Cycle(datetime(2025, 1, 1), "UTC", MONTH, EPOCH)  # noqa: DTZ001
    with pytest.raises(InvalidPeriod):
        anniversary("2025-01-01", MONTH).period(-1)
    with pytest.raises(InvalidPeriod):
        anniversary("2025-01-01", YEAR).period(8000)
    with pytest.raises(InvalidPeriod):
        day_anchor(at("0001-01-05"), "UTC", MONTH, day=9)


def test_the_same_agreement_is_the_same_cycle():
    berlin = at("2025-01-01").astimezone(zone_of("Europe/Berlin"))
    assert Cycle(berlin, "UTC", MONTH, berlin) == anniversary("2025-01-01", MONTH)
