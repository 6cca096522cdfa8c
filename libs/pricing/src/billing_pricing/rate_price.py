"""A price and usage in, the rated amount with its explanation out: every model, adjustment and slice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from billing_kernel.currencies import exponent
from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.period import Period
from billing_kernel.rounding import Rounding, round_fraction

from billing_pricing.adjustments import RoundingPolicy
from billing_pricing.components import Component, components_of
from billing_pricing.events import Matrix
from billing_pricing.explanation import Explanation
from billing_pricing.nodes import Node, Round, Subtract
from billing_pricing.price import Price, billable_units
from billing_pricing.totals import Share, Terms, Total, total_of
from billing_pricing.totals_tree import total_tree
from billing_pricing.usage import ONE, ZERO, Usage, joined


@dataclass(frozen=True, slots=True)
class RatedPrice:
    """`exact` is what the tree evaluates to, `rounded` the same in minor units under the `policy` of the price.

    Nothing billed before: `exact` is unrounded, or rounded to the places of the policy where it has more than the
    currency. A slice: the amount of the total so far less that of what is already billed, each rounded as it was
    billed; under a deferred policy neither is rounded.
    """

    currency: str
    policy: RoundingPolicy
    total: Total
    billed: Total | None
    exact: ExactAmount
    rounded: Money

    @property
    def rounding(self) -> Rounding:
        return self.policy.mode

    @property
    def places(self) -> int | None:
        """Of the last rounding, where they are fewer than the currency's; else None."""
        return _fewer_places(self.policy, self.currency)

    @property
    def tree(self) -> Node:
        total = _settled_tree(self.total, self.policy, self.currency, slice_=self.billed is not None)
        if self.billed is None:
            return total
        return Subtract((total, _settled_tree(self.billed, self.policy, self.currency, slice_=True)))

    @property
    def quantity(self) -> Fraction:
        """Billable units: after free ones, less those already billed."""
        units = billable_units(self.total.terms.price, self.total.used)
        return units - billable_units(self.total.terms.price, self.billed.used) if self.billed else units

    @property
    def components(self) -> tuple[Component, ...]:
        """The steps that changed the amount, by name: "usage", "maximum-spend discount" ..."""
        return components_of(self.total, self.billed)

    def explanation_json(self, references: Mapping[str, str] | None = None) -> str:
        """Canonical JSON of the explanation."""
        return self.explanation(references).to_json()

    def explanation(self, references: Mapping[str, str] | None = None) -> Explanation:
        return Explanation(self.tree, self.currency, self.rounding, references or {}, self.places)


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
    if isinstance(price.model, Matrix) and not isinstance(usage, Fraction | int):
        price.model.refuse_strangers(usage)
    unit = price.adjustments.unit
    terms = Terms(price, currency, share, limits_share, unit.rate_at(at) if unit else ONE, period)
    policy = price.adjustments.rounding
    if billed is None:
        total, before = total_of(terms, joined(ZERO, usage, price.measure), final=final), None
        exact = _kept(total.exact, policy, currency)
    else:
        before = total_of(terms, joined(ZERO, billed, price.measure), final=False)
        total = total_of(terms, joined(billed, usage, price.measure), final=final)
        exact = _settled(total.exact, policy, currency) - _settled(before.exact, policy, currency)
    rounded = _rounded(exact, policy, currency)
    return RatedPrice(currency, policy, total, before, ExactAmount(currency, exact), rounded)


def _fewer_places(policy: RoundingPolicy, currency: str) -> int | None:
    return policy.places if policy.places is not None and policy.places < exponent(currency) else None


def _keeps_more(policy: RoundingPolicy, currency: str) -> bool:
    return policy.places is not None and policy.places > exponent(currency)


def _kept(exact: Fraction, policy: RoundingPolicy, currency: str) -> Fraction:
    """A line of its own: rounded only where the policy keeps more places than the currency has."""
    return _settled(exact, policy, currency) if _keeps_more(policy, currency) else exact


def _settled(exact: Fraction, policy: RoundingPolicy, currency: str) -> Fraction:
    """As billed: rounded to the places of the policy, unless that is left to the document."""
    if policy.deferred:
        return exact
    scale = 10 ** (exponent(currency) if policy.places is None else policy.places)
    return Fraction(round_fraction(exact * scale, policy.mode), scale)


def _rounded(exact: Fraction, policy: RoundingPolicy, currency: str) -> Money:
    places = _fewer_places(policy, currency)
    if places is not None:
        exact = Fraction(round_fraction(exact * 10**places, policy.mode), 10**places)
    return round_amount(ExactAmount(currency, exact), policy.mode)


def _settled_tree(total: Total, policy: RoundingPolicy, currency: str, *, slice_: bool) -> Node:
    tree = total_tree(total)
    if policy.deferred or not (slice_ or _keeps_more(policy, currency)):
        return tree
    return Round(tree, currency, policy.mode, policy.places)
