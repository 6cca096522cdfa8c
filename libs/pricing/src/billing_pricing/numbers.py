"""How exact numbers are written in explanations: "12.5" when that is exact, else "1/3"."""

import re
from fractions import Fraction

from billing_kernel.decimals import InvalidDecimal, format_decimal

DIGITS_MAX = 400
_PLACES = 36  # price digits (12) times quantity digits (18), and room for a share
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+|/[1-9][0-9]*)?")


def number_text(value: Fraction) -> str:
    """Exact and canonical: one number has one text."""
    if value.denominator == 1:
        return str(value.numerator)
    try:
        return format_decimal(value, _PLACES)
    except InvalidDecimal:
        return f"{value.numerator}/{value.denominator}"


def number_from_text(text: str) -> Fraction:
    """The inverse of number_text. Raises InvalidDecimal."""
    if len(text) > DIGITS_MAX or _NUMBER.fullmatch(text) is None:
        raise InvalidDecimal(f"{text[:48]!r} is not an exact number")
    return Fraction(text)
