"""The second opinion: recomputes an explanation from its tree alone, without knowing any model."""

import math
from fractions import Fraction

from billing_kernel.currencies import exponent
from billing_kernel.rounding import round_fraction

from billing_pricing.nodes import (
    Add,
    Ceiling,
    Constant,
    Convert,
    Discount,
    Floor,
    InTier,
    ListNode,
    Maximum,
    Minimum,
    Multiply,
    Named,
    Node,
    Round,
    Share,
    Subtract,
)


def evaluate(tree: Node) -> Fraction:
    """The value of `tree`: exact, except that a Round node gives its rounded amount (in major units)."""
    match tree:
        case Constant(value=value):
            return value
        case Add() | Subtract() | Multiply() | Maximum() | Minimum():
            return _combined(tree)
        case Ceiling(of=of):
            return Fraction(math.ceil(evaluate(of)))
        case Floor(of=of):
            return Fraction(math.floor(evaluate(of)))
        case InTier(of=of) | Named(of=of):
            return evaluate(of)
        case Share(value=value, of=of) | Convert(rate=value, of=of):
            return evaluate(of) * value
        case Discount(percent=percent, of=of):
            return evaluate(of) * (100 - percent) / 100
        case Round(of=of, currency=currency, rounding=rounding, places=places):
            scale = 10 ** (exponent(currency) if places is None else places)
            return Fraction(round_fraction(evaluate(of) * scale, rounding), scale)


def _combined(tree: ListNode) -> Fraction:
    values = list(map(evaluate, tree.parts))
    match tree:
        case Add():
            return sum(values, Fraction(0))
        case Subtract():
            return values[0] - sum(values[1:], Fraction(0))
        case Multiply():
            return math.prod(values, start=Fraction(1))
        case Maximum():
            return max(values)
        case Minimum():
            return min(values)
