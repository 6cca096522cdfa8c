"""What a due to come asks for, as far as it is known ahead: its charges, discounts and commitment."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing_kernel.discounts import Cut, Line, discount_shares
from billing_kernel.money import Money

from billing_subscriptions.domain.charges import Charge, Commitment
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import AppliedCoupon


@dataclass(frozen=True, slots=True)
class Bill:
    """`discount` is what the coupons take off the charges whose amount is known; `net` is what is left of these.

    Metered charges come on top; credits, of which invoicing takes the discount of their charge, are as priced.
    """

    charges: tuple[Charge, ...]
    coupons: tuple[AppliedCoupon, ...]
    commitment: Commitment | None
    discount: Money
    net: Money


def bill_of(step: Step | None, currency: str) -> Bill:
    """Of the due of a step; without a step nothing is billed. Raises AmountOverflow."""
    charges = step.charges if step else ()
    coupons = step.coupons if step else ()
    taken = _taken(charges, coupons, currency)
    total = sum(each.rounded_minor for each in charges)
    return Bill(
        charges, coupons, step.commitment if step else None, Money(currency, taken), Money(currency, total - taken)
    )


def _taken(charges: Sequence[Charge], coupons: Sequence[AppliedCoupon], currency: str) -> int:
    """In minor units, by the rule of invoicing."""
    lines = [Line(each.item.code, 0 if each.credit_of else each.rounded_minor) for each in charges]
    cuts = [Cut(each.percent, each.amount.minor if each.amount else 0, each.item_codes) for each in coupons]
    return sum(sum(shares) for shares in discount_shares(lines, cuts, currency))
