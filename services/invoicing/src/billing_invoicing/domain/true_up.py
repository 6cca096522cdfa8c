"""The minimum commitment of a whole plan: what the charges of its period miss of it becomes one more charge."""

from collections.abc import Iterable
from fractions import Fraction

from billing_kernel.rounding import Rounding
from billing_pricing import Explanation
from billing_pricing.nodes import Add, Constant, Maximum, Multiply, Node, Round

from billing_invoicing.domain.due import Charge, Commitment, Due, Exact
from billing_invoicing.domain.explaining import major, tree_of

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
        Explanation(_tree(commitment, spent_minor, currency), currency).to_json(),
        commitment.tax_category,
        commitment.tax_behavior,
        commitment.supply_at,
    )


def _tree(commitment: Commitment, spent_minor: int, currency: str) -> Node:
    """The commitment, prorated and rounded on its own, without what the period was billed; never below zero."""
    promised = Constant(major(commitment.amount_minor, currency), f"{currency} committed")
    prorated = Round(tree_of(commitment.explanation, promised, currency), currency, Rounding.HALF_UP)
    missing = Add(
        (
            prorated,
            _less(commitment.billed_minor, "billed before", currency),
            _less(spent_minor, "charged with it", currency),
        )
    )
    return Maximum((Constant(Fraction(0), currency), missing))


def _less(minor: int, label: str, currency: str) -> Node:
    return Multiply((Constant(Fraction(-1), label), Constant(major(minor, currency), currency)))
