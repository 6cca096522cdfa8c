"""Discounts of a due: in their order, each on what the ones before left, spread over the charges so that shares add up.

Credits are never discounted: they take back the discount of the line that they repair (`domain.credits`).
"""

from collections.abc import Sequence
from fractions import Fraction

from billing_kernel.decimals import parse_decimal
from billing_kernel.money import Money, allocate
from billing_kernel.rounding import Rounding, round_fraction

from billing_invoicing.domain.due import Charge, Discount, Due, LineDiscount
from billing_invoicing.domain.explaining import naming_discounts


def with_discounts(due: Due) -> Due:
    """The due with every discount on its charges; the explanation of each discounted charge names them."""
    if not due.discounts:
        return due
    charges = list(due.charges)
    for discount in due.discounts:
        _take_off(charges, discount, due.currency)
    named = [naming_discounts(charge, due.currency) if charge.discounts else charge for charge in charges]
    return due._replace(charges=tuple(named), discounts=())


def _take_off(charges: list[Charge], discount: Discount, currency: str) -> None:
    """Adds the discount's shares to the eligible charges, in place."""
    places = [place for place, charge in enumerate(charges) if _eligible(charge, discount)]
    left = [charges[place].taxable_minor for place in places]
    amount_minor = _amount(discount, left)
    if amount_minor == 0:
        return
    for place, share in zip(places, allocate(Money(currency, amount_minor), left), strict=True):
        if share.minor:
            part = LineDiscount(discount.redemption_id, discount.coupon_code, discount.percent, share.minor)
            charges[place] = charges[place]._replace(discounts=(*charges[place].discounts, part))


def _eligible(charge: Charge, discount: Discount) -> bool:
    named = not discount.item_codes or charge.code in discount.item_codes
    return named and charge.credit_of is None and charge.taxable_minor > 0


def _amount(discount: Discount, left: Sequence[int]) -> int:
    """Minor units that the discount takes off, at most what is left; a percentage is rounded half up over the sum."""
    whole = sum(left)
    if not discount.percent:
        return min(discount.amount_minor, whole)
    percent: Fraction = parse_decimal(discount.percent)
    return min(round_fraction(whole * percent / 100, Rounding.HALF_UP), whole)
