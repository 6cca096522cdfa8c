"""Measures and rates metered items: the one path of GetUsage, previews and invoices.

All items whose price takes one quantity cost one statement together, and so do all matrix prices; single events are
read in one pass, one item in memory at a time.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.period import Period
from billing_pricing import Matrix

from billing_usage.domain.measuring import (
    Measured,
    Scope,
    Way,
    matrix_values,
    measured_cells,
    measured_events,
    measured_total,
    way_of,
)
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.rating import Usage, rate_usage
from billing_usage.domain.subscription import Price, Subject
from billing_usage.operations.ports import CellCount, Count, EventRead, EventReads


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item to rate."""

    price: Price
    aggregation: Aggregation
    meter_id: UUID
    subjects: Sequence[Subject]
    scope: Scope

    def count(self, period: Period) -> Count:
        return Count(self.meter_id, self.subjects, period)


@dataclass(frozen=True, slots=True)
class Rated:
    """The usage of an item, or why it cannot be rated, and the instant of its count as the database names it."""

    usage: Usage | DomainError
    snapshot: str


async def rate_items(store: EventReads, wanted: Sequence[Wanted], events_max: int) -> Sequence[Rated]:
    """In request order. One item that cannot be rated leaves the others alone; one whose price needs each event by
    itself cannot be rated above `events_max` of them."""
    ways: dict[Way, list[int]] = {way: [] for way in Way}
    for index, item in enumerate(wanted):
        ways[way_of(item.price.model)].append(index)
    found: dict[int, Rated] = {}
    for way, rate in _RATE.items():
        if ways[way]:
            items = [wanted[index] for index in ways[way]]
            rated = [each async for each in rate(store, items, events_max)]
            found.update(zip(ways[way], rated, strict=True))
    return [found[index] for index in range(len(wanted))]


async def _rate_totals(store: EventReads, items: Sequence[Wanted], _: int) -> AsyncIterator[Rated]:
    counted = await store.count([item.count(period) for item in items for period in _periods(item.scope)])
    totals = iter(counted.totals)
    for item in items:
        own, before = next(totals), next(totals) if item.scope.before else None
        yield _rated(item, measured_total(item.aggregation, own, before), counted.snapshot)


async def _rate_cells(store: EventReads, items: Sequence[Wanted], _: int) -> AsyncIterator[Rated]:
    counted = await store.cells([_cell_count(item, period) for item in items for period in _periods(item.scope)])
    cells = iter(counted.cells)
    for item in items:
        own, before = next(cells), next(cells) if item.scope.before else None
        measured = measured_cells(_matrix(item), item.aggregation, own, before)
        yield _rated(item, measured, counted.snapshot)


async def _rate_events(store: EventReads, items: Sequence[Wanted], events_max: int) -> AsyncIterator[Rated]:
    reads = [EventRead(item.count(item.scope.through), _properties(item)) for item in items]
    order = iter(items)
    async for read in store.events(reads, events_max + 1):
        item = next(order)
        try:
            measured = measured_events(item.price.model, item.aggregation, item.scope, read.events, events_max)
        except DomainError as error:
            yield Rated(error, read.snapshot)
        else:
            yield _rated(item, measured, read.snapshot)


_RATE: dict[Way, Callable[[EventReads, Sequence[Wanted], int], AsyncIterator[Rated]]] = {
    Way.TOTAL: _rate_totals,
    Way.CELLS: _rate_cells,
    Way.EVENTS: _rate_events,
}
assert set(_RATE) == set(Way)


def _rated(item: Wanted, measured: Measured, snapshot: str) -> Rated:
    try:
        return Rated(rate_usage(item.price, item.aggregation, measured, item.scope), snapshot)
    except DomainError as error:
        return Rated(error, snapshot)


def _periods(scope: Scope) -> Sequence[Period]:
    return (scope.period, scope.before) if scope.before else (scope.period,)


def _cell_count(item: Wanted, period: Period) -> CellCount:
    matrix = _matrix(item)
    return CellCount(item.count(period), matrix.dimensions, matrix_values(matrix))


def _properties(item: Wanted) -> Sequence[str]:
    model = item.price.model.model
    return model.dimensions if isinstance(model, Matrix) else ()


def _matrix(item: Wanted) -> Matrix:
    model = item.price.model.model
    assert isinstance(model, Matrix), "other models have no cells"
    return model
