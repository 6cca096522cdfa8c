"""Price models: frozen values that turn a quantity into an exact amount, and tell how.

`price(numerator, denominator)` is the hot path: the quantity as a ratio of integers in, (numerator, denominator, trace)
of the amount in MAJOR units out; the ratio need not be in lowest terms. A net
negative quantity costs nothing, but under Flat.
`tree(quantity, currency, trace)` builds the explanation of such an answer on demand.
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from billing_kernel.errors import Violation

from billing_pricing.nodes import Add, Ceiling, Constant, InTier, Maximum, Multiply, Node
from billing_pricing.numbers import number_text
from billing_pricing.tiers import (
    Amount,
    PercentageTier,
    Scaled,
    Tier,
    Trace,
    amount_violations,
    check,
    lower_bound,
    parts_of,
    quantity_violations,
    scale_tiers,
    tier_violations,
)


@dataclass(frozen=True)
class Flat:
    """One `amount` a period, whatever the quantity. Raises InvalidPriceModel."""

    amount: Fraction

    def __post_init__(self) -> None:
        check(amount_violations("amount", self.amount))

    def price(self, numerator: int, denominator: int) -> Amount:
        return self.amount.numerator, self.amount.denominator, 0

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        return Constant(self.amount, f"{currency} flat")


@dataclass(frozen=True)
class PerUnit:
    """Each unit (seat, call, gigabyte) at `unit_amount`. Raises InvalidPriceModel."""

    unit_amount: Fraction

    def __post_init__(self) -> None:
        check(amount_violations("unit_amount", self.unit_amount))

    def price(self, numerator: int, denominator: int) -> Amount:
        return max(numerator, 0) * self.unit_amount.numerator, denominator * self.unit_amount.denominator, 0

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        return Multiply((_units(quantity), Constant(self.unit_amount, f"{currency} per unit")))


def _graduated_price(self: "Graduated | GraduatedPercentage", numerator: int, denominator: int) -> Amount:
    """Each part of the quantity at the price of its tier: the hot path of rating, so one call for both models."""
    scaled = self.scaled
    if numerator <= 0:
        return scaled.tiers[0][2] if numerator == 0 and self.first_tier_flat_at_zero else 0, scaled.scale, 0
    quantity = numerator * scaled.bound_scale
    # A bound belongs to the tier below it, and what lies between whole bounds to the tier above.
    index = bisect_left(scaled.uppers, quantity if denominator == 1 else -(-quantity // denominator))
    lower, unit, _, entered = scaled.tiers[index]
    return (quantity - lower * denominator) * unit + entered * denominator, scaled.scale * denominator, index


@dataclass(frozen=True)
class Graduated:
    """Each unit at the price of the tier in which it lies; a tier's flat amount is due once the tier is entered.

    The first tier's flat amount is due even at zero, unless `first_tier_flat_at_zero` is off; a net negative quantity
    costs nothing. Raises InvalidPriceModel.
    """

    tiers: tuple[Tier, ...]
    first_tier_flat_at_zero: bool = True

    def __post_init__(self) -> None:
        check(tier_violations(self.tiers))

    @cached_property
    def scaled(self) -> Scaled:
        return scale_tiers(self.tiers)

    price = _graduated_price

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        parts = parts_of(self.tiers, quantity, trace)
        return Add(tuple(_in_tier(self, index, _units(part), currency) for index, part in parts))


@dataclass(frozen=True)
class Volume:
    """All units at the price of the tier that the whole quantity reaches, plus that tier's flat amount.

    Raises InvalidPriceModel.
    """

    tiers: tuple[Tier, ...]
    first_tier_flat_at_zero: bool = True

    def __post_init__(self) -> None:
        check(tier_violations(self.tiers))

    @cached_property
    def scaled(self) -> Scaled:
        return scale_tiers(self.tiers)

    def price(self, numerator: int, denominator: int) -> Amount:
        scaled = self.scaled
        if numerator <= 0:
            return scaled.tiers[0][2] if numerator == 0 and self.first_tier_flat_at_zero else 0, scaled.scale, 0
        quantity = numerator * scaled.bound_scale
        index = bisect_left(scaled.uppers, quantity if denominator == 1 else -(-quantity // denominator))
        _, unit, flat, _ = scaled.tiers[index]
        return quantity * unit + flat * denominator, scaled.scale * denominator, index

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        return _in_tier(self, trace, _units(quantity), currency)


@dataclass(frozen=True)
class Package:
    """Whole packages of `size` units at `package_amount`; a started one counts in full; `free_units` come first.

    Raises InvalidPriceModel.
    """

    size: Fraction
    package_amount: Fraction
    free_units: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        found = quantity_violations("size", self.size) + amount_violations("package_amount", self.package_amount)
        found += quantity_violations("free_units", self.free_units)
        if self.size == 0:
            found.append(Violation("size", "must be more than zero", "number.zero"))
        check(found)

    def price(self, numerator: int, denominator: int) -> Amount:
        free, size, price = self.free_units, self.size, self.package_amount
        paid = (numerator * free.denominator - free.numerator * denominator) * size.denominator
        # Floor division of the negated dividend rounds up.
        packages = max(0, -(-paid // (denominator * free.denominator * size.numerator)))
        return packages * price.numerator, price.denominator, 0

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        units: Node = Constant(quantity, "units")
        if self.free_units:
            units = Add((units, Constant(-self.free_units, "free units")))
        paid = Maximum((Constant(Fraction(0), "units"), units))
        packages = Ceiling(Multiply((paid, Constant(Fraction(1) / self.size, "packages per unit"))))
        return Multiply((packages, Constant(self.package_amount, f"{currency} per package")))


@dataclass(frozen=True)
class GraduatedPercentage:
    """Each tier takes its percentage of the part of an amount that lies in it; flat amounts as for Graduated.

    Raises InvalidPriceModel.
    """

    tiers: tuple[PercentageTier, ...]
    first_tier_flat_at_zero: bool = True

    def __post_init__(self) -> None:
        check(tier_violations(self.tiers))

    @cached_property
    def scaled(self) -> Scaled:
        return scale_tiers(tuple(Tier(tier.up_to, tier.rate_percent / 100, tier.flat_amount) for tier in self.tiers))

    price = _graduated_price

    def tree(self, quantity: Fraction, currency: str, trace: Trace) -> Node:
        parts = parts_of(self.tiers, quantity, trace)
        return Add(tuple(self._in_tier(index, _units(part, "amount"), currency) for index, part in parts))

    def _in_tier(self, index: int, amount: Node, currency: str) -> Node:
        tier = self.tiers[index]
        of = Multiply((amount, percent(tier.rate_percent)))
        return InTier(
            index + 1, lower_bound(self.tiers, index), tier.up_to, _with_flat(self, tier, amount, of, currency)
        )


Model: TypeAlias = Flat | PerUnit | Graduated | Volume | Package | GraduatedPercentage


def percent(rate_percent: Fraction) -> Node:
    """The factor of a percentage: 0.029 "(2.9 %)"."""
    return Constant(rate_percent / 100, f"({number_text(rate_percent)} %)")


def _units(quantity: Fraction, name: str = "units") -> Node:
    if quantity < 0:
        return Maximum((Constant(Fraction(0), name), Constant(quantity, f"{name} net")))
    return Constant(quantity, name)


def _in_tier(model: Graduated | Volume, index: int, units: Node, currency: str) -> Node:
    tier = model.tiers[index]
    of = Multiply((units, Constant(tier.unit_amount, f"{currency} per unit")))
    of_tier = _with_flat(model, tier, units, of, currency)
    return InTier(index + 1, lower_bound(model.tiers, index), tier.up_to, of_tier)


def _with_flat(
    model: Graduated | Volume | GraduatedPercentage, tier: Tier | PercentageTier, units: Node, of: Node, currency: str
) -> Node:
    due = isinstance(units, Constant) and (units.value > 0 or model.first_tier_flat_at_zero)  # else net negative
    if not tier.flat_amount or not due:
        return of
    return Add((of, Constant(tier.flat_amount, f"{currency} flat")))
