"""Discounts of a bill: in their order, each on what the ones before left, spread so that the shares add up."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import NamedTuple

from billing_kernel.money import Money, allocate
from billing_kernel.rounding import Rounding, round_fraction


class Cut(NamedTuple):
    """`percent` off, or else `minor` units; of the lines with one of `codes`, empty: of all."""

    percent: Fraction | None
    minor: int
    codes: Collection[str] = ()


class Line(NamedTuple):
    """What a line costs, in minor units. One of zero or less, such as a credit, bears no discount."""

    code: str
    minor: int


def discount_shares(lines: Sequence[Line], cuts: Sequence[Cut], currency: str) -> list[list[int]]:
    """What each cut takes off each line, in minor units: one list a cut, with one number a line.

    A percentage is rounded half up over the sum of its lines; no cut takes more than is left. Raises UnknownCurrency,
    AmountOverflow.
    """
    left = [line.minor for line in lines]
    found: list[list[int]] = []
    for cut in cuts:
        places = [at for at, line in enumerate(lines) if left[at] > 0 and (not cut.codes or line.code in cut.codes)]
        shares = _spread(cut, [left[at] for at in places], currency)
        taken = [0] * len(lines)
        for at, share in zip(places, shares, strict=True):
            taken[at] = share
            left[at] -= share
        found.append(taken)
    return found


def _spread(cut: Cut, left: Sequence[int], currency: str) -> list[int]:
    whole = sum(left)
    wanted = cut.minor if cut.percent is None else round_fraction(whole * cut.percent / 100, Rounding.HALF_UP)
    amount = min(wanted, whole)
    return [share.minor for share in allocate(Money(currency, amount), left)] if amount else [0] * len(left)
