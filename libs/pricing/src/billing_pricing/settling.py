"""How a total becomes what is billed: rounded as the policy says, less what is already billed."""

from dataclasses import dataclass
from fractions import Fraction

from billing_kernel.currencies import exponent
from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.rounding import round_fraction

from billing_pricing.adjustments import RoundingPolicy
from billing_pricing.nodes import Named, Node, Round, Subtract
from billing_pricing.price import billable_units
from billing_pricing.totals import Total
from billing_pricing.totals_tree import total_tree


@dataclass(frozen=True, slots=True)
class Settled:
    """The amount of `total`, or of a slice: less that of `billed`."""

    total: Total
    billed: Total | None
    exact: ExactAmount
    rounded: Money

    @property
    def currency(self) -> str:
        return self.exact.currency

    @property
    def quantity(self) -> Fraction:
        """Billable units."""
        price = self.total.terms.price
        return billable_units(price, self.total.used) - (billable_units(price, self.billed.used) if self.billed else 0)

    @property
    def tree(self) -> Node:
        """Evaluates to `exact`."""
        if self.billed is None:
            kept = _keeps_more(_policy(self.total), self.currency)
            return _rounded_tree(self.total) if kept else total_tree(self.total)
        return Subtract((_rounded_tree(self.total), Named("already billed", _rounded_tree(self.billed))))


def settle(total: Total, billed: Total | None) -> Settled:
    """Raises UnknownCurrency, AmountOverflow."""
    policy, currency = _policy(total), total.terms.currency
    exact = total.exact
    if billed is not None:
        exact = _as_billed(exact, policy, currency) - _as_billed(billed.exact, policy, currency)
    elif _keeps_more(policy, currency):
        exact = _as_billed(exact, policy, currency)
    return Settled(total, billed, ExactAmount(currency, exact), _money(exact, policy, currency))


def fewer_places(policy: RoundingPolicy, currency: str) -> int | None:
    """The places of the policy, where they are fewer than those of the currency."""
    return policy.places if policy.places is not None and policy.places < exponent(currency) else None


def _keeps_more(policy: RoundingPolicy, currency: str) -> bool:
    return policy.places is not None and policy.places > exponent(currency)


def _as_billed(exact: Fraction, policy: RoundingPolicy, currency: str) -> Fraction:
    """Rounded to the places of the policy, unless that is left to the document."""
    if policy.deferred:
        return exact
    scale = 10 ** (exponent(currency) if policy.places is None else policy.places)
    return Fraction(round_fraction(exact * scale, policy.mode), scale)


def _rounded_tree(total: Total) -> Node:
    """The tree of _as_billed()."""
    policy = _policy(total)
    tree = total_tree(total)
    return tree if policy.deferred else Round(tree, total.terms.currency, policy.mode, policy.places)


def _money(exact: Fraction, policy: RoundingPolicy, currency: str) -> Money:
    places = fewer_places(policy, currency)
    if places is not None:
        exact = Fraction(round_fraction(exact * 10**places, policy.mode), 10**places)
    return round_amount(ExactAmount(currency, exact), policy.mode)


def _policy(total: Total) -> RoundingPolicy:
    return total.terms.price.adjustments.rounding
