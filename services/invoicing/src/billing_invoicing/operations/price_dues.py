"""What needs all charges of a due at once: caps of credits, the minimum of a plan, discounts. One read a batch."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_invoicing.domain.credits import Repaired, capped_credits
from billing_invoicing.domain.discounts import with_discounts
from billing_invoicing.domain.due import Due, Refusal
from billing_invoicing.domain.true_up import with_true_up
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.prepared import Prepared


async def price_dues(reads: UnitOfWork, prepared: Sequence[Prepared]) -> None:
    """Prices in place; every metered charge is rated. A due that is refused is parked, one without a charge left is
    settled without an invoice."""
    wanted = [each for each in prepared if each.due.discounts or each.due.commitment or each.due.credited]
    if not wanted:
        return
    lines = await reads.invoices.lines_of(sorted({charge_id for each in wanted for charge_id in _asked(each)}))
    for each in wanted:
        priced = _priced(each, lines)
        if isinstance(priced, Refusal):
            each.park(priced)
            continue
        each.due = priced
        each.repaired = {charge_id: lines[charge_id] for charge_id in priced.credited & lines.keys()}
        if priced.charges:
            each.held = None
        else:
            each.settle_without()


def _asked(each: Prepared) -> set[UUID]:
    """The charges whose lines decide about this due: those that it credits, and its own that are invoiced already."""
    left_out = each.left_out if each.due.commitment else ()
    return {*each.due.credited, *(charge.charge_id for charge in left_out)}


def _priced(each: Prepared, lines: Mapping[UUID, Repaired]) -> Due | Refusal:
    capped = capped_credits(each.due, lines)
    if isinstance(capped, Refusal):
        return capped
    invoiced = [charge for charge in each.left_out if charge.charge_id in lines]
    elsewhere = [(lines[charge.charge_id].line.amount_minor, charge) for charge in invoiced]
    return with_discounts(with_true_up(capped, elsewhere), lines)
