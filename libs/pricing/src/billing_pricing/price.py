"""A price: a model and what is done to its amount."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from billing_kernel.errors import Violation
from billing_kernel.rounding import Rounding

from billing_pricing.adjustments import Adjustments, RoundingPolicy, Window, adjustment_violations
from billing_pricing.events import Dynamic, Matrix
from billing_pricing.models import Model
from billing_pricing.nodes import Node
from billing_pricing.percentage import Percentage
from billing_pricing.tiers import check
from billing_pricing.time_weighted import TimeWeighted
from billing_pricing.usage import Events, Measure, Usage, beyond, events_of, quantity_of

EventModel: TypeAlias = Percentage | Dynamic | Matrix | TimeWeighted
PriceModel: TypeAlias = Model | EventModel


@dataclass(frozen=True)
class Price:
    """`model` with its `adjustments`. Raises InvalidPriceModel, which names each field."""

    model: PriceModel
    adjustments: Adjustments = field(default_factory=Adjustments)

    def __post_init__(self) -> None:
        found = adjustment_violations(self.adjustments)
        commitment = self.adjustments.commitment
        if commitment is not None and commitment.quantity is not None and _has_no_default(self.model):
            description = "needs a default cell: it has no dimensions"
            found.append(Violation("adjustments.commitment.quantity", description, "commitment.no_default"))
        check(found)

    @cached_property
    def plain(self) -> tuple[Model, Rounding] | None:
        """The model and how it is rounded, where a quantity times the model is all there is: the hot path."""
        mode = self.adjustments.rounding.mode
        is_plain = self.adjustments == Adjustments(rounding=RoundingPolicy(mode))
        return (self.model, mode) if is_plain and isinstance(self.model, Model) else None

    @cached_property
    def measure(self) -> Measure:
        """What usage it wants. A commitment by window needs the times of events, whatever the model."""
        if self.is_windowed and isinstance(self.model, Model):
            return Measure.EVENTS
        return measure_of(self.model)

    @cached_property
    def is_windowed(self) -> bool:
        commitment = self.adjustments.commitment
        return commitment is not None and commitment.window is not Window.PERIOD


def measure_of(model: PriceModel) -> Measure:
    """What the model itself is applied to."""
    return Measure.QUANTITY if isinstance(model, Model) else model.measure


def amount_of(model: PriceModel, usage: Usage) -> tuple[Fraction, Any]:
    """What `usage` costs by the model alone, in major units, and the model's own trace of it. Raises NoMatrixCell."""
    if isinstance(model, Model):
        quantity = quantity_of(usage)
        numerator, denominator, trace = model.price(quantity.numerator, quantity.denominator)
        return Fraction(numerator, denominator), trace
    return model.price_events(events_of(usage))


def tree_of(model: PriceModel, usage: Usage, unit: str, trace: Any) -> Node:
    """The explanation of such an answer; `unit` is the currency, or the pricing unit."""
    if isinstance(model, Model):
        return model.tree(quantity_of(usage), unit, trace)
    return model.events_tree(unit, trace)


def without_free_units(price: Price, usage: Usage) -> Usage:
    """`usage` as the model sees it: free units are the first of the period; a net negative quantity stays as it is."""
    free = price.adjustments.free_units
    if price.measure is not Measure.QUANTITY:
        return beyond(events_of(usage), free)
    quantity = quantity_of(usage)
    return max(quantity - free, Fraction(0)) if free and quantity >= 0 else quantity


def billable_units(price: Price, used: Usage) -> Fraction:
    """The units that the model prices: weighted ones for time-weighted prices, never less than zero."""
    if price.measure is Measure.WEIGHTED:
        counted: Events = events_of(used)
        return max(sum((event.value * event.weight for event in counted), Fraction(0)), Fraction(0))
    return max(quantity_of(used), Fraction(0))


def _has_no_default(model: PriceModel) -> bool:
    return isinstance(model, Matrix) and model.default_unit_amount is None
