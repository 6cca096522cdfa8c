"""Discounts of a due: in their order, each on what the ones before left, spread over the charges so that shares add up.

Credits are never discounted: they take back the discount of the line that they repair (`domain.credits`). What they
take back of a fixed amount is given again on the charges of the change that made them, so that a period has its amount
once, however often it is cut. Percentages need no such thing: they are those of whatever is charged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billing_kernel.decimals import parse_decimal
from billing_kernel.discounts import Cut, Line, discount_shares

from billing_invoicing.domain.credits import Repaired, part_of
from billing_invoicing.domain.due import Charge, Discount, Due, LineDiscount
from billing_invoicing.domain.explaining import naming_discounts

NONE: Mapping[UUID, Repaired] = {}


def with_discounts(due: Due, repaired: Mapping[UUID, Repaired] = NONE) -> Due:
    """The due with every discount on its charges; the explanation of each discounted charge names them.

    `repaired`: the lines of other invoices that it credits.
    """
    if not due.discounts:
        return due
    shares = _with_again(due, repaired) if due.credited else discount_shares(*_asked(due), due.currency)
    taken = zip(*shares, strict=True)  # by charge
    charges = [_taken_off(charge, due.discounts, parts) for charge, parts in zip(due.charges, taken, strict=True)]
    named = [naming_discounts(charge, due.currency) if charge.discounts else charge for charge in charges]
    return due._replace(charges=tuple(named), discounts=())


def _asked(due: Due) -> tuple[list[Line], list[Cut]]:
    return [_line(charge) for charge in due.charges], [_cut(each) for each in due.discounts]


def _with_again(due: Due, repaired: Mapping[UUID, Repaired]) -> list[list[int]]:
    """What each discount takes off each charge, with what credits of the due take back of it."""
    lines, cuts = _asked(due)
    found = []
    for discount, cut in zip(due.discounts, cuts, strict=True):
        (taken,) = discount_shares(lines, [cut], due.currency)
        if not discount.percent:
            taken = _again(due.charges, discount, lines, taken, repaired)
        lines = [line._replace(minor=line.minor - off) for line, off in zip(lines, taken, strict=True)]
        found.append(taken)
    return found


def _again(
    charges: Sequence[Charge],
    discount: Discount,
    lines: Sequence[Line],
    taken: Sequence[int],
    repaired: Mapping[UUID, Repaired],
) -> list[int]:
    """In the order of the charges: a credit comes before the charges that replace what it gives back, from then on."""
    found, given = list(taken), dict[UUID, int]()
    back: dict[datetime, int] = {}  # by where the credit begins
    places = {charge.charge_id: place for place, charge in enumerate(charges)}
    for place, charge in enumerate(charges):
        if charge.credit_of is not None:
            of_id = charge.credit_of.charge_id
            own, line = places.get(of_id), repaired.get(of_id)
            whole = _of_line(discount, line) if own is None else (charges[own].amount_minor, found[own])
            before = given.get(of_id, line.given_minor if line and own is None else 0)
            given[of_id] = before - charge.amount_minor
            back[charge.period_start] = back.get(charge.period_start, 0) + _back(whole, before, given[of_id])
        elif back and charge.reason and (not discount.item_codes or charge.code in discount.item_codes):
            for start in [start for start in back if start <= charge.period_start]:
                more = min(back[start], max(0, lines[place].minor - found[place]))
                found[place] += more
                back[start] -= more
    return found


def _of_line(discount: Discount, repaired: Repaired | None) -> tuple[int, int]:
    """The amount of a line, and its share of the discount."""
    if repaired is None:
        return 0, 0
    line = repaired.line
    own = [each.amount_minor for each in line.discounts if each.redemption_id == discount.redemption_id]
    return line.amount_minor, sum(own)


def _back(whole: tuple[int, int], before: int, upto: int) -> int:
    """What a credit takes back of it, the rule of `domain.credits`."""
    amount, share = whole
    return part_of(share, upto, amount) - part_of(share, before, amount)


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
