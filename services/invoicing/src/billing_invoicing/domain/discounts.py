"""Discounts of a due: in their order, each on what the ones before left, spread over the charges so that shares add up.

Credits are never discounted: they take back the discount of the line that they repair (`domain.credits`).
"""

from billing_kernel.decimals import parse_decimal
from billing_kernel.discounts import Cut, Line, discount_shares

from billing_invoicing.domain.due import Charge, Discount, Due, LineDiscount
from billing_invoicing.domain.explaining import naming_discounts


def with_discounts(due: Due) -> Due:
    """The due with every discount on its charges; the explanation of each discounted charge names them."""
    if not due.discounts:
        return due
    lines = [_line(charge) for charge in due.charges]
    shares = discount_shares(lines, [_cut(each) for each in due.discounts], due.currency)
    taken = zip(*shares, strict=True)  # by charge
    charges = [_taken_off(charge, due.discounts, parts) for charge, parts in zip(due.charges, taken, strict=True)]
    named = [naming_discounts(charge, due.currency) if charge.discounts else charge for charge in charges]
    return due._replace(charges=tuple(named), discounts=())


def _line(charge: Charge) -> Line:
    return Line(charge.code, charge.taxable_minor if charge.credit_of is None else 0)


def _cut(discount: Discount) -> Cut:
    percent = parse_decimal(discount.percent) if discount.percent else None
    return Cut(percent, discount.amount_minor, discount.item_codes)


def _taken_off(charge: Charge, discounts: tuple[Discount, ...], shares: tuple[int, ...]) -> Charge:
    parts = tuple(
        LineDiscount(each.redemption_id, each.coupon_code, each.percent, minor)
        for each, minor in zip(discounts, shares, strict=True)
        if minor
    )
    return charge._replace(discounts=charge.discounts + parts) if parts else charge
