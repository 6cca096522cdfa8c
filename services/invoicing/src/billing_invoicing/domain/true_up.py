"""The minimum commitment of a whole plan: what the charges of its period miss of it becomes one more charge."""

from collections.abc import Iterable
from fractions import Fraction

from billing_kernel.money import Money
from billing_pricing import Explanation
from billing_pricing.nodes import Constant, Maximum, Node, Subtract

from billing_invoicing.domain.due import Charge, Commitment, Due, Exact
from billing_invoicing.domain.explaining import major, references_of, root_of

NO_QUANTITY = ""


def with_true_up(due: Due, elsewhere: Iterable[tuple[int, Charge]] = ()) -> Due:
    """The due with the charge that fills up its commitment, where anything is missed. Every charge has its amount.

    `elsewhere`: charges of the same due that are on an invoice already, each with its amount there.
    """
    commitment = due.commitment
    if commitment is None:
        return due
    own = [(charge.amount_minor, charge) for charge in due.charges]
    spent = sum([minor for minor, charge in (*own, *elsewhere) if _within(charge, commitment)])
    missed = max(0, commitment.amount_minor - commitment.billed_minor - spent)
    added = (_charge(commitment, spent, missed, due.currency),) if missed else ()
    return due._replace(charges=(*due.charges, *added), commitment=None)


def _within(charge: Charge, commitment: Commitment) -> bool:
    """Whether the charge counts for the period committed to: a whole one, or a window of it."""
    return commitment.period_start <= charge.period_start and charge.period_end <= commitment.period_end


def _charge(commitment: Commitment, spent_minor: int, missed_minor: int, currency: str) -> Charge:
    exact = major(missed_minor, currency)
    return Charge(
        commitment.charge_id,
        False,
        None,
        None,
        "",
        commitment.description,
        commitment.period_start,
        commitment.period_end,
        NO_QUANTITY,
        "",
        Exact(str(exact.numerator), str(exact.denominator)),
        missed_minor,
        Explanation(
            _tree(commitment, spent_minor, currency), currency, references=references_of(commitment.explanation)
        ).to_json(),
        commitment.tax_category,
        commitment.tax_behavior,
        commitment.supply_at,
    )


def _tree(commitment: Commitment, spent_minor: int, currency: str) -> Node:
    """`billing_pricing.minimum_true_up` with the proration of the commitment in it; each rounded, then subtracted."""
    prorated = root_of(commitment.explanation, Money(currency, commitment.amount_minor), f"{currency} committed")
    billed = Constant(major(commitment.billed_minor, currency), f"{currency} billed before")
    spent = Constant(major(spent_minor, currency), f"{currency} charged with it")
    return Maximum((Constant(Fraction(0), currency), Subtract((prorated, billed, spent))))
