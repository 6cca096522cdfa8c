"""Commitments, pricing units, rounding policies, shares."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.errors import Kind
from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_pricing import (
    Event,
    NoPricingUnitRate,
    Share,
    evaluate,
    explain,
    price_from_json,
    rate_price,
)

START = datetime(2025, 1, 31, 22, tzinfo=UTC)
HALF = Share(Fraction(1, 2), "of the period, by days")


def per_unit(amount="1", **adjustments):
    return price_from_json({"model": "per_unit", "unit_amount": amount, "adjustments": adjustments})


def flat(amount, **adjustments):
    return price_from_json({"model": "flat", "amount": amount, "adjustments": adjustments})


def rated(price, quantity, **terms):
    found = rate_price(price, Fraction(quantity), "EUR", **terms)
    assert evaluate(found.tree) == found.exact.value
    return found


def at(hour, value, **fields):
    return Event(Fraction(value), START + timedelta(hours=hour), **fields)


@pytest.mark.parametrize(
    ("commitment", "quantity", "minor"),
    [
        ({"amount": "100"}, 60, 6000),
        ({"amount": "100"}, 120, 12000),
        ({"amount": "100", "overage_factor": "1.5"}, 100, 10000),
        ({"amount": "100", "overage_factor": "1.5"}, 120, 13000),
        ({"amount": "100", "overage_factor": "0.5"}, 120, 11000),
        ({"amount": "100", "overage_factor": "0"}, 120, 10000),
        ({"amount": "100", "true_up": True}, 60, 10000),
        ({"amount": "100", "true_up": True, "overage_factor": "2"}, 101, 10200),
        ({"quantity": "50", "overage_factor": "2"}, 60, 7000),
        ({"quantity": "50", "true_up": True}, 10, 5000),
    ],
)
def test_commitments(commitment, quantity, minor):
    assert rated(per_unit(commitment=commitment), quantity).rounded == Money("EUR", minor)


def test_a_true_up_is_due_at_the_end_only():
    price = per_unit(commitment={"amount": "100", "true_up": True})
    assert rated(price, 60, final=False).rounded == Money("EUR", 6000)
    assert rated(price, 10, billed=Fraction(60)).rounded == Money("EUR", 4000)


def windows(window, **others):
    return per_unit(commitment={"amount": "10", "overage_factor": "2", "window": window, **others})


EVENTS = [at(0, 4), at(0.5, 8), at(1, 3), at(2, 12)]  # 22:00 12, 23:00 3, 00:00 of the next month 12


@pytest.mark.parametrize(
    ("price", "minor"),
    [
        (windows("hour"), 1400 + 300 + 1400),
        (windows("hour", true_up=True), 1400 + 1000 + 1400),
        (windows("day"), 2000 + 1400),
        (windows("month"), 2000 + 1400),
        (windows("period"), 1000 + 2 * 1700),
    ],
)
def test_commitments_count_anew_in_each_window(price, minor):
    found = rate_price(price, EVENTS[::-1], "EUR")
    assert found.rounded == Money("EUR", minor)
    assert evaluate(found.tree) == found.exact.value


def test_empty_windows_of_the_period_are_filled_up():
    price = windows("hour", true_up=True)
    period = Period(START, START + timedelta(hours=5))
    assert rate_price(price, EVENTS, "EUR", period=period).rounded == Money("EUR", 1400 + 1000 + 1400 + 2 * 1000)
    assert rate_price(price, EVENTS, "EUR", period=period, final=False).rounded == Money("EUR", 1400 + 300 + 1400)


def test_a_month_of_hours_is_explained_by_its_sums():
    period = Period(START, START + timedelta(days=31))
    found = rate_price(windows("hour", true_up=True), EVENTS, "EUR", period=period)
    assert found.rounded == Money("EUR", 2 * 1400 + 742 * 1000)
    assert evaluate(found.tree) == found.exact.value
    assert len(found.explanation_json()) < 2000


def test_a_window_starts_its_tiers_anew():
    model = {"model": "graduated", "tiers": [{"up_to": "10", "unit_amount": "1"}, {"up_to": None, "unit_amount": "3"}]}
    commitment = {"amount": "0", "window": "day"}
    price = price_from_json({**model, "adjustments": {"commitment": commitment}})
    assert rate_price(price, EVENTS, "EUR").rounded == Money("EUR", (10 + 5 * 3 + 10 + 2 * 3) * 100)


def test_limits_are_prorated_apart_from_usage():
    limits = {"limits_share": HALF}
    assert rated(per_unit(minimum_amount="100"), 10, **limits).rounded == Money("EUR", 5000)
    assert rated(per_unit(maximum_amount="100"), 70, **limits).rounded == Money("EUR", 5000)
    assert rated(per_unit(commitment={"amount": "100", "overage_factor": "2"}), 60, **limits).rounded == Money(
        "EUR", 7000
    )
    assert rated(per_unit(), 70, **limits).rounded == Money("EUR", 7000)


def test_a_share_prorates_the_whole_amount():
    assert rated(flat("49"), 1, share=Share(Fraction(16, 31), "of the period")).rounded == Money("EUR", 2529)
    assert rated(per_unit(minimum_amount="100"), 10, share=HALF).rounded == Money("EUR", 5000)
    assert [each.exact for each in rated(per_unit(minimum_amount="100"), 10, share=HALF).components] == [5, 45]


TOKENS = {
    "code": "token",
    "rates": [
        {"from_time": "2025-01-01T00:00:00Z", "amount": "0.05"},
        {"from_time": "2025-02-01T00:00:00+01:00", "amount": "0.06"},
    ],
}


@pytest.mark.parametrize(
    ("when", "minor"),
    [(datetime(2025, 1, 1, tzinfo=UTC), 150), (START, 150), (datetime(2025, 1, 31, 23, tzinfo=UTC), 180)],
)
def test_a_pricing_unit_has_a_dated_rate(when, minor):
    found = rated(per_unit("3", pricing_unit=TOKENS), 10, at=when)
    assert found.rounded == Money("EUR", minor)
    assert "EUR per token of (10 units × 3 token per unit)" in explain(found).sentence()


@pytest.mark.parametrize("when", [None, datetime(2024, 12, 31, tzinfo=UTC)])
def test_a_pricing_unit_without_a_rate_is_refused(when):
    with pytest.raises(NoPricingUnitRate) as refused:
        rated(per_unit("3", pricing_unit=TOKENS), 10, at=when)
    assert (refused.value.kind, refused.value.facts["pricing_unit"]) == (Kind.PRECONDITION, "token")


def test_one_rate_needs_no_instant_and_commitments_are_money():
    price = per_unit(
        "3", pricing_unit={**TOKENS, "rates": TOKENS["rates"][:1]}, commitment={"quantity": "20", "true_up": True}
    )
    assert rated(price, 10).rounded == Money("EUR", 300)


@pytest.mark.parametrize(
    ("mode", "minor"),
    [
        ("half_up", [13, 13, 38, 1]),
        ("half_even", [12, 13, 38, 1]),
        ("up", [13, 13, 38, 1]),
        ("down", [12, 12, 37, 0]),
    ],
)
def test_rounding_modes(mode, minor):
    amounts = ["0.125", "0.129", "0.375", "0.009"]
    assert [rated(flat(each, rounding={"mode": mode}), 1).rounded.minor for each in amounts] == minor


def test_half_up_is_away_from_zero():
    price = {"model": "volume", "tiers": [{"up_to": "1", "unit_amount": "0.125"}, {"up_to": None, "unit_amount": "0"}]}
    assert rated(price_from_json(price), 1, billed=Fraction(1)).rounded == Money("EUR", -13)


@pytest.mark.parametrize(
    ("places", "exact", "minor"),
    [(None, "1.23456", 123), (0, "1.23456", 100), (1, "1.23456", 120), (2, "1.23456", 123), (4, "1.2346", 123)],
)
def test_stated_places(places, exact, minor):
    found = rated(flat("1.23456", rounding={"places": places}), 1)
    assert (found.exact.value, found.rounded) == (Fraction(exact), Money("EUR", minor))
    assert explain(found).rounded == found.rounded


def test_a_deferred_line_keeps_its_exact_amount():
    price = per_unit("0.333", rounding={"deferred": True})
    first, second = rated(price, 1, final=False), rated(price, 1, billed=Fraction(1))
    assert (first.exact.value, second.exact.value) == (Fraction("0.333"), Fraction("0.333"))
    assert second.rounded == Money("EUR", 33)
    assert rated(per_unit("0.333"), 1, billed=Fraction(1)).rounded == Money("EUR", 34)
