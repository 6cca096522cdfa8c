"""Discounts: in order, each on what is left, spread so that the shares add up."""

import json
from fractions import Fraction

import pytest
from billing_invoicing.domain.discounts import with_discounts
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.money import Money
from billing_kernel.rounding import Rounding, round_fraction
from billing_pricing import explanation_from_json, verify
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import billing_due, flat_charge
from invoicing_credits import amount_off, credit_of, percent_off

PERCENT = st.integers(1, 10_000).map(lambda hundredths: f"{hundredths // 100}.{hundredths % 100:02d}")
DISCOUNTS = st.lists(st.one_of(PERCENT.map(percent_off), st.integers(1, 10**9).map(amount_off)), min_size=1, max_size=4)


def discounted(charges, *discounts):
    return with_discounts(due_from_pb(billing_due(charges, discounts=discounts))).charges


def shares(charges, *discounts):
    return [charge.discount_minor for charge in discounted(charges, *discounts)]


CASES = {
    "F28: pro rata over what is left": ([10000, 5000, 3000, 2000], [amount_off(1000)], [500, 250, 150, 100]),
    "G13: one after the other, on the rest": ([10000], [percent_off("25"), percent_off("10")], [3250]),
    "the order decides: percentage, then amount": ([10000], [percent_off("10"), amount_off(500)], [1500]),
    "the order decides: amount, then percentage": ([10000], [amount_off(500), percent_off("10")], [1450]),
    "a percentage is rounded half up over the sum": ([5, 5, 5], [percent_off("10")], [1, 1, 0]),
    "a fixed amount takes no more than there is": ([300, 200], [amount_off(1000)], [300, 200]),
    "nothing is left for the next": ([300], [percent_off("100"), amount_off(100)], [300]),
    "the larger remainder first": ([100, 100, 100], [amount_off(100)], [34, 33, 33]),
    "what costs nothing bears nothing": ([0, 100], [amount_off(30)], [0, 30]),
    "less than a minor unit": ([4], [percent_off("10")], [0]),
}


@pytest.mark.parametrize(("amounts", "discounts", "expected"), CASES.values(), ids=CASES)
def test_cases(amounts, discounts, expected):
    assert shares([flat_charge(amount) for amount in amounts], *discounts) == expected


def test_each_discount_is_kept_by_name():
    (charge,) = discounted([flat_charge(10000)], percent_off("25", "SPRING"), amount_off(500, "FIVE"))
    assert [(each.coupon_code, each.percent, each.amount_minor) for each in charge.discounts] == [
        ("SPRING", "25", 2500),
        ("FIVE", "", 500),
    ]
    assert (charge.amount_minor, charge.discount_minor, charge.taxable_minor) == (10000, 3000, 7000)


def test_only_the_items_it_is_limited_to():
    charges = [flat_charge(10000, code="base"), flat_charge(10000, code="seat"), flat_charge(10000, code="api")]
    assert shares(charges, percent_off("50", item_codes=["seat", "api"])) == [0, 5000, 5000]
    assert shares(charges, percent_off("50", item_codes=["other"])) == [0, 0, 0]


def test_credits_are_never_discounted():
    earlier = flat_charge(5000)
    assert shares([flat_charge(10000), credit_of(earlier, 5000)], percent_off("10")) == [1000, 0]


def test_the_explanation_names_the_discount_and_still_gives_the_amount_as_priced():
    (charge,) = discounted([flat_charge(10000)], percent_off("25", "SPRING"))
    explanation = explanation_from_json(charge.explanation)
    assert explanation.references["discounts"] == "25.00 EUR off by SPRING (25 %)"
    assert verify(explanation, Fraction(100), Money("EUR", 10000))


def test_the_explanation_stays_canonical():
    (charge,) = discounted([flat_charge(10000)], percent_off("25", "Frühling"))
    content = json.loads(charge.explanation)
    assert charge.explanation == json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert charge.explanation == explanation_from_json(charge.explanation).to_json()


def test_an_explanation_that_cannot_be_read_stays():
    (charge,) = discounted([flat_charge(10000, explanation="none")], percent_off("25"))
    assert (charge.explanation, charge.discount_minor) == ("none", 2500)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), DISCOUNTS)
def test_shares_add_up_and_nothing_falls_below_zero(amounts, discounts):
    left = sum(amounts)
    for discount in discounts:
        if discount.percent:
            left -= round_fraction(left * Fraction(discount.percent) / 100, Rounding.HALF_UP)
        else:
            left -= min(left, discount.amount.amount_minor)
    charges = discounted([flat_charge(amount) for amount in amounts], *discounts)
    assert sum(charge.taxable_minor for charge in charges) == left
    assert all(charge.taxable_minor >= 0 for charge in charges)
    assert [charge.amount_minor for charge in charges] == amounts
