"""What a price is given to rate: a quantity, quantities by dimension, or single events; and windows that go on."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from billing_kernel.errors import Kind
from billing_kernel.money import Money
from billing_kernel.period import InvalidPeriod, Period
from billing_pricing import NoMatrixCell, explanation_from_json, price_from_json, verify
from billing_usage.domain.errors import TooManyEvents
from billing_usage.domain.measuring import (
    NOTHING,
    Scope,
    SingleEvent,
    Totals,
    Way,
    matrix_values,
    measured_cells,
    measured_events,
    measured_total,
    way_of,
)
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.rating import rate_usage
from billing_usage.domain.subscription import Price
from hypothesis import given, settings
from hypothesis import strategies as st

AUGUST = Period(datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC))
TIERS = [
    {"up_to": "10", "unit_amount": "2", "flat_amount": "3"},
    {"up_to": "20", "unit_amount": "1.115"},
    {"up_to": None, "unit_amount": "0.5", "flat_amount": "1"},
]
PERCENTAGE = {"model": "percentage", "rate_percent": "2.99", "event_minimum": "1.75", "event_maximum": "12"}
MATRIX = {
    "model": "matrix",
    "dimensions": ["region", "kind"],
    "cells": [
        {"values": ["eu", "ssd"], "unit_amount": "3"},
        {"values": ["eu", ""], "unit_amount": "2"},
        {"values": ["", "hdd"], "unit_amount": "0.105"},
    ],
    "default_unit_amount": "1",
}
PER_UNIT = {"model": "per_unit", "unit_amount": "0.335"}
GRADUATED = {"model": "graduated", "tiers": TIERS}
SHARES = [{"up_to": "10", "rate_percent": "1.5", "flat_amount": "2"}, {"up_to": None, "rate_percent": "1"}]
BY_HOUR = {"amount": "10", "overage_factor": "1.5", "true_up": True, "window": "hour"}
WORTH = [("2023-01-01T00:00:00Z", "0.01"), ("2023-08-15T00:00:00Z", "0.02")]
TOKENS = {"code": "token", "rates": [{"from_time": since, "amount": amount} for since, amount in WORTH]}


def adjusted(model, **adjustments):
    return {**model, "adjustments": adjustments}


PRICES = {
    "flat": {"model": "flat", "amount": "7"},
    "per unit": PER_UNIT,
    "graduated": GRADUATED,
    "volume": {"model": "volume", "tiers": TIERS},
    "package": {"model": "package", "size": "7", "package_amount": "1.5", "free_units": "3"},
    "percentage": {**PERCENTAGE, "fixed_amount": "0.1", "free_events": 2, "free_volume": "30"},
    "graduated percentage": {"model": "graduated_percentage", "tiers": SHARES},
    "dynamic": {"model": "dynamic", "multiplier": "1.5"},
    "dynamic with a commitment by hour": adjusted({"model": "dynamic"}, commitment=BY_HOUR),
    "matrix": MATRIX,
    "matrix with free units": adjusted(MATRIX, free_units="5"),
    "matrix with a commitment by hour": adjusted(MATRIX, commitment=BY_HOUR),
    "time-weighted": {"model": "time_weighted", "tiers": TIERS},
    "commitment by hour": adjusted(PER_UNIT, commitment=BY_HOUR),
    "commitment": adjusted(GRADUATED, commitment={"amount": "30", "overage_factor": "2", "true_up": True}),
    "limits": adjusted(PER_UNIT, minimum_amount="4", maximum_amount="9", discount_percent="10"),
    "tokens": adjusted({"model": "per_unit", "unit_amount": "3"}, pricing_unit=TOKENS),
}


def at(text):
    return datetime.fromisoformat(f"2023-08-{text}+00:00")


def event(when, value, **properties):
    return SingleEvent(at(when), Fraction(value), properties)


def price(model):
    return Price(UUID(int=1), "api", "EUR", price_from_json(model))


def totals_of(events):
    values = [each.value for each in events]
    return Totals(len(values), sum(values), max(values)) if values else NOTHING


def cells_of(matrix, events):
    known, found = matrix_values(matrix), {}
    for each in events:
        values = [each.properties.get(name) for name in matrix.dimensions]
        key = tuple(value if value in allowed else None for value, allowed in zip(values, known, strict=True))
        found.setdefault(key, []).append(each)
    return {key: totals_of(held) for key, held in found.items()}


def rated(of, events, scope, aggregation=Aggregation.SUM):
    """The usage of `scope`, measured as the store would."""
    own = [each for each in events if each.at in scope.period]
    before = [each for each in events if scope.before and each.at in scope.before]
    match way_of(of.model):
        case Way.TOTAL:
            measured = measured_total(aggregation, totals_of(own), totals_of(before) if scope.before else None)
        case Way.CELLS:
            matrix = of.model.model
            cells = [cells_of(matrix, each) for each in (own, before)]
            measured = measured_cells(matrix, aggregation, cells[0], cells[1] if scope.before else None)
        case Way.EVENTS:
            measured = measured_events(of.model, aggregation, scope, [*before, *own], 100)
    return rate_usage(of, aggregation, measured, scope)


BY_EVENT = {"percentage", "time-weighted", "matrix with free units"}


@pytest.mark.parametrize("name", PRICES)
def test_each_price_reads_no_more_than_it_needs(name):
    single = name in BY_EVENT or name.endswith("by hour")
    way = Way.EVENTS if single else Way.CELLS if name == "matrix" else Way.TOTAL
    assert way_of(price_from_json(PRICES[name])) is way


PAYMENTS = [event("01T10:00", 10), event("02T10:00", 80), event("03T10:00", 10_000)]
REGIONS = [
    event("01T00:00", 5, region="eu", kind="ssd"),
    event("01T01:00", 4, region="eu", kind="tape"),
    event("01T02:00", 3, region="us", kind="hdd"),
    event("01T03:00", 2, region="us"),
    event("01T04:00", 1),
]
UNITS = [
    event("01T00:00", 2),
    event("01T01:00", 3),
    event("01T01:30", 1),
    event("01T02:00", -4),
    event("01T04:00", -2),
    event("01T05:00", 10),
    event("01T05:30", -10),
]
PER_UNIT_WEIGHTED = {"model": "time_weighted", "tiers": [{"up_to": None, "unit_amount": "1"}]}


@pytest.mark.parametrize(
    ("model", "events", "aggregation", "exact"),
    [
        (PERCENTAGE, PAYMENTS, "sum", Fraction("16.142")),
        ({**PERCENTAGE, "free_volume": "30"}, PAYMENTS, "sum", Fraction("13.794")),
        ({"model": "percentage", "rate_percent": "10"}, PAYMENTS, "count", Fraction("0.3")),
        ({"model": "percentage", "rate_percent": "10"}, PAYMENTS, "max", Fraction(1009)),
        ({"model": "dynamic", "multiplier": "0.5"}, PAYMENTS, "sum", Fraction(5045)),
        ({"model": "dynamic"}, PAYMENTS, "count", Fraction(3)),
        (MATRIX, REGIONS, "sum", Fraction(15 + 8 + 3) - Fraction("2.685") + 3),
        (MATRIX, REGIONS, "count", Fraction(3 + 2) + Fraction("0.105") + 2),
        (MATRIX, REGIONS, "max", Fraction(15 + 8 + 2) + Fraction("0.315")),
        (PER_UNIT_WEIGHTED, UNITS, "sum", Fraction(59400, 2678400)),
        (PER_UNIT_WEIGHTED, [event("16T12:00", 1)], "count", Fraction(1, 2)),
        (PRICES["matrix with free units"], REGIONS, "sum", Fraction(8) + Fraction("0.315") + 3),
        (PRICES["commitment by hour"], [event("01T00:10", 100), event("01T00:50", 10)], "sum", None),
    ],
)
def test_amounts_of_real_events(model, events, aggregation, exact):
    found = rated(price(model), events, Scope(AUGUST), Aggregation(aggregation))
    if exact is None:  # 743 hours filled up to 10, and one of 36.85 with an overage of half as much again
        exact = 743 * 10 + 10 + Fraction("26.85") * Fraction("1.5")
    assert found.exact.value == exact
    assert found.event_count == len(events)
    assert verify(explanation_from_json(found.explanation), found.exact.value, found.amount)


@pytest.mark.parametrize("name", PRICES)
def test_nothing_used_is_rated_too(name):
    found = rated(price(PRICES[name]), [], Scope(AUGUST))
    assert (found.quantity, found.event_count) == (0, 0)
    assert verify(explanation_from_json(found.explanation), found.exact.value, found.amount)


moments = st.integers(0, 31 * 24 * 4 - 1).map(lambda quarter: AUGUST.start + quarter * timedelta(minutes=15))
values = st.integers(-300, 1500).map(lambda cents: Fraction(cents, 100))
regions, kinds = st.sampled_from(["eu", "us", "mars"]), st.sampled_from(["ssd", "hdd", ""])
events_ = st.lists(
    st.builds(
        lambda when, value, r, k: SingleEvent(when, value, {"region": r, "kind": k}), moments, values, regions, kinds
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda each: each.at))


@pytest.mark.parametrize("aggregation", list(Aggregation))
@pytest.mark.parametrize("name", PRICES)
@settings(deadline=None, max_examples=40)
@given(events=events_, cuts=st.sets(moments.filter(lambda when: when > AUGUST.start), max_size=3))
def test_windows_whose_tiers_go_on_add_up_to_the_whole(name, aggregation, events, cuts):
    of = price(PRICES[name])
    bounds = [AUGUST.start, *sorted(cuts), AUGUST.end]
    windows = [Period(*pair) for pair in pairwise(bounds)]
    shares = [Fraction(window.microseconds, AUGUST.microseconds) for window in windows]
    began = [None, *[AUGUST.start] * len(cuts)]
    scopes = [Scope(*each) for each in zip(windows, began, shares, strict=True)]
    slices = [rated(of, events, scope, aggregation) for scope in scopes]
    whole = rated(of, events, Scope(AUGUST), aggregation)
    assert sum((each.amount for each in slices), Money("EUR", 0)) == whole.amount
    assert sum(each.event_count for each in slices) == whole.event_count
    for each in slices:
        assert verify(explanation_from_json(each.explanation), each.exact.value, each.amount)


def test_tiers_go_on_or_start_again():
    of = price(PRICES["graduated"])
    events = [event("01T00:00", 15), event("20T00:00", 15)]
    late = Period(at("16T00:00"), AUGUST.end)
    again, goes_on = rated(of, events, Scope(late)), rated(of, events, Scope(late, AUGUST.start))
    assert again.exact.value == 3 + 20 + 5 * Fraction("1.115")
    assert goes_on.exact.value == Fraction("11.57")  # 40.15 in all, less 28.58 (28.575) billed before
    assert (again.quantity, goes_on.quantity) == (15, 15)


@pytest.mark.parametrize(
    ("share", "quantity", "exact"),
    [
        (None, 1, Fraction(4)),
        (Fraction(1, 2), 1, Fraction(2)),
        (Fraction(1, 2), 100, Fraction("4.5")),
        (Fraction(0), 100, Fraction(0)),
        (Fraction(3, 2), 1, Fraction(6)),
    ],
)
def test_limits_are_prorated(share, quantity, exact):
    found = rated(price(PRICES["limits"]), [event("01T00:00", quantity)], Scope(AUGUST, limits_share=share))
    assert found.exact.value == exact


def test_what_is_due_at_the_end_is_not_due_before():
    of, events = price(PRICES["limits"]), [event("01T00:00", 1)]
    running, over = (rated(of, events, Scope(AUGUST, final=final)) for final in (False, True))
    assert (running.exact.value, over.exact.value) == (Fraction("0.3015"), 4)


def test_units_weigh_their_share_of_a_whole_billing_period():
    of, half = price(PER_UNIT_WEIGHTED), Period(AUGUST.start, at("16T12:00"))
    assert rated(of, [event("01T00:00", 4)], Scope(half)).exact.value == 4
    assert rated(of, [event("01T00:00", 4)], Scope(half, limits_share=Fraction(1, 2))).exact.value == 2
    assert rated(of, [event("01T00:00", 4)], Scope(half, limits_share=Fraction(0))).exact.value == 0


def test_units_that_came_in_an_earlier_window_weigh_on():
    of, late = price(PER_UNIT_WEIGHTED), Period(at("16T12:00"), AUGUST.end)
    found = rated(of, [event("01T00:00", 4)], Scope(late, AUGUST.start, Fraction(1, 2)))
    assert (found.exact.value, found.quantity, found.event_count) == (2, 0, 0)


def test_a_pricing_unit_is_worth_what_it_was_when_the_tiers_began():
    of, events = price(PRICES["tokens"]), [event("20T00:00", 100)]
    late = Period(at("16T00:00"), AUGUST.end)
    amounts = [
        rated(of, events, scope).exact.value for scope in (Scope(AUGUST), Scope(late), Scope(late, AUGUST.start))
    ]
    assert amounts == [3, 6, 3]


def test_the_explanation_names_where_tiers_began_and_the_share():
    scope = Scope(Period(at("16T12:00"), AUGUST.end), AUGUST.start, Fraction(1, 2))
    found = rated(price(PRICES["limits"]), [], scope)
    references = json.loads(found.explanation)["references"]
    assert (references["tiers_from"], references["limits_share"]) == ("2023-08-01T00:00:00Z", "1/2")
    assert references["period_start"] == "2023-08-16T12:00:00Z"


def test_usage_without_a_cell_is_refused():
    strict = {key: value for key, value in MATRIX.items() if key != "default_unit_amount"}
    with pytest.raises(NoMatrixCell):
        rated(price(strict), REGIONS, Scope(AUGUST))


def test_too_many_events_are_refused():
    of, events = price_from_json(PERCENTAGE), [event("01T00:00", 1)] * 3
    assert measured_events(of, Aggregation.SUM, Scope(AUGUST), events, 3).totals.event_count == 3
    with pytest.raises(TooManyEvents) as refused:
        measured_events(of, Aggregation.SUM, Scope(AUGUST), events, 2)
    assert (refused.value.reason, refused.value.kind) == ("TOO_MANY_EVENTS", Kind.PRECONDITION)


def test_tiers_begin_before_the_period():
    with pytest.raises(InvalidPeriod):
        Scope(AUGUST, AUGUST.start)
