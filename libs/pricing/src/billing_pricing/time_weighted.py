"""Graduated tiers over units that come and go: whole units choose the tier, their weight is what is paid for."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

from billing_pricing.nodes import Add, Constant, InTier, Maximum, Multiply, Node
from billing_pricing.numbers import number_text
from billing_pricing.tiers import Tier, check, lower_bound, tier_violations
from billing_pricing.usage import ZERO, Events, Measure


class WeightedTrace(NamedTuple):
    """`weights`: weighted units in each tier entered; `most`: the greatest number of units there ever was; `net`: the
    units that are left."""

    weights: tuple[Fraction, ...]
    most: Fraction
    net: Fraction


@dataclass(frozen=True)
class TimeWeighted:
    """The units of an event lie in the tiers by how many there are already; each costs its tier's price times its
    weight. Units that leave give back, from the highest tier downwards, the weight that they carry.

    A tier's flat amount is due whole once it was entered, the first one's even at zero unless `first_tier_flat_at_zero`
    is off. What lies below zero units counts for nothing; a net negative number costs nothing at all.
    Raises InvalidPriceModel.
    """

    measure: ClassVar[Measure] = Measure.WEIGHTED

    tiers: tuple[Tier, ...]
    first_tier_flat_at_zero: bool = True

    def __post_init__(self) -> None:
        check(tier_violations(self.tiers))

    def price_events(self, events: Events) -> tuple[Fraction, WeightedTrace]:
        """The exact amount in major units, and the weighted units of each tier."""
        trace = self._trace(events)
        if trace.net < 0:
            return ZERO, trace
        used = sum((weight * tier.unit_amount for weight, tier in self._in_tiers(trace)), ZERO)
        return max(used, ZERO) + sum(self._flats(trace), ZERO), trace

    def events_tree(self, currency: str, trace: WeightedTrace) -> Node:
        """The explanation of such an answer."""
        if trace.net < 0:
            return Constant(ZERO, f"{currency}, as {number_text(trace.net)} units are left")
        used: Node = Add(tuple(self._tier_node(index, weight, currency) for index, weight in enumerate(trace.weights)))
        if sum((weight * tier.unit_amount for weight, tier in self._in_tiers(trace)), ZERO) < 0:
            used = Maximum((Constant(ZERO, currency), used))
        flats = tuple(Constant(flat, f"{currency} flat") for flat in self._flats(trace) if flat)
        return Add((used, *flats)) if flats else used

    def _trace(self, events: Events) -> WeightedTrace:
        weights = [ZERO] * len(self.tiers)
        units, most = ZERO, ZERO
        for event in events:
            after = units + event.value
            for index, part in self._cut(units, after):
                weights[index] += part * event.weight
            units, most = after, max(most, after)
        return WeightedTrace(tuple(weights[: self._entered(most)]), most, units)

    def _cut(self, before: Fraction, after: Fraction) -> Iterator[tuple[int, Fraction]]:
        """The tiers between two numbers of units, and how many units of each; negative downwards."""
        low, high = sorted((max(before, ZERO), max(after, ZERO)))
        for index, tier in enumerate(self.tiers):
            bottom = max(lower_bound(self.tiers, index), low)
            top = high if tier.up_to is None else min(tier.up_to, high)
            if top > bottom:
                yield index, top - bottom if after > before else bottom - top
            if top == high:
                return

    def _entered(self, most: Fraction) -> int:
        """How many tiers were entered; the first one always is."""
        return 1 + sum(1 for tier in self.tiers if tier.up_to is not None and most > tier.up_to)

    def _in_tiers(self, trace: WeightedTrace) -> Iterator[tuple[Fraction, Tier]]:
        return zip(trace.weights, self.tiers, strict=False)

    def _flats(self, trace: WeightedTrace) -> list[Fraction]:
        if trace.most == 0 and not self.first_tier_flat_at_zero:
            return []
        return [tier.flat_amount for _, tier in self._in_tiers(trace)]

    def _tier_node(self, index: int, weight: Fraction, currency: str) -> Node:
        tier = self.tiers[index]
        of = Multiply((Constant(weight, "weighted units"), Constant(tier.unit_amount, f"{currency} per unit")))
        return InTier(index + 1, lower_bound(self.tiers, index), tier.up_to, of)
