"""A graduated price with its trace and rounding, against the same arithmetic by hand in integers, without a trace."""

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from billing_pricing import Graduated, Price, RatedPrice, Tier, evaluate, rate_price

from tests.bench.figures import Row, median, row_of

FLOOR = 0.25
PAIRS = 15
EXPLAINED = 2_000
QUANTITIES = [number * 7919 % 250_000 for number in range(20_000)]
CURRENCY = "EUR"
MODEL = Graduated(
    (
        Tier(Fraction(10_000), Fraction("0.01"), Fraction(2)),
        Tier(Fraction(50_000), Fraction("0.004"), Fraction(3)),
        Tier(Fraction(100_000), Fraction("0.002")),
        Tier(None, Fraction("0.0005"), Fraction(5)),
    )
)
# The same in units and 10,000ths of a euro: upper bound, amount of a unit, flat amount.
TIERS = ((10_000, 100, 20_000), (50_000, 40, 30_000), (100_000, 20, 0), (None, 5, 50_000))
PER_CENT = 100


def by_hand(quantity: int) -> int:
    """Cents, halves rounded up."""
    total = lower = 0
    for upper, unit, flat in TIERS:
        if upper is None or quantity <= upper:
            total += (quantity - lower) * unit + flat
            break
        total += (upper - lower) * unit + flat
        lower = upper
    return (total + PER_CENT // 2) // PER_CENT


def measure(root: Path) -> Row:
    """Each amount is the one made by hand, and a sample of the trees evaluates to it; a tree is made on demand."""
    price, quantities = Price(MODEL), [Fraction(quantity) for quantity in QUANTITIES]
    rated = _check(price, quantities)
    pairs = [(_by_hand_per_s(), _rated_per_s(price, quantities)) for _ in range(PAIRS)]
    figures = {
        "rated/s": median([rated_per_s for _, rated_per_s in pairs]),
        "by hand/s": median([hand_per_s for hand_per_s, _ in pairs]),
        "explained/s": round(_explained_per_s(rated), 1),
    }
    return row_of("rating", [mine / hand for hand, mine in pairs], floor=FLOOR, figures=figures)


def _check(price: Price, quantities: Sequence[Fraction]) -> list[RatedPrice]:
    rated = [rate_price(price, quantity, CURRENCY) for quantity in quantities]
    assert [each.rounded.minor for each in rated] == [by_hand(quantity) for quantity in QUANTITIES]
    assert all(evaluate(each.tree) == each.exact.value for each in rated[:EXPLAINED])
    return rated


def _by_hand_per_s() -> float:
    began = time.perf_counter()
    for quantity in QUANTITIES:
        by_hand(quantity)
    return len(QUANTITIES) / (time.perf_counter() - began)


def _rated_per_s(price: Price, quantities: Sequence[Fraction]) -> float:
    began = time.perf_counter()
    for quantity in quantities:
        rate_price(price, quantity, CURRENCY)
    return len(quantities) / (time.perf_counter() - began)


def _explained_per_s(rated: Sequence[RatedPrice]) -> float:
    began = time.perf_counter()
    for each in rated[:EXPLAINED]:
        each.explanation_json()
    return EXPLAINED / (time.perf_counter() - began)
