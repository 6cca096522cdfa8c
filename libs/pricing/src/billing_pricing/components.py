"""The named steps of a total, for lines that show them: "maximum-spend discount" -20."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from billing_pricing.totals import Total
from billing_pricing.usage import ONE, ZERO, quantity_of


@dataclass(frozen=True, slots=True)
class Component:
    """One step: what it adds in major units of the currency, or in units for "free units"."""

    name: str
    exact: Fraction


def components_of(total: Total, billed: Total | None) -> tuple[Component, ...]:
    """Those that are not zero: of the total, less what is already billed of each. All but "free units" add up to the
    exact amount before it is rounded."""
    before = dict(_steps(billed)) if billed else {}
    steps = ((name, amount - before.get(name, ZERO)) for name, amount in _steps(total))
    return tuple(Component(name, amount) for name, amount in steps if amount)


def _steps(total: Total) -> Iterator[tuple[str, Fraction]]:
    share = total.terms.share.value if total.terms.share else ONE
    after_maximum = total.terms.price.adjustments.discount_after_maximum
    over = [part.charged - part.amount for part in total.parts if part.amount > (total.committed or ZERO)]
    used = sum((part.amount for part in total.parts), ZERO)
    overage = sum(over, ZERO)
    yield "free units", quantity_of(total.used) - quantity_of(total.given)
    yield "usage", used * share
    yield "overage", overage * share
    yield "true-up", (total.charged - used - overage) * share
    yield "discount", (total.discounted - (total.capped if after_maximum else total.charged)) * share
    yield "maximum-spend discount", (total.capped - (total.charged if after_maximum else total.discounted)) * share
    yield "minimum spend", (total.filled - (total.discounted if after_maximum else total.capped)) * share
