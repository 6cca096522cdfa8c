"""Decimal text <-> exact fractions. Strict: no exponents, no plus sign, no NaN, no bare dots, no leading zeros."""

import re
from fractions import Fraction

from billing_kernel.errors import DomainError, Kind
from billing_kernel.rounding import Rounding, round_ratio

_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")


class InvalidDecimal(DomainError):
    """Not an exact decimal number of the size that the field takes."""

    kind = Kind.INVALID
    reason = "INVALID_DECIMAL"


def parse_decimal(text: str, *, max_digits: int = 38, max_fraction: int = 18) -> Fraction:
    """Reads "12.50" exactly. Bounds are those of SQL numeric(max_digits, max_fraction). Raises InvalidDecimal."""
    # The length is looked at first, so that a megabyte of digits is refused without being read.
    match = _DECIMAL.fullmatch(text) if len(text) <= max_digits + 3 else None
    if match is None:
        raise InvalidDecimal(f"{text[:48]!r} is not a plain decimal number of at most {max_digits} digits")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > max_fraction:
        raise InvalidDecimal(f"{text!r} has more than {max_fraction} fractional digits")
    if whole != "0" and len(whole) > max_digits - max_fraction:
        raise InvalidDecimal(f"{text!r} has more than {max_digits - max_fraction} digits before the point")
    return Fraction(int(sign + whole + fraction), 10 ** len(fraction))


def format_decimal(value: Fraction, max_fraction: int = 18, rounding: Rounding | None = None) -> str:
    """Shortest decimal text of `value` ("12.5"). What needs more than `max_fraction` digits is rounded by `rounding`,
    or refused with InvalidDecimal when none is given."""
    scaled = value.numerator * 10**max_fraction
    if rounding is None and scaled % value.denominator:
        raise InvalidDecimal(f"{value} has no exact form with {max_fraction} fractional digits")
    units = round_ratio(scaled, value.denominator, rounding or Rounding.DOWN)
    digits = str(abs(units)).rjust(max_fraction + 1, "0")
    whole, fraction = (digits[:-max_fraction], digits[-max_fraction:]) if max_fraction else (digits, "")
    text = f"{whole}.{fraction}".rstrip("0").rstrip(".") if fraction else whole
    return f"-{text}" if units < 0 else text
