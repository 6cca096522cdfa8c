"""What was used: a quantity, or events in order; and which of the two a price looks at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from numbers import Rational
from operator import attrgetter
from typing import TypeAlias

from billing_kernel.errors import DomainError, Kind, Violation

ONE = Fraction(1)
ZERO = Fraction(0)


class Measure(StrEnum):
    """What a price is applied to."""

    QUANTITY = "QUANTITY"  # one number a period
    EVENTS = "EVENTS"  # each event by itself
    WEIGHTED = "WEIGHTED"  # units that come and go, each with the share of the period it was there


class InvalidUsage(DomainError):
    """The usage cannot be priced as it is; `violations` names the event and its field."""

    kind = Kind.INVALID
    reason = "INVALID_USAGE"


class NoMatrixCell(InvalidUsage):
    """No cell of the matrix has these dimension values, and it has no default."""

    reason = "NO_MATRIX_CELL"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `value` units or an amount, `at` an aware instant. For time-weighted prices `value` are the whole
    units that came (negative: left) and `weight` the share of the period for which they count."""

    value: Fraction
    at: datetime | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    weight: Fraction = ONE

    def __post_init__(self) -> None:
        if not isinstance(self.value, Rational) or not isinstance(self.weight, Rational):
            raise TypeError("value and weight of an event are Fractions")
        if self.at is not None and self.at.tzinfo is None:
            raise TypeError("an event happens at an aware instant")


Usage: TypeAlias = Fraction | Sequence[Event]
Events: TypeAlias = tuple[Event, ...]


def quantity_of(usage: Usage) -> Fraction:
    """The quantity, or the sum of the events' values."""
    if isinstance(usage, Fraction):
        return usage
    if isinstance(usage, Rational):
        return Fraction(usage)
    return total(event.value for event in usage)


def events_of(usage: Usage) -> Events:
    """The events, in order of time when each has one; a bare quantity is one event, and zero is none."""
    events = as_given(usage)
    if all(event.at is not None for event in events):
        return tuple(sorted(events, key=attrgetter("at")))
    return events


def joined(billed: Usage, usage: Usage, measure: Measure) -> Usage:
    """Both together, as `measure` wants them."""
    if measure is Measure.QUANTITY:
        return quantity_of(billed) + quantity_of(usage)
    return events_of(as_given(billed) + as_given(usage))


def as_given(usage: Usage) -> Events:
    """The events in the order in which they were given."""
    if isinstance(usage, Rational):
        return (Event(Fraction(usage)),) if usage else ()
    return tuple(usage)


def beyond(events: Events, free: Fraction) -> Events:
    """What is left of `events` when the first `free` units cost nothing; a wholly free event is gone.

    An event that takes units back gives their allowance back.
    """
    if not free:
        return events
    left, before = [], ZERO
    for event in events:
        after = before + event.value
        value = max(after - free, ZERO) - max(before - free, ZERO)
        if value or before >= free:
            left.append(Event(value, event.at, event.dimensions, event.weight))
        before = after
    return tuple(left)


def total(values: Iterable[Fraction]) -> Fraction:
    """The sum, with as few reductions as there are denominators: usage has few of them and many events."""
    sums: dict[int, int] = {}
    for value in values:
        sums[value.denominator] = sums.get(value.denominator, 0) + value.numerator
    return sum((Fraction(numerator, denominator) for denominator, numerator in sums.items()), ZERO)


def invalid_usage(field: str, description: str, rule: str) -> InvalidUsage:
    return InvalidUsage(f"{field}: {description}", violations=[Violation(field, description, rule)])
