"""Discounts: in order, each on what is left, spread so that the shares add up."""

from fractions import Fraction

import pytest
from billing_kernel.discounts import Cut, Line, discount_shares
from billing_kernel.rounding import Rounding, round_fraction
from hypothesis import given
from hypothesis import strategies as st


def percent(value, *codes):
    return Cut(Fraction(value), 0, codes)


def amount(minor, *codes):
    return Cut(None, minor, codes)


CASES = {
    "spread over what is left": ([10000, 5000, 3000, 2000], [amount(1000)], [[500, 250, 150, 100]]),
    "one after the other, on the rest": ([10000], [percent(25), percent(10)], [[2500], [750]]),
    "a percentage is rounded half up over the sum": ([5, 5, 5], [percent(10)], [[1, 1, 0]]),
    "an amount takes no more than there is": ([300, 200], [amount(1000), percent(50)], [[300, 200], [0, 0]]),
    "credits and what costs nothing bear nothing": ([-400, 0, 100], [amount(30)], [[0, 0, 30]]),
    "only the lines it names": ([100, 100, 100], [percent(50, "1", "2"), amount(60, "0")], [[0, 50, 50], [60, 0, 0]]),
    "no line at all": ([], [amount(30)], [[]]),
    "no discount": ([100], [], []),
}


@pytest.mark.parametrize(("minors", "cuts", "expected"), CASES.values(), ids=CASES)
def test_cases(minors, cuts, expected):
    assert discount_shares([Line(str(at), minor) for at, minor in enumerate(minors)], cuts, "EUR") == expected


CUTS = st.one_of(st.integers(1, 100).map(percent), st.integers(1, 10**9).map(amount))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8), st.lists(CUTS, max_size=4))
def test_shares_add_up_and_nothing_falls_below_zero(minors, cuts):
    left = [max(minor, 0) for minor in minors]
    for cut, shares in zip(cuts, discount_shares([Line("a", each) for each in minors], cuts, "EUR"), strict=True):
        whole = sum(left)
        wanted = cut.minor if cut.percent is None else round_fraction(whole * cut.percent / 100, Rounding.HALF_UP)
        assert sum(shares) == min(wanted, whole)
        left = [minor - share for minor, share in zip(left, shares, strict=True)]
        assert min([*left, *shares]) >= 0
