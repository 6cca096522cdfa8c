"""Tiers of a price. A tier has only an upper bound: it holds what lies above the one before, up to its own inclusive.

So 10.5 units with a first tier up to 10 reach into the second tier, and 10 units do not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from numbers import Rational
from typing import TypeAlias

from billing_kernel.errors import DomainError, Kind, Violation

TIERS_MAX = 200
AMOUNT_PLACES = 12  # fractional digits of a unit price
QUANTITY_PLACES = 18
AMOUNT_BELOW = 10**26
QUANTITY_BELOW = 10**20


class InvalidPriceModel(DomainError):
    """The price model breaks a rule; `violations` names each field and rule."""

    kind = Kind.INVALID
    reason = "INVALID_PRICE_MODEL"


@dataclass(frozen=True, slots=True)
class Tier:
    """`up_to` a quantity (None: no end), each unit at `unit_amount`, plus `flat_amount` once entered (MAJOR units)."""

    up_to: Fraction | None
    unit_amount: Fraction
    flat_amount: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class PercentageTier:
    """`up_to` an amount (None: no end), `rate_percent` of what lies in it, plus `flat_amount` once entered."""

    up_to: Fraction | None
    rate_percent: Fraction
    flat_amount: Fraction = Fraction(0)


# The index of the tier that the quantity reaches: all else of an explanation follows from it.
Trace: TypeAlias = int
# Numerator and denominator of the amount in major units.
Amount: TypeAlias = tuple[int, int, Trace]
# lower bound, amount per unit, flat part, and what all tiers before cost with this one's flat part: see Scaled.
ScaledTier: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Scaled:
    """Tiers as integers: bounds times `bound_scale`; flat parts and sums times `scale`, as are unit amounts times a
    scaled quantity. `uppers` are the upper bounds; the last tier has none."""

    bound_scale: int
    scale: int
    uppers: tuple[int, ...]
    tiers: tuple[ScaledTier, ...]


def scale_tiers(tiers: tuple[Tier, ...]) -> Scaled:
    """The integers that rating works on, made once a model."""
    bound_scale = lcm(*(tier.up_to.denominator for tier in tiers if tier.up_to is not None))
    amount_scale = lcm(*(amount.denominator for tier in tiers for amount in (tier.unit_amount, tier.flat_amount)))
    scale = bound_scale * amount_scale
    lower, before = 0, 0
    scaled: list[ScaledTier] = []
    uppers = [int(tier.up_to * bound_scale) for tier in tiers if tier.up_to is not None]
    for tier, upper in zip(tiers, [*uppers, 0], strict=True):
        unit, flat = int(tier.unit_amount * amount_scale), int(tier.flat_amount * scale)
        scaled.append((lower, unit, flat, before + flat))
        before += (upper - lower) * unit + flat
        lower = upper
    return Scaled(bound_scale, scale, tuple(uppers), tuple(scaled))


def parts_of(
    tiers: Sequence[Tier | PercentageTier], quantity: Fraction, reached: Trace
) -> Iterator[tuple[int, Fraction]]:
    """How much of `quantity` lies in each tier up to the one `reached`; a negative quantity as it is."""
    for index in range(reached):
        yield index, (tiers[index].up_to or Fraction(0)) - lower_bound(tiers, index)
    yield reached, quantity - lower_bound(tiers, reached)


def lower_bound(tiers: Sequence[Tier | PercentageTier], index: int) -> Fraction:
    return (tiers[index - 1].up_to or Fraction(0)) if index else Fraction(0)


def check(violations: list[Violation]) -> None:
    """Raises InvalidPriceModel when there is any violation."""
    if violations:
        first = violations[0]
        raise InvalidPriceModel(f"{first.field}: {first.description}", violations=violations)


def amount_violations(field: str, amount: Fraction) -> list[Violation]:
    """A price is zero or more, below 10**26, with at most 12 fractional digits."""
    return _number_violations(field, amount, AMOUNT_PLACES, AMOUNT_BELOW)


def quantity_violations(field: str, quantity: Fraction) -> list[Violation]:
    """A quantity in a price is zero or more, below 10**20, with at most 18 fractional digits."""
    return _number_violations(field, quantity, QUANTITY_PLACES, QUANTITY_BELOW)


def tier_violations(tiers: Sequence[Tier | PercentageTier]) -> list[Violation]:
    """Bounds rise, only the last tier is open, and it is; amounts and bounds are in range."""
    if not 1 <= len(tiers) <= TIERS_MAX:
        return [Violation("tiers", f"needs 1 to {TIERS_MAX} tiers", "tiers.count")]
    found = [violation for index, tier in enumerate(tiers) for violation in _own_violations(f"tiers[{index}].", tier)]
    if tiers[-1].up_to is not None:
        found.append(Violation(f"tiers[{len(tiers) - 1}].up_to", "the last tier must be open", "tiers.last_open"))
    return found + _order_violations([tier.up_to for tier in tiers])


def _own_violations(path: str, tier: Tier | PercentageTier) -> list[Violation]:
    if isinstance(tier, Tier):
        found = amount_violations(f"{path}unit_amount", tier.unit_amount)
    else:
        found = amount_violations(f"{path}rate_percent", tier.rate_percent)
    found += amount_violations(f"{path}flat_amount", tier.flat_amount)
    if tier.up_to is not None:
        found += quantity_violations(f"{path}up_to", tier.up_to)
    return found


def _order_violations(bounds: list[Fraction | None]) -> list[Violation]:
    found = []
    for index, (before, bound) in enumerate(pairwise([Fraction(0), *bounds])):
        if before is None:
            description = "only the last tier may be open: what lies beyond it would have no tier"
            found.append(Violation(f"tiers[{index - 1}].up_to", description, "tiers.open_before_last"))
        elif bound is not None and bound <= before:
            found.append(Violation(f"tiers[{index}].up_to", "each bound must exceed the one before", "tiers.ascending"))
    return found


def _number_violations(field: str, value: Fraction, places: int, below: int) -> list[Violation]:
    if not isinstance(value, Rational):
        raise TypeError(f"{field} is a Fraction, not {type(value).__name__}")
    if value < 0:
        return [Violation(field, "must not be negative", "number.negative")]
    if value >= below:
        return [Violation(field, f"must be below {below}", "number.size")]
    if 10**places % value.denominator:
        return [Violation(field, f"has more than {places} fractional digits", "number.digits")]
    return []
