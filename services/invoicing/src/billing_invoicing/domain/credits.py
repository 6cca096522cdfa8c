"""Credits: what is given back of a line, with its own discount and tax, never more than is left of it.

Every part (discounts, each tax) is given back in the proportion of what was given back so far, less what earlier
credits gave: so credits of a whole line give back exactly its discounts and taxes, in whatever slices they come.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from billing_kernel.rounding import Rounding, round_ratio

from billing_invoicing.domain.due import Charge, Due, LineDiscount, LineTax, Refusal, TaxBehavior, TaxedLine
from billing_invoicing.domain.explaining import capped
from billing_invoicing.domain.invoice import CreditedLine, Line
from billing_invoicing.domain.lines import line_of

NOT_FOUND = Refusal(
    "REPAIRED_LINE_NOT_FOUND", "a credit names a charge that is on no invoice: its due is parked, or its invoice void"
)
NOT_CREDITABLE = Refusal("LINE_NOT_CREDITABLE", "a credit names a line that is itself a credit")
OTHER_CURRENCY = Refusal("CURRENCY_MISMATCH", "a credit is in another currency than the line that it repairs")
NOT_NEGATIVE = Refusal("CREDIT_NOT_NEGATIVE", "a credit has an amount above zero")


class Repaired(NamedTuple):
    """A line on an invoice that is not void, the credits that were given of it, and how many were ever written."""

    line: Line
    invoice_id: UUID
    currency: str
    given: tuple[Line, ...] = ()
    ordinal: int = 0

    @property
    def given_minor(self) -> int:
        """What was given back of its amount."""
        return -sum([credit.amount_minor for credit in self.given])

    @property
    def left_minor(self) -> int:
        """What may still be given back of its amount."""
        return self.line.amount_minor - self.given_minor


def capped_credits(due: Due, repaired: Mapping[UUID, Repaired]) -> Due | Refusal:
    """The due whose credits exceed no line; the reason where one cannot be given. Every charge has its amount."""
    credited = due.credited
    if not credited:
        return due
    left: dict[UUID, int] = {}
    for charge in due.charges:
        if charge.charge_id in credited:
            if charge.credit_of is not None:
                return NOT_CREDITABLE
            left[charge.charge_id] = charge.amount_minor
    for charge_id in credited - left.keys():
        found = _creditable(repaired.get(charge_id), due.currency)
        if isinstance(found, Refusal):
            return found
        left[charge_id] = found
    return _cut(due, left)


def _creditable(repaired: Repaired | None, currency: str) -> int | Refusal:
    """What is left of the line, in minor units."""
    if repaired is None:
        return NOT_FOUND
    if repaired.line.credit_of is not None:
        return NOT_CREDITABLE
    return repaired.left_minor if repaired.currency == currency else OTHER_CURRENCY


def _cut(due: Due, left: dict[UUID, int]) -> Due | Refusal:
    """In the order of the charges, so that of two credits of one line the later one is cut."""
    charges: list[Charge] = []
    for charge in due.charges:
        made = charge
        if charge.credit_of is not None:
            if charge.amount_minor > 0:
                return NOT_NEGATIVE
            repaired_id = charge.credit_of.charge_id
            made = capped(charge, max(0, left[repaired_id]), due.currency)
            left[repaired_id] += made.amount_minor
        charges.append(made)
    return due._replace(charges=tuple(charges))


def credit_line(line_id: UUID, position: int, charge: Charge, repaired: Repaired) -> Line:
    """The line of a credit that is within its cap."""
    line, given = repaired.line, repaired.given
    before = repaired.given_minor
    discounts = tuple(_discounts(line, given, before - charge.amount_minor))
    discount_minor = sum([discount.amount_minor for discount in discounts])
    taxable = charge.amount_minor - discount_minor
    taxes = _taxes(line, given, -sum([credit.taxable_minor for credit in given]) - taxable)
    tax_minor = sum(taxes)
    net_minor = taxable - (tax_minor if line.tax_behavior is TaxBehavior.INCLUSIVE else 0)
    told = tuple(
        [tax._replace(base_minor=net_minor, amount_minor=amount) for tax, amount in zip(line.taxes, taxes, strict=True)]
    )
    return line_of(line_id, position, charge, TaxedLine(net_minor, tax_minor, told))._replace(
        tax_behavior=line.tax_behavior,
        discount_minor=discount_minor,
        discounts=discounts,
        credit_of=CreditedLine(line.charge_id, repaired.invoice_id, line.line_id, repaired.ordinal + 1),
    )


def _discounts(line: Line, given: Sequence[Line], upto_minor: int) -> Iterator[LineDiscount]:
    """Each discount of the line as far as this credit takes it back, once `upto_minor` of its amount is given back."""
    for place, discount in enumerate(line.discounts):
        before = sum([credit.discounts[place].amount_minor for credit in given])
        due = part_of(discount.amount_minor, upto_minor, line.amount_minor)
        yield discount._replace(amount_minor=-due - before)


def _taxes(line: Line, given: Sequence[Line], upto_minor: int) -> list[int]:
    """Each tax of the line as far as this credit takes it back, once `upto_minor` of what was taxed is given back."""
    return [
        -part_of(tax.amount_minor, upto_minor, line.taxable_minor) - _taxed_before(given, place)
        for place, tax in enumerate(line.taxes)
    ]


def _taxed_before(given: Sequence[Line], place: int) -> int:
    return sum([_tax_at(credit, place).amount_minor for credit in given])


def _tax_at(credit: Line, place: int) -> LineTax:
    """A credit has the taxes of the line that it repairs, in their order."""
    return credit.taxes[place]


def part_of(whole_minor: int, upto_minor: int, of_minor: int) -> int:
    """`upto` of `of` of a whole, rounded half up."""
    return round_ratio(whole_minor * upto_minor, of_minor, Rounding.HALF_UP) if of_minor else 0


def waves(dues: Sequence[Due]) -> Iterator[list[Due]]:
    """The dues in their order, cut so that no due credits a line that another due of its wave makes or credits."""
    if not any(due.credited for due in dues):
        if dues:
            yield list(dues)
        return
    wave: list[Due] = []
    charged: set[UUID] = set()
    credited: set[UUID] = set()
    for due in dues:
        gives = due.credited
        if wave and gives and (gives & charged or gives & credited):
            yield wave
            wave, charged, credited = [], set(), set()
        wave.append(due)
        charged.update([charge.charge_id for charge in due.charges])
        credited |= gives
    if wave:
        yield wave
