from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.cycle import Cycle, FirstStub, day_anchor
from billing_kernel.money import ExactAmount, round_amount
from billing_kernel.period import Interval, Period, local_day, midnight, zone_of
from billing_kernel.proration import (
    Basis,
    Denominator,
    InvalidProration,
    Proration,
    charged_share,
    label,
    nominal_days,
    unused_share,
)
from hypothesis import given
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH, QUARTER, YEAR, DAY = Interval("month"), Interval("month", 3), Interval("year"), Interval("day")
SECONDS, DAYS = Proration(Basis.BY_SECONDS), Proration(Basis.BY_DAYS)
BOTH, WHOLE = Proration(Basis.BY_DAYS_INCLUSIVE), Proration(Basis.NONE)


def nominal(basis=Basis.BY_DAYS, days=None):
    return Proration(basis, Denominator.NOMINAL_DAYS, days)


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).astimezone(UTC)


def span(start, end, zone="UTC"):
    return Period(at(start, zone), at(end, zone))


def monthly(start, zone="UTC"):
    return Cycle(at(start, zone), zone, MONTH, at(start, zone))


def billed_on(day, start, interval=MONTH, stub=FirstStub.SHORT):
    return Cycle(day_anchor(at(start), "UTC", interval, day=day), "UTC", interval, at(start), stub)


JUNE = monthly("2025-06-01")
MARCH, AT_TEN = monthly("2025-03-01"), monthly("2025-03-01T10:00")
THIRTY = Cycle(at("2024-01-01"), "UTC", Interval("day", 30), at("2024-01-01"))
SUMMER_YEAR = Cycle(at("2024-08-01"), "UTC", YEAR, at("2024-08-01"))
QUARTERLY = billed_on(15, "2011-01-01", QUARTER)


@pytest.mark.parametrize(
    ("case", "cycle", "start", "end", "rule", "share"),
    [
        ("D01", JUNE, "2025-06-16", "2025-07-01", SECONDS, "1/2"),
        ("D04", JUNE, "2025-06-16", "2025-07-01", SECONDS, "1/2"),
        ("D07", SUMMER_YEAR, "2024-10-01", "2025-08-01", SECONDS, "304/365"),
        ("D10 old", JUNE, "2025-06-16", "2025-07-01", SECONDS, "1/2"),
        ("D10 new", Cycle(at("2025-06-16"), "UTC", YEAR, at("2025-06-16")), "2025-06-16", "2026-06-16", SECONDS, "1"),
        ("D13", THIRTY, "2024-01-16", "2024-01-31", DAYS, "1/2"),
        ("D16", THIRTY, "2024-01-30", "2024-01-31", DAYS, "1/30"),
        ("D19", MARCH, "2025-03-15", "2025-04-01", BOTH, "17/31"),
        ("D19, what was used", MARCH, "2025-03-01", "2025-03-15", BOTH, "14/31"),
        ("D25", billed_on(31, "2012-03-02"), "2012-03-02", "2012-03-31", DAYS, "29/31"),
        ("D31", billed_on(1, "2012-02-01"), "2012-02-01", "2012-02-15", DAYS, "14/29"),
        ("D34", billed_on(15, "2010-12-15"), "2010-12-15", "2011-03-17", DAYS, "3 + 2/31"),
        ("D34, not prorated", billed_on(15, "2010-12-15"), "2010-12-15", "2011-03-17", WHOLE, "4"),
        ("E16", billed_on(15, "2024-04-01"), "2024-04-01", "2024-04-15", DAYS, "14/31"),
        ("E19", billed_on(1, "2021-01-10"), "2021-01-10", "2021-02-01", DAYS, "22/31"),
        ("quarter, both ends", QUARTERLY, "2011-01-01", "2011-04-27", DAYS, "14/92 + 1 + 12/91"),
        ("year, leading", billed_on(13, "2011-02-01", YEAR), "2011-02-01", "2011-02-13", DAYS, "12/365"),
        ("middle of a day", MARCH, "2025-03-15T12:00", "2025-04-01", SECONDS, "33/62"),
        ("the day of a change is the new one's", MARCH, "2025-03-15T12:00", "2025-04-01", DAYS, "17/31"),
        ("and not the old one's", MARCH, "2025-03-01", "2025-03-15T12:00", DAYS, "14/31"),
        ("both count it", MARCH, "2025-03-15T12:00", "2025-04-01", BOTH, "17/31"),
        ("both count it, old", MARCH, "2025-03-01", "2025-03-15T12:00", BOTH, "15/31"),
        ("within one day", MARCH, "2025-03-15T12:00", "2025-03-15T13:00", DAYS, "0"),
        ("within one day, both", MARCH, "2025-03-15T12:00", "2025-03-15T13:00", BOTH, "1/31"),
        ("anniversary at ten, both", AT_TEN, "2025-03-15T12:00", "2025-04-01T10:00", BOTH, "17/31"),
        ("a boundary's day is the next one's", AT_TEN, "2025-04-01", "2025-04-01T10:00", BOTH, "0"),
        ("anniversary at ten, to its day", AT_TEN, "2025-03-01T10:00", "2025-04-01T09:00", BOTH, "1"),
        ("nothing is prorated", MARCH, "2025-03-15", "2025-04-01", WHOLE, "1"),
        ("nothing is prorated, two", MARCH, "2025-03-15", "2025-04-02", WHOLE, "2"),
        ("nominal month", MARCH, "2025-03-17", "2025-04-01", nominal(), "1/2"),
        ("never more than one", MARCH, "2025-03-01", "2025-03-31T12:00", nominal(), "1"),
        ("a whole February", MARCH, "2025-02-01", "2025-03-01", nominal(), "1"),
        ("most of February", MARCH, "2025-02-02", "2025-03-01", nominal(), "9/10"),
        ("fixed days", MARCH, "2025-03-17", "2025-04-01", nominal(days=60), "1/4"),
        ("nominal seconds", MARCH, "2025-03-31T12:00", "2025-04-01", nominal(Basis.BY_SECONDS), "1/60"),
        ("nominal, both", MARCH, "2025-03-15", "2025-03-17T12:00", nominal(Basis.BY_DAYS_INCLUSIVE), "1/10"),
        ("nominal quarter", QUARTERLY, "2011-01-01", "2011-01-15", nominal(), "14/91"),
        ("nominal year", SUMMER_YEAR, "2024-08-01", "2024-10-01", nominal(), "61/365"),
    ],
)  # fmt: skip
def test_charged_shares(case, cycle, start, end, rule, share):
    wanted = sum(map(Fraction, share.split(" + ")))
    assert charged_share(span(start, end), cycle, rule) == wanted, case


@pytest.mark.parametrize(
    ("case", "old", "new", "share", "credit", "charge"),
    [
        ("D01", 10, 20, Fraction(1, 2), "-5.00", "10.00"),
        ("D04", 100, 300, Fraction(1, 2), "-50.00", "150.00"),
        ("D07", 1000, 3000, Fraction(304, 365), "-832.88", "2498.63"),
        ("D13", 100, 200, Fraction(1, 2), "-50.00", "100.00"),
        ("D16", 300, 600, Fraction(1, 30), "-10.00", "20.00"),
        ("D19", 50, 100, Fraction(17, 31), "-27.42", "54.84"),
        ("D25", 0, Fraction("599.95"), Fraction(29, 31), "0.00", "561.24"),
        ("G01", 200, 0, Fraction(29, 30), "-193.33", "0.00"),
    ],
)
def test_each_line_is_rounded_once(case, old, new, share, credit, charge):
    lines = [str(round_amount(ExactAmount("USD", price * share))) for price in (Fraction(-old), Fraction(new))]
    assert lines == [f"{credit} USD", f"{charge} USD"], case


@pytest.mark.parametrize(
    ("case", "cycle", "canceled_at", "rule", "share"),
    [
        ("G01", monthly("2025-09-18"), "2025-09-18", BOTH, "29/30"),
        ("G01 at ten o'clock", monthly("2025-09-18T10:00"), "2025-09-18T15:00", BOTH, "29/30"),
        ("the last named day", monthly("2025-09-18T10:00"), "2025-10-17T23:00", BOTH, "0"),
        ("the morning of the boundary", monthly("2025-09-18T10:00"), "2025-10-18T09:00", BOTH, "0"),
        ("days", monthly("2025-09-18T10:00"), "2025-09-28T15:00", DAYS, "20/30"),
        ("seconds", monthly("2025-09-18T10:00"), "2025-09-28T22:00", SECONDS, "39/60"),
        ("an interval begun is used", monthly("2025-09-18"), "2025-09-18T00:00:01", WHOLE, "0"),
        ("one not begun is not", monthly("2025-09-18"), "2025-09-18", WHOLE, "1"),
        ("nominal", monthly("2025-10-01"), "2025-10-16", nominal(), "16/30"),
        ("before the start, days", monthly("2025-09-18T10:00"), "2025-09-18T09:00", BOTH, "1"),
        ("before the start, none", monthly("2025-09-18"), "2025-09-10", WHOLE, "1"),
        ("at the end", monthly("2025-09-18"), "2025-10-18", SECONDS, "0"),
        ("long after the end", monthly("2025-09-18"), "2026-10-18", DAYS, "0"),
        ("in a long stub", billed_on(15, "2024-04-01", stub=FirstStub.LONG), "2024-04-08", DAYS, "7/31 + 1"),
        ("in a long stub, none", billed_on(15, "2024-04-01", stub=FirstStub.LONG), "2024-04-08", WHOLE, "1"),
    ],
)  # fmt: skip
def test_unused_shares(case, cycle, canceled_at, rule, share):
    wanted = sum(map(Fraction, share.split(" + ")))
    assert unused_share(cycle.period(0), at(canceled_at), cycle, rule) == wanted, case


@pytest.mark.parametrize(
    ("rule", "zone", "start", "end", "basis", "share"),
    [
        ("a day of 23 hours is a day", "Europe/Berlin", "2025-03-30", "2025-04-01", DAYS, Fraction(2, 31)),
        ("and 23 hours", "Europe/Berlin", "2025-03-30", "2025-03-31", SECONDS, Fraction(23, 743)),
        ("a day of 25 hours", "Europe/Berlin", "2025-10-26", "2025-10-27", SECONDS, Fraction(25, 745)),
        ("local days, not those of UTC", "Asia/Kathmandu", "2025-06-16T01:00", "2025-07-01", DAYS, Fraction(1, 2)),
        ("no midnight", "America/Sao_Paulo", "2018-11-04T01:00", "2018-12-01", DAYS, Fraction(27, 30)),
        ("the day that Apia never had counts", "Pacific/Apia", "2011-12-29", "2012-01-01", DAYS, Fraction(3, 31)),
        ("but takes no time", "Pacific/Apia", "2011-12-29", "2012-01-01", SECONDS, Fraction(2, 30)),
    ],
)
def test_clock_changes(rule, zone, start, end, basis, share):
    first = start[:8] + "01"
    assert charged_share(span(start, end, zone), monthly(first, zone), basis) == share, rule


def test_an_interval_without_a_day_is_shared_by_time():
    daily = Cycle(at("2011-12-28", "Pacific/Apia"), "Pacific/Apia", DAY, at("2011-12-28", "Pacific/Apia"))
    half_a_day = daily.period(1)
    assert half_a_day.seconds == 12 * 3600
    quarter = Period(half_a_day.start, half_a_day.start + timedelta(hours=3))
    assert charged_share(quarter, daily, DAYS) == charged_share(quarter, daily, BOTH) == Fraction(1, 4)


def test_a_day_that_clocks_enter_twice_never_comes_back():
    zone, before = "America/St_Johns", at("2006-10-29T00:00:30", "America/St_Johns")
    repeated = datetime(2006, 10, 28, 23, 30, tzinfo=zone_of(zone), fold=1).astimezone(UTC)
    assert before < repeated
    assert local_day(before, zone) == local_day(repeated, zone)
    assert local_day(before - timedelta(seconds=31), zone) < local_day(before, zone)


ZONES = """UTC Europe/Berlin America/New_York America/Sao_Paulo America/St_Johns America/Havana Asia/Kathmandu
    Asia/Gaza Australia/Lord_Howe Pacific/Apia Pacific/Kiritimati Africa/Casablanca"""
zones = st.sampled_from(ZONES.split())
instants = st.integers(631_152_000_000, 2_366_841_600_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
intervals = st.builds(Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 13))
cycles = st.builds(Cycle, instants, zones, intervals, instants, st.sampled_from(FirstStub))
nominals = st.builds(
    Proration, st.sampled_from(Basis), st.just(Denominator.NOMINAL_DAYS), st.none() | st.integers(1, 400)
)
rules = st.builds(Proration, st.sampled_from(Basis)) | nominals
additive = st.sampled_from([SECONDS, DAYS])
lengths = st.integers(1, 40 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))


@given(cycles, st.integers(1, 50), rules)
def test_a_whole_interval_is_exactly_one(cycle, index, rule):
    assert charged_share(cycle.period(index), cycle, rule) == 1


@given(cycles, rules)
def test_a_stub_is_less_than_one_and_a_long_one_less_than_two(cycle, rule):
    assert 0 <= charged_share(cycle.period(0), cycle, rule) <= 2
    if cycle.first_stub is not FirstStub.LONG:
        assert charged_share(cycle.period(0), cycle, rule) <= 1


@given(cycles, instants, lengths, lengths, additive)
def test_shares_of_adjacent_spans_add_up(cycle, start, first, second, rule):
    cut, end = start + first, start + first + second
    parts = [charged_share(Period(*edges), cycle, rule) for edges in ((start, cut), (cut, end))]
    assert sum(parts) == charged_share(Period(start, end), cycle, rule)
    assert min(parts) >= 0


@given(cycles, instants, lengths, lengths)
def test_both_counted_counts_at_most_the_day_of_the_cut_twice(cycle, start, first, second):
    cut, end = start + first, start + first + second
    parts = sum(charged_share(Period(*edges), cycle, BOTH) for edges in ((start, cut), (cut, end)))
    (_, around), *_ = cycle.wholes(Period(cut, end))
    days = max((local_day(around.end, cycle.zone) - local_day(around.start, cycle.zone)).days, 1)
    assert 0 <= parts - charged_share(Period(start, end), cycle, BOTH) <= Fraction(1, days)


@given(cycles, st.integers(0, 20), st.fractions(0, 1), rules)
def test_what_comes_back_is_never_more_than_was_charged(cycle, index, place, rule):
    whole = cycle.period(index)
    canceled_at = whole.start + timedelta(microseconds=int(whole.microseconds * place))
    assert 0 <= unused_share(whole, canceled_at, cycle, rule) <= charged_share(whole, cycle, rule)


@given(cycles, st.integers(0, 20), st.fractions(0, 1), additive)
def test_used_and_unused_are_what_was_charged(cycle, index, place, rule):
    whole = cycle.period(index)
    canceled_at = whole.start + timedelta(microseconds=1 + int((whole.microseconds - 1) * place))
    used = charged_share(Period(whole.start, canceled_at), cycle, rule)
    assert used + unused_share(whole, canceled_at, cycle, rule) == charged_share(whole, cycle, rule)


@given(instants, zones)
def test_a_local_day_begins_at_its_midnight(instant, zone):
    day = local_day(instant, zone)
    assert midnight(day, zone) <= instant
    assert instant < midnight(day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("interval", "days"),
    [
        (DAY, 1),
        (Interval("day", 10), 10),
        (Interval("week", 2), 14),
        (MONTH, 30),
        (Interval("month", 2), 60),
        (QUARTER, 91),
        (Interval("month", 6), 182),
        (Interval("month", 9), 270),
        (Interval("month", 24), 730),
        (YEAR, 365),
    ],
)
def test_nominal_days(interval, days):
    assert nominal_days(interval) == days


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (WHOLE, "not prorated"),
        (SECONDS, "by seconds"),
        (DAYS, "by days"),
        (BOTH, "by days, both counted"),
        (nominal(), "by days, over 30 nominal days"),
        (nominal(Basis.BY_SECONDS, 1), "by seconds, over 1 nominal day"),
        (nominal(Basis.NONE), "not prorated"),
    ],
)
def test_labels(rule, words):
    assert label(rule, MONTH) == words


@pytest.mark.parametrize(
    ("denominator", "days"),
    [
        (Denominator.NOMINAL_DAYS, 0),
        (Denominator.NOMINAL_DAYS, -30),
        (Denominator.NOMINAL_DAYS, True),
        (Denominator.NOMINAL_DAYS, 10**6),
        (Denominator.ACTUAL_PERIOD, 30),
    ],
)
def test_rules_that_contradict_themselves_are_refused(denominator, days):
    with pytest.raises(InvalidProration) as refused:
        Proration(Basis.BY_DAYS, denominator, days)
    assert [violation.field for violation in refused.value.violations] == ["nominal_days"]
