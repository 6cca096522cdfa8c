"""What is read of the events of one item, and what its price is given to rate.

TOTAL    one quantity: flat, per unit, tiers, packages, graduated percentages; dynamic prices too, which are linear
CELLS    a quantity a combination of dimension values: matrix prices
EVENTS   the single events in order of (time, source, id): percentages, time-weighted units, windows of commitment

An event is worth 1 to a meter that counts, else its own value. Where tiers go on from an earlier window, all from its
beginning is measured, and once more what was billed before the period.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from functools import reduce

from billing_kernel.period import InvalidPeriod, Period
from billing_pricing import Dynamic, Event, Matrix, Measure, Usage
from billing_pricing import Price as PriceModel

from billing_usage.domain.errors import TooManyEvents
from billing_usage.domain.meter import Aggregation

_ZERO, _ONE = Fraction(0), Fraction(1)
_TICK = timedelta(microseconds=1)


class Way(Enum):
    TOTAL = "total"
    CELLS = "cells"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Totals:
    """What events add up to; zeros without events."""

    event_count: int
    sum: Fraction
    max: Fraction


NOTHING = Totals(0, _ZERO, _ZERO)
# A value for each dimension of a matrix, in its order; None for one that no cell names, and where there is none.
Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class SingleEvent:
    """One event as it is stored. `properties` are those that the price asks for."""

    at: datetime
    value: Fraction
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is rated: the events of `period`. `tiers_from`: where an earlier window began whose tiers go on (None: the
    tiers start here). `limits_share`: which share of a whole billing period `period` is (None: a whole one).
    `final`: the period is over, so that minimum and true-up are due.

    Raises InvalidPeriod where the tiers do not begin before the period.
    """

    period: Period
    tiers_from: datetime | None = None
    limits_share: Fraction | None = None
    final: bool = True

    def __post_init__(self) -> None:
        if self.tiers_from is not None and self.tiers_from >= self.period.start:
            raise InvalidPeriod("tiers go on from an instant before the period")

    @property
    def before(self) -> Period | None:
        """What was billed before."""
        return Period(self.tiers_from, self.period.start) if self.tiers_from else None

    @property
    def through(self) -> Period:
        """All that decides the tiers."""
        return Period(self.tiers_from or self.period.start, self.period.end)

    def share_of(self, part: Period) -> Fraction | None:
        """Which share of a whole billing period `part` is, by its time beside `period`."""
        if self.limits_share is None:
            return None
        return self.limits_share * part.microseconds / self.period.microseconds


@dataclass(frozen=True, slots=True)
class Measured:
    """What was counted of one item: `totals` of the period; what its price is given is the usage of `scope.through`,
    and that of `scope.before`, None where there is no such window."""

    totals: Totals
    through: Usage
    before: Usage | None = None


def way_of(price: PriceModel) -> Way:
    """How the events of an item with this price are read."""
    if price.measure is Measure.QUANTITY or (isinstance(price.model, Dynamic) and not price.is_windowed):
        return Way.TOTAL
    if isinstance(price.model, Matrix) and not price.is_windowed and not price.adjustments.free_units:
        return Way.CELLS  # free units are the first ones, which only the order of events tells
    return Way.EVENTS


def quantity_of(totals: Totals, aggregation: Aggregation) -> Fraction:
    """The quantity that a meter makes of its events."""
    match aggregation:
        case Aggregation.COUNT:
            return Fraction(totals.event_count)
        case Aggregation.SUM:
            return totals.sum
        case Aggregation.MAX:
            return totals.max


def matrix_values(matrix: Matrix) -> Sequence[Sequence[str]]:
    """The values of each dimension that a cell names."""
    columns = (
        zip(*(cell.values for cell in matrix.cells), strict=True) if matrix.cells else ((),) * len(matrix.dimensions)
    )
    return [sorted({text for text in column if text}) for column in columns]


def measured_total(aggregation: Aggregation, totals: Totals, before: Totals | None) -> Measured:
    """One quantity."""
    if before is None:
        return Measured(totals, quantity_of(totals, aggregation))
    together = quantity_of(_together(before, totals), aggregation)
    return Measured(totals, together, quantity_of(before, aggregation))


def measured_cells(
    matrix: Matrix, aggregation: Aggregation, cells: Mapping[Values, Totals], before: Mapping[Values, Totals] | None
) -> Measured:
    """One quantity a combination of dimension values; combinations that no cell names are one."""
    totals = reduce(_together, cells.values(), NOTHING)
    if before is None:
        return Measured(totals, _cell_events(matrix, aggregation, cells))
    keys = cells.keys() | before.keys()
    together = {values: _together(before.get(values, NOTHING), cells.get(values, NOTHING)) for values in keys}
    return Measured(totals, _cell_events(matrix, aggregation, together), _cell_events(matrix, aggregation, before))


def measured_events(
    price: PriceModel, aggregation: Aggregation, scope: Scope, events: Sequence[SingleEvent], limit: int
) -> Measured:
    """The single events of `scope.through`, in order. Raises TooManyEvents above `limit`."""
    if len(events) > limit:
        message = f"this price needs each event by itself, and there are more than {limit:,} of them"
        raise TooManyEvents(message, facts={"limit": str(limit)})
    start, end = scope.period.start, scope.period.end
    earlier = [event for event in events if event.at < start]
    worth = _weigher(scope) if price.measure is Measure.WEIGHTED else _priced
    before = [worth(event, aggregation, start) for event in earlier] if scope.tiers_from else None
    return Measured(_totals(events[len(earlier) :]), [worth(event, aggregation, end) for event in events], before)


def _priced(event: SingleEvent, aggregation: Aggregation, until: datetime) -> Event:
    return Event(_worth(event, aggregation), event.at, event.properties)


def _weigher(scope: Scope) -> Callable[[SingleEvent, Aggregation, datetime], Event]:
    """Units weigh the share of a whole billing period from their event to the end of what is rated."""
    whole = scope.share_of(scope.through)
    weight_of_us = (1 if whole is None else whole) / Fraction(scope.through.microseconds)

    def weigh(event: SingleEvent, aggregation: Aggregation, until: datetime) -> Event:
        return Event(_worth(event, aggregation), event.at, weight=(until - event.at) // _TICK * weight_of_us)

    return weigh


def _worth(event: SingleEvent, aggregation: Aggregation) -> Fraction:
    return _ONE if aggregation is Aggregation.COUNT else event.value


def _cell_events(matrix: Matrix, aggregation: Aggregation, cells: Mapping[Values, Totals]) -> list[Event]:
    names = matrix.dimensions
    return [
        Event(
            quantity_of(cells[values], aggregation),
            dimensions={name: text for name, text in zip(names, values, strict=True) if text is not None},
        )
        for values in sorted(cells, key=_order)
    ]


def _order(values: Values) -> list[tuple[bool, str]]:
    return [(text is None, text or "") for text in values]


def _totals(events: Sequence[SingleEvent]) -> Totals:
    values = [event.value for event in events]
    return Totals(len(values), sum(values, _ZERO), max(values)) if values else NOTHING


def _together(one: Totals, other: Totals) -> Totals:
    if not one.event_count or not other.event_count:
        return one if one.event_count else other
    return Totals(one.event_count + other.event_count, one.sum + other.sum, max(one.max, other.max))
