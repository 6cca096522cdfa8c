"""The one rounding rule of the repository, in its four named forms."""

from enum import StrEnum
from fractions import Fraction


class Rounding(StrEnum):
    HALF_UP = "HALF_UP"  # half away from zero
    HALF_EVEN = "HALF_EVEN"
    UP = "UP"  # away from zero
    DOWN = "DOWN"  # toward zero


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator / denominator` as a whole number. The denominator is positive; the sign never changes the size."""
    whole, rest = divmod(abs(numerator), denominator)
    if rest and _goes_up(whole, 2 * rest - denominator, rounding):
        whole += 1
    return -whole if numerator < 0 else whole


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """The whole number next to `value` under `rounding`."""
    return round_ratio(value.numerator, value.denominator, rounding)


def round_places(value: Fraction, places: int, rounding: Rounding) -> Fraction:
    """`value` at `places` decimals, exactly: 123.456 DOWN at 2, 0, -2 places is 123.45, 123, 100."""
    scale = Fraction(10) ** places
    return round_fraction(value * scale, rounding) / scale


def _goes_up(whole: int, beyond_half: int, rounding: Rounding) -> bool:
    if rounding is Rounding.HALF_UP:
        return beyond_half >= 0
    if rounding is Rounding.HALF_EVEN:
        return beyond_half > 0 or (beyond_half == 0 and whole % 2 == 1)
    return rounding is Rounding.UP
