"""A price and usage in, the rated amount with its explanation out: every model, adjustment and slice."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from billing_kernel.money import ExactAmount, Money
from billing_kernel.period import Period
from billing_kernel.rounding import Rounding

from billing_pricing.adjustments import RoundingPolicy
from billing_pricing.components import Component, components_of
from billing_pricing.events import Matrix
from billing_pricing.explanation import Explanation
from billing_pricing.nodes import Node
from billing_pricing.price import Price
from billing_pricing.rating import Rated, Slice, rate
from billing_pricing.settling import Settled, fewer_places, settle
from billing_pricing.totals import Share, Terms, total_of
from billing_pricing.usage import ONE, ZERO, Usage, as_given, invalid_usage, joined, quantity_of


class RatedPrice(NamedTuple):
    """A rated amount: `exact` is what the tree evaluates to, `rounded` the same in minor units under the `policy`.

    Nothing billed before: `exact` is unrounded, or rounded to the places of the policy where it has more than the
    currency. A slice: the amount of the total so far less that of what is already billed, each rounded as it was
    billed; under a deferred policy neither is rounded.
    """

    price: Price
    source: Rated | Settled

    @property
    def currency(self) -> str:
        return self.source.currency

    @property
    def policy(self) -> RoundingPolicy:
        return self.price.adjustments.rounding

    @property
    def rounding(self) -> Rounding:
        return self.policy.mode

    @property
    def exact(self) -> ExactAmount:
        return self.source.exact

    @property
    def rounded(self) -> Money:
        return self.source.rounded

    @property
    def tree(self) -> Node:
        return self.source.tree

    @property
    def quantity(self) -> Fraction:
        """Billable units: after free ones, less those already billed."""
        return max(self.source.quantity, ZERO) if isinstance(self.source, Rated) else self.source.quantity

    @property
    def components(self) -> tuple[Component, ...]:
        """The steps that made the amount, by name: "usage", "maximum-spend discount" ..."""
        if not isinstance(self.source, Rated):
            return components_of(self.source.total, self.source.billed)
        amount = self.source.exact.value
        return (Component("usage", amount),) if amount else ()

    def explanation(self, references: Mapping[str, str] | None = None) -> Explanation:
        """`references` say where its facts come from (price version, period, rule, policy)."""
        places = fewer_places(self.policy, self.currency)
        return Explanation(self.tree, self.currency, self.rounding, references or {}, places)

    def explanation_json(self, references: Mapping[str, str] | None = None) -> str:
        """Canonical JSON of the explanation: what travels in `explanation` fields."""
        return self.explanation(references).to_json()


def rate_price(
    price: Price,
    usage: Usage,
    currency: str,
    *,
    billed: Usage | None = None,
    share: Share | None = None,
    limits_share: Share | None = None,
    at: datetime | None = None,
    final: bool = True,
    period: Period | None = None,
) -> RatedPrice:
    """What `usage` costs under `price`.

    share          prorates the whole amount (fees, seats)
    limits_share   prorates minimum, maximum and commitment of the period alone (metered)
    billed         usage that was billed before in the same period, by slices that were not final: the answer is what
                   all of it costs less what they cost. None: nothing was billed yet; zero differs, as some prices
                   cost something at zero
    at             the instant that picks the rate of a pricing unit
    final          off for a slice before the period's end: minimum and true-up are not due yet
    period         with a commitment by window that is filled up: also windows without usage are

    Raises UnknownCurrency, AmountOverflow, InvalidUsage, NoMatrixCell, NoPricingUnitRate.
    """
    plain = price.plain
    if plain is not None and billed is None and share is None:
        model, mode = plain
        quantity = usage if type(usage) is Fraction else quantity_of(usage)
        return tuple.__new__(RatedPrice, (price, rate(model, quantity, currency, mode)))
    _check(price, usage, "events")
    _check(price, billed or ZERO, "billed_events")
    unit = price.adjustments.unit
    terms = Terms(price, currency, share, limits_share, unit.rate_at(at) if unit else ONE, period)
    total = total_of(terms, joined(billed or ZERO, usage, price.measure), final=final)
    if billed is None:
        return RatedPrice(price, settle(total, None))
    before = total_of(terms, joined(ZERO, billed, price.measure), final=False)
    return RatedPrice(price, settle(total, before))


def explain(rated: Rated | Slice | RatedPrice, references: Mapping[str, str] | None = None) -> Explanation:
    """The explanation of `rated`; `references` say where its facts come from (price version, period, rule, policy)."""
    return rated.explanation(references)


def _check(price: Price, usage: Usage, field: str) -> None:
    """Refuses events that cannot be priced, by their place in what was given; a bare quantity is one event."""
    given = as_given(usage) if price.is_windowed or isinstance(price.model, Matrix) else ()
    if isinstance(price.model, Matrix):
        price.model.refuse_strangers(given, field)
    for index, event in enumerate(given if price.is_windowed else ()):
        if event.at is None:
            raise invalid_usage(f"{field}[{index}].time", "is needed for a commitment by window", "required")
