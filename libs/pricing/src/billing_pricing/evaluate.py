"""The second opinion: recomputes an explanation from its tree alone, without knowing any model."""

import math
from fractions import Fraction

from billing_kernel.currencies import exponent
from billing_kernel.rounding import round_fraction

from billing_pricing.nodes import Add, Ceiling, Constant, InTier, Maximum, Multiply, Node, Round


def evaluate(tree: Node) -> Fraction:
    """The value of `tree`: exact, except that a Round node gives its rounded amount (in major units)."""
    match tree:
        case Constant(value=value):
            return value
        case Add(parts=parts):
            return sum(map(evaluate, parts), Fraction(0))
        case Multiply(parts=parts):
            return math.prod(map(evaluate, parts), start=Fraction(1))
        case Maximum(parts=parts):
            return max(map(evaluate, parts))
        case Ceiling(of=of):
            return Fraction(math.ceil(evaluate(of)))
        case InTier(of=of):
            return evaluate(of)
        case Round(of=of, currency=currency, rounding=rounding):
            scale = 10 ** exponent(currency)
            return Fraction(round_fraction(evaluate(of) * scale, rounding), scale)
