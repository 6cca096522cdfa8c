"""Prices that look at each event: what it carries, or what its dimensions say."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, TypeAlias

from billing_kernel.errors import Violation

from billing_pricing.nodes import Add, Constant, Maximum, Multiply, Named, Node
from billing_pricing.tiers import amount_violations, check
from billing_pricing.usage import ONE, ZERO, Event, Events, Measure, NoMatrixCell, total

DIMENSIONS_MAX = 3
CELLS_MAX = 1000
VALUE_MAX = 200
_SHOWN_MAX = 120  # of a cell's name in an explanation
# (index of the cell, None for the default; the units in it), in the order of the cells.
MatrixTrace: TypeAlias = tuple[tuple[int | None, Fraction], ...]


@dataclass(frozen=True)
class Dynamic:
    """The sum of the amounts that the events carry, times `multiplier`; never below zero. Raises InvalidPriceModel."""

    measure: ClassVar[Measure] = Measure.EVENTS

    multiplier: Fraction = ONE

    def __post_init__(self) -> None:
        check(amount_violations("multiplier", self.multiplier))

    def price_events(self, events: Events) -> tuple[Fraction, tuple[int, Fraction]]:
        """The exact amount in major units; count and sum of the events."""
        carried = total(event.value for event in events)
        return max(carried, ZERO) * self.multiplier, (len(events), carried)

    def events_tree(self, currency: str, trace: tuple[int, Fraction]) -> Node:
        """The explanation of such an answer."""
        count, carried = trace
        return Multiply((_not_below_zero(carried, f"{currency} of {count} events"), Constant(self.multiplier, "times")))


@dataclass(frozen=True, slots=True)
class Cell:
    """One of `values` for each dimension, "" for any, and what a unit costs there, in major units."""

    values: tuple[str, ...]
    unit_amount: Fraction


@dataclass(frozen=True)
class Matrix:
    """Each unit at the price of the cell that names its dimensions: the most specific one, of equally specific ones
    that which is specific in the earlier dimension. Net negative units of a cell cost nothing.

    Raises InvalidPriceModel.
    """

    measure: ClassVar[Measure] = Measure.EVENTS

    dimensions: tuple[str, ...]
    cells: tuple[Cell, ...]
    default_unit_amount: Fraction | None = None

    def __post_init__(self) -> None:
        found = _dimension_violations(self.dimensions) + _cell_violations(self.cells, len(self.dimensions))
        if self.default_unit_amount is not None:
            found += amount_violations("default_unit_amount", self.default_unit_amount)
        elif not self.cells:
            found.append(Violation("cells", "needs a cell, or a default", "cells.count"))
        check(found)

    @cached_property
    def _by_values(self) -> dict[tuple[str, ...], int]:
        return {cell.values: index for index, cell in enumerate(self.cells)}

    @cached_property
    def _masks(self) -> tuple[tuple[bool, ...], ...]:
        """Which dimensions are named, by the cells that there are, the most specific first."""
        masks = {tuple(value != "" for value in cell.values) for cell in self.cells}
        return tuple(sorted(masks, key=lambda mask: (sum(mask), mask), reverse=True))

    def values_of(self, event: Event) -> tuple[str, ...]:
        """The event's values of the dimensions; "" for one that it lacks."""
        return tuple(event.dimensions.get(name, "") for name in self.dimensions)

    def cell_of(self, values: tuple[str, ...]) -> int | None:
        """The index of the cell, or None for the default. Raises NoMatrixCell."""
        for mask in self._masks:
            wanted = tuple(value if named else "" for value, named in zip(values, mask, strict=True))
            index = self._by_values.get(wanted)
            if index is not None:
                return index
        if self.default_unit_amount is None:
            raise NoMatrixCell("no cell has these values, and there is no default", facts=self._facts(values))
        return None

    def refuse_strangers(self, events: Sequence[Event], field: str = "events") -> None:
        """Raises NoMatrixCell that names the first event without a cell."""
        known: set[tuple[str, ...]] = set()
        for index, event in enumerate(events):
            values = self.values_of(event)
            if values in known:
                continue
            try:
                self.cell_of(values)
            except NoMatrixCell as error:
                path = f"{field}[{index}].dimensions"
                found = [Violation(path, error.message, "matrix.no_cell")]
                raise NoMatrixCell(f"{path}: {error.message}", facts=error.facts, violations=found) from None
            known.add(values)

    def price_events(self, events: Events) -> tuple[Fraction, MatrixTrace]:
        """The exact amount in major units, and the units in each cell. Raises NoMatrixCell."""
        by_values: dict[tuple[str, ...], list[Fraction]] = {}
        for event in events:
            by_values.setdefault(self.values_of(event), []).append(event.value)
        units: dict[int | None, Fraction] = {}
        for values, counted in by_values.items():
            cell = self.cell_of(values)
            units[cell] = units.get(cell, ZERO) + total(counted)
        last = len(self.cells)
        trace = tuple(sorted(units.items(), key=lambda item: last if item[0] is None else item[0]))
        return sum((max(count, ZERO) * self._unit_amount(cell) for cell, count in trace), ZERO), trace

    def events_tree(self, currency: str, trace: MatrixTrace) -> Node:
        """The explanation of such an answer."""
        if not trace:
            return Constant(ZERO, f"{currency} without usage")
        return Add(tuple(self._in_cell(currency, cell, units) for cell, units in trace))

    def _in_cell(self, currency: str, cell: int | None, units: Fraction) -> Node:
        price = Constant(self._unit_amount(cell), f"{currency} per unit")
        return Named(self._name(cell), Multiply((_not_below_zero(units, "units"), price)))

    def _unit_amount(self, cell: int | None) -> Fraction:
        return (self.default_unit_amount or ZERO) if cell is None else self.cells[cell].unit_amount

    def _name(self, cell: int | None) -> str:
        if cell is None:
            return "default cell"
        values = self.cells[cell].values
        named = [f"{name} {value or 'any'}" for name, value in zip(self.dimensions, values, strict=True)]
        return f"cell {', '.join(named)}"[:_SHOWN_MAX]

    def _facts(self, values: tuple[str, ...]) -> dict[str, str]:
        return {name: value[:VALUE_MAX] for name, value in zip(self.dimensions, values, strict=True)}


def _not_below_zero(value: Fraction, label: str) -> Node:
    if value >= 0:
        return Constant(value, label)
    return Maximum((Constant(ZERO, label), Constant(value, f"{label} net")))


def _dimension_violations(dimensions: tuple[str, ...]) -> list[Violation]:
    if not 1 <= len(dimensions) <= DIMENSIONS_MAX:
        return [Violation("dimensions", f"needs 1 to {DIMENSIONS_MAX} names", "dimensions.count")]
    if len(set(dimensions)) < len(dimensions) or "" in dimensions:
        return [Violation("dimensions", "must be different names", "dimensions.unique")]
    return []


def _cell_violations(cells: tuple[Cell, ...], dimensions: int) -> list[Violation]:
    if len(cells) > CELLS_MAX:
        return [Violation("cells", f"has at most {CELLS_MAX} cells", "cells.count")]
    found, seen = [], set()
    for index, cell in enumerate(cells):
        path = f"cells[{index}]"
        found += amount_violations(f"{path}.unit_amount", cell.unit_amount)
        if len(cell.values) != dimensions:
            found.append(Violation(f"{path}.values", "needs one value for each dimension", "cells.values"))
        if any(len(value) > VALUE_MAX for value in cell.values):
            found.append(Violation(f"{path}.values", f"has a value longer than {VALUE_MAX}", "cells.length"))
        if cell.values in seen:
            found.append(Violation(f"{path}.values", "is the same cell as one before", "cells.twice"))
        seen.add(cell.values)
    return found
