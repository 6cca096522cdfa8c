"""Quantities, amounts and explanations of metered items."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from billing_kernel.ids import encode
from billing_kernel.money import AmountOverflow, Money
from billing_kernel.period import Period
from billing_pricing import Adjustments, Flat, Graduated, PerUnit, Tier
from billing_pricing import Price as PriceModel
from billing_pricing.explanation import explanation_from_json, verify
from billing_usage.domain.measuring import Scope, Totals, measured_total, quantity_of
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.rating import Charge, rate_usage, refused_before_counting
from billing_usage.domain.subscription import Price
from hypothesis import given
from hypothesis import strategies as st

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
CALLS = Graduated(
    (Tier(Fraction(10_000), Fraction(0)), Tier(Fraction(100_000), Fraction("0.002")), Tier(None, Fraction("0.001")))
)


def price(model=CALLS, currency="EUR", **adjustments):
    return Price(UUID(int=1), "api", currency, PriceModel(model, Adjustments(**adjustments)))


WHOLE = Scope(JANUARY)


def rated(of, aggregation, counted, scope=WHOLE, before=None):
    return rate_usage(of, aggregation, measured_total(aggregation, counted, before), scope)


def totals(events=3, total="6.5", largest="4"):
    return Totals(events, Fraction(total), Fraction(largest))


@pytest.mark.parametrize(("aggregation", "quantity"), [("count", "3"), ("sum", "6.5"), ("max", "4")])
def test_a_meter_makes_a_quantity_of_events(aggregation, quantity):
    assert quantity_of(totals(), Aggregation(aggregation)) == Fraction(quantity)


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_nothing_measured_is_zero(aggregation):
    assert quantity_of(Totals(0, Fraction(0), Fraction(0)), aggregation) == 0


@pytest.mark.parametrize(
    ("quantity", "cents"),
    [
        ("0", 0),
        ("10000", 0),
        ("10001", 0),  # 0.002
        ("10002.5", 1),  # 0.005 rounds up
        ("12345", 469),
        ("100000", 18_000),
        ("100001", 18_000),
        ("100005", 18_001),  # 0.005 beyond
        ("250000", 33_000),
        ("-5", 0),
    ],
)
def test_first_10000_free_then_two_tiers(quantity, cents):
    usage = rated(price(), Aggregation.SUM, totals(1, quantity))
    assert usage.amount == Money("EUR", cents)


@pytest.mark.parametrize(
    ("aggregation", "model", "currency", "minor"),
    [
        ("count", PerUnit(Fraction("0.335")), "EUR", 101),
        ("sum", PerUnit(Fraction("0.335")), "EUR", 218),
        ("max", PerUnit(Fraction(1)), "JPY", 4),
        ("max", PerUnit(Fraction("0.0001")), "KWD", 0),
        ("count", Flat(Fraction(7)), "EUR", 700),
    ],
)
def test_aggregations_and_models(aggregation, model, currency, minor):
    usage = rated(price(model, currency), Aggregation(aggregation), totals())
    assert usage.amount == Money(currency, minor)


@given(
    st.integers(0, 10**6), st.fractions(0, 10**9, max_denominator=10**6).filter(lambda f: 10**18 % f.denominator == 0)
)
def test_the_explanation_evaluates_to_the_amount(events, total):
    usage = rated(price(), Aggregation.SUM, Totals(events, total, total))
    assert verify(explanation_from_json(usage.explanation), usage.exact.value, usage.amount)


def test_the_explanation_names_its_facts():
    usage = rated(price(), Aggregation.SUM, totals())
    assert json.loads(usage.explanation)["references"] == {
        "price": encode("price", price().price_id),
        "meter": "api",
        "aggregation": "sum",
        "event_count": "3",
        "quantity": "6.5",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("unit_amount", "quantity"),
    [("9" * 18, "9" * 20), ("0.001000000001", "12345678901234567890.123456789012345679")],
)
def test_amounts_that_no_field_can_hold_are_refused(unit_amount, quantity):
    with pytest.raises(AmountOverflow):
        rated(price(PerUnit(Fraction(unit_amount))), Aggregation.SUM, totals(1, quantity))


CHARGE = Charge(UUID(int=1), UUID(int=2), 5, UUID(int=3), Scope(JANUARY))


@pytest.mark.parametrize(
    ("version", "known_price", "aggregation", "metered", "reason"),
    [
        (None, None, None, False, "NOT_CAUGHT_UP"),
        (4, price(), Aggregation.SUM, True, "NOT_CAUGHT_UP"),
        (5, None, None, False, "SUBSCRIPTION_ITEM_NOT_FOUND"),
        (5, None, None, True, "PRICE_NOT_FOUND"),
        (5, price(), None, True, "UNKNOWN_METER"),
        (5, price(), Aggregation.SUM, True, None),
        (6, price(), Aggregation.SUM, True, None),
    ],
)
def test_unknown_never_means_zero(version, known_price, aggregation, metered, reason):
    refusal = refused_before_counting(CHARGE, version, known_price, aggregation, metered=metered)
    assert (refusal and refusal.reason) == reason
