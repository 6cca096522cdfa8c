"""Boundaries: what they bill and what the subscription is afterwards."""

from datetime import timedelta
from itertools import pairwise

import pytest
import subscriptions_builders as build
from billing_kernel.period import Interval, Period
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.charges import PriceBook, charge_id
from billing_subscriptions.domain.plan import ItemKind, Timing
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import State
from hypothesis import given, settings
from hypothesis import strategies as st
from subscriptions_builders import billed, renewed, utc

ALL = build.version(
    [
        build.flat(),
        build.seat(),
        build.metered(),
        build.flat("7", Timing.ARREARS, "support"),
        build.seat("3", Timing.ARREARS, "late"),
    ]
)


def test_the_first_boundaries_of_a_subscription():
    start, first, second = renewed(build.subscription(ALL, quantities=build.quantities(seats="2")), ALL, 3)
    assert billed(start) == {"base": "49.00 EUR", "seats": "20.00 EUR"}
    assert billed(first) == {
        "calls": None,
        "support": "7.00 EUR",
        "late": "3.00 EUR",
        "base": "49.00 EUR",
        "seats": "20.00 EUR",
    }
    assert billed(second) == billed(first)
    assert [each.at for each in (start, first, second)] == [utc("2026-01-01"), utc("2026-02-01"), utc("2026-03-01")]
    assert [each.due.index for each in (start, first, second)] == [0, 1, 2]
    assert [each.kind for each in (start, first, second)] == [StepKind.STARTED, StepKind.RENEWED, StepKind.RENEWED]


def test_arrears_are_of_the_period_that_ended_and_advance_of_the_one_that_begins():
    _, first = renewed(build.subscription(ALL), ALL, 2)
    spans = {charge.item.code: charge.service_period for charge in first.charges}
    january, february = Period(utc("2026-01-01"), utc("2026-02-01")), Period(utc("2026-02-01"), utc("2026-03-01"))
    assert spans == {"calls": january, "support": january, "late": january, "base": february, "seats": february}


def test_the_tax_of_a_charge_is_that_of_its_last_instant_in_arrears_and_of_its_first_in_advance():
    _, first = renewed(build.subscription(ALL), ALL, 2)
    at = {charge.item.code: charge.supply_at for charge in first.charges}
    assert at["base"] == utc("2026-02-01")
    assert at["support"] == at["calls"] == utc("2026-02-01") - timedelta(microseconds=1)


def test_a_trial_ends_active_and_billed_in_advance():
    trial = build.subscription(ALL, trial_days=14)
    (end,) = renewed(trial, ALL)
    assert (end.after.state, end.after.period_index, end.kind) == (State.ACTIVE, 0, StepKind.TRIAL_ENDED)
    assert billed(end) == {"base": "49.00 EUR", "seats": "10.00 EUR"}
    assert end.after.period == Period(utc("2026-01-15"), utc("2026-02-15"))


@pytest.mark.parametrize(
    ("start", "zone", "starts"),
    [
        (
            "2026-01-31",
            "UTC",
            ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31"],
        ),
        ("2024-01-29", "UTC", ["01-29", "02-29", "03-29", "04-29"]),
        ("2026-02-28", "UTC", ["02-28", "03-28", "04-28"]),
    ],
)
def test_the_anchor_day_is_remembered(start, zone, starts):
    found = renewed(build.subscription(ALL, build.customer(zone=zone), start=start), ALL, len(starts))
    assert [each.after.period.start.strftime("%m-%d") for each in found] == starts


def test_a_leap_day_comes_back_after_four_years():
    yearly = build.version(interval=Interval("year"))
    found = renewed(build.subscription(yearly, start="2024-02-29"), yearly, 5)
    assert [str(each.at.date()) for each in found] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


def test_boundaries_are_local_midnights_through_a_clock_change():
    berlin = build.customer(zone="Europe/Berlin")
    found = renewed(build.subscription(ALL, berlin, start="2026-02-28T23:00"), ALL, 9)
    assert [each.at.isoformat()[:16] for each in found] == [
        "2026-02-28T23:00",
        "2026-03-31T22:00",
        "2026-04-30T22:00",
        "2026-05-31T22:00",
        "2026-06-30T22:00",
        "2026-07-31T22:00",
        "2026-08-31T22:00",
        "2026-09-30T22:00",
        "2026-10-31T23:00",
    ]


def test_ids_are_the_same_on_every_attempt_and_differ_between_items_periods_and_boundaries():
    made = build.subscription(ALL)
    first, again = renewed(made, ALL, 3), renewed(made, ALL, 3)
    assert [each.due for each in first] == [each.due for each in again]
    ids = [charge.id for each in first for charge in each.charges]
    assert ids == [charge.id for each in again for charge in each.charges]
    assert len(set(ids)) == len(ids)


def test_charge_ids_are_fixed_for_good():
    served = Period(utc("2026-01-01"), utc("2026-02-01"))
    item = build.UUID("018f0000-0000-7000-8000-000000000001")
    assert str(charge_id(item, served, ItemKind.FLAT)) == "2546566a-de32-593a-a81e-3a4c960863b1"


@settings(deadline=None)
@given(
    start=st.datetimes(
        min_value=utc("2020-01-01").replace(tzinfo=None), max_value=utc("2030-01-01").replace(tzinfo=None)
    ),
    unit=st.sampled_from(["day", "week", "month", "year"]),
    count=st.integers(1, 13),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]),
    trial_days=st.integers(0, 40),
    cancel_after=st.integers(0, 5),
)
def test_periods_never_gap_overlap_or_repeat(start, unit, count, zone, trial_days, cancel_after):
    of = build.version([build.flat("7", Timing.ARREARS), build.metered()], Interval(unit, count))
    begun = start.replace(tzinfo=build.UTC).isoformat()
    made = build.subscription(of, build.customer(zone=zone), start=begun[:-6], trial_days=trial_days)
    found = renewed(made, of, cancel_after + 1)
    last = found[-1].after
    middle = last.period.start + (last.period.end - last.period.start) / 3
    found.append(cancel(last, CancelOrder(CancelAt.NOW), build.offers(of), PriceBook(), now=middle))
    spans = [charge.service_period for each in found for charge in each.charges if charge.item.code == "base"]
    assert spans[0].start == made.anchor_at
    assert all(before.end == after.start for before, after in pairwise(spans))
    assert spans[-1].end == middle
    indices = [each.due.index for each in found if each.due and each.due.index is not None]
    assert indices == list(range(1, len(indices) + 1))
