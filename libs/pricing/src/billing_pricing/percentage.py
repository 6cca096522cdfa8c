"""Percentage: a share of the amount of each event, and a fixed part per paid event."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import ClassVar, NamedTuple

from billing_kernel.errors import Violation

from billing_pricing.models import percent
from billing_pricing.nodes import Add, Constant, Maximum, Multiply, Node
from billing_pricing.numbers import number_text
from billing_pricing.tiers import amount_violations, check, quantity_violations
from billing_pricing.usage import ZERO, Events, Measure

EVENTS_MAX = 10**18


class PercentageTrace(NamedTuple):
    """The events of a period in groups; volumes are what they carried times `scale`. Plain events pay the rate and the
    fixed part, others exactly the floor or the cap; refunds give back the rate, or the cap."""

    scale: int
    net_volume: int
    free_count: int
    free_volume: int
    plain_count: int
    plain_volume: int
    floor_count: int
    cap_count: int
    refunded_volume: int
    capped_refunds: int


@dataclass(frozen=True)
class Percentage:
    """`rate_percent` of the amount of each event, plus `fixed_amount` per paid event.

    The first `free_events` events and the first `free_volume` of their amounts cost nothing, until whichever of the
    two is reached first: an event that starts beyond it is fully paid, one that crosses the volume pays for what
    exceeds it. A wholly free event pays no fixed part, floor or cap. `event_minimum` and `event_maximum` bound each
    paid event. An event with a negative amount gives the rate back, at most the cap; net zero or less costs nothing.
    A limit of zero or None frees nothing. Raises InvalidPriceModel.
    """

    measure: ClassVar[Measure] = Measure.EVENTS

    rate_percent: Fraction
    fixed_amount: Fraction = ZERO
    free_events: int | None = None
    free_volume: Fraction | None = None
    event_minimum: Fraction | None = None
    event_maximum: Fraction | None = None

    def __post_init__(self) -> None:
        found = amount_violations("rate_percent", self.rate_percent)
        found += amount_violations("fixed_amount", self.fixed_amount)
        if self.free_events is not None and not 0 <= self.free_events < EVENTS_MAX:
            found.append(Violation("free_events", "must be a number of events", "number.negative"))
        if self.free_volume is not None:
            found += quantity_violations("free_volume", self.free_volume)
        for name, bound in (("event_minimum", self.event_minimum), ("event_maximum", self.event_maximum)):
            found += [] if bound is None else amount_violations(name, bound)
        least, most = self.event_minimum, self.event_maximum
        if not found and least is not None and most is not None and least > most:
            found.append(Violation("event_minimum", "must not exceed event_maximum", "range.empty"))
        check(found)

    def price_events(self, events: Events) -> tuple[Fraction, PercentageTrace]:
        """The exact amount in major units, and the groups of events that it is made of."""
        scale = lcm(*(event.value.denominator for event in events), (self.free_volume or ZERO).denominator)
        volumes = [event.value.numerator * (scale // event.value.denominator) for event in events]
        paid, free_count, free_volume = self._beyond_allowance(volumes, int((self.free_volume or ZERO) * scale))
        trace = PercentageTrace(scale, sum(volumes), free_count, free_volume, *self._grouped(paid, scale))
        return max(self._amount(trace), ZERO) if trace.net_volume > 0 else ZERO, trace

    def _beyond_allowance(self, volumes: list[int], free_volume: int) -> tuple[list[int], int, int]:
        """The volumes that are paid for, and how many events and how much volume are free."""
        free_events = self.free_events or 0
        paid, count, volume = [], 0, 0
        is_open = bool(free_events or free_volume)
        for value in volumes:
            is_open = is_open and not (free_events and count >= free_events)
            is_open = is_open and not (free_volume and volume >= free_volume)
            excess = value if not is_open else max(volume + value - free_volume, 0) if free_volume else 0
            volume += value - excess
            if is_open and not excess:
                count += 1
            else:
                paid.append(excess)
                is_open = False
        return paid, count, volume

    def _grouped(self, paid: list[int], scale: int) -> tuple[int, int, int, int, int, int]:
        """Plain events and their volume, events at the floor and at the cap, refunds at the rate and at the cap."""
        bounds = (self.fixed_amount, self.event_minimum or ZERO, self.event_maximum or ZERO)
        unit = lcm(self.rate_percent.denominator * 100, *(bound.denominator for bound in bounds))
        rate = int(self.rate_percent * unit / 100)
        fixed, least, most = (int(bound * unit * scale) for bound in bounds)
        capped = self.event_maximum is not None
        plain = plain_volume = floors = caps = refunded = capped_refunds = 0
        for volume in paid:
            amount = volume * rate
            if volume < 0 and capped and -amount > most:
                capped_refunds += 1
            elif volume < 0:
                refunded -= volume
            elif amount + fixed < least:
                floors += 1
            elif capped and amount + fixed > most:
                caps += 1
            else:
                plain, plain_volume = plain + 1, plain_volume + volume
        return plain, plain_volume, floors, caps, refunded, capped_refunds

    def _amount(self, trace: PercentageTrace) -> Fraction:
        amount = Fraction(trace.plain_volume - trace.refunded_volume, trace.scale) * self.rate_percent / 100
        amount += trace.plain_count * self.fixed_amount + trace.floor_count * (self.event_minimum or ZERO)
        return amount + (trace.cap_count - trace.capped_refunds) * (self.event_maximum or ZERO)

    def events_tree(self, currency: str, trace: PercentageTrace) -> Node:
        """The explanation of such an answer."""
        if trace.net_volume <= 0:
            return Constant(ZERO, f"{currency}, as the amounts add up to {_text(trace.net_volume, trace.scale)}")
        groups = Add(tuple(self._groups(currency, trace)))
        return Maximum((Constant(ZERO, currency), groups)) if trace.refunded_volume or trace.capped_refunds else groups

    def _groups(self, currency: str, trace: PercentageTrace) -> Iterator[Node]:
        if trace.free_count or trace.free_volume:
            volume = _text(trace.free_volume, trace.scale)
            yield Constant(ZERO, f"{currency} for {trace.free_count} free events and the free volume of {volume}")
        volume_node = Constant(Fraction(trace.plain_volume, trace.scale), f"volume of {trace.plain_count} paid events")
        yield Multiply((volume_node, percent(self.rate_percent)))
        if self.fixed_amount and trace.plain_count:
            yield _each(trace.plain_count, "paid events", self.fixed_amount, f"{currency} per paid event")
        if trace.floor_count:
            yield _each(trace.floor_count, "events at the floor", self.event_minimum, f"{currency} at least")
        if trace.cap_count:
            yield _each(trace.cap_count, "events at the cap", self.event_maximum, f"{currency} at most")
        if trace.refunded_volume:
            refunded = Constant(Fraction(-trace.refunded_volume, trace.scale), "refunded volume")
            yield Multiply((refunded, percent(self.rate_percent)))
        if trace.capped_refunds:
            yield _each(-trace.capped_refunds, "refunds at the cap", self.event_maximum, f"{currency} at most")


def _each(count: int, name: str, amount: Fraction | None, label: str) -> Node:
    return Multiply((Constant(Fraction(count), name), Constant(amount or ZERO, label)))


def _text(numerator: int, denominator: int) -> str:
    return number_text(Fraction(numerator, denominator))
