"""The minimum commitment of a plan: what its period misses of it, and how that came about."""

from fractions import Fraction

import pytest
from billing.common.v1 import period_pb2, tax_facts_pb2
from billing_invoicing.domain.due import TaxBehavior
from billing_invoicing.domain.true_up import with_true_up
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.money import Money
from billing_pricing import Explanation, explanation_from_json, verify
from billing_pricing.nodes import Constant
from invoicing_builders import FEBRUARY, JANUARY, MARCH, billing_due, flat_charge, stamp
from invoicing_credits import commitment, credit_of


def during(start, end):
    return {"service_period": period_pb2.Period(start=stamp(start), end=stamp(end))}


MIDDLE = JANUARY.replace(day=15)
CASES = {
    "what is missed": ([3000], 10000, 0, 7000),
    "what was billed before counts": ([3000], 10000, 2500, 4500),
    "nothing is missed": ([10000], 10000, 0, None),
    "more than committed": ([9000], 10000, 2000, None),
    "no charge at all": ([], 10000, 0, 10000),
}


@pytest.mark.parametrize(("amounts", "committed", "billed", "expected"), CASES.values(), ids=CASES)
def test_cases(amounts, committed, billed, expected):
    due = due_from_pb(billing_due([flat_charge(each) for each in amounts], commitment=commitment(committed, billed)))
    filled = with_true_up(due)
    added = filled.charges[len(amounts) :]
    assert [charge.amount_minor for charge in added] == ([expected] if expected else [])
    assert filled.commitment is None


def test_only_charges_of_the_period_count_windows_and_credits_included():
    earlier = flat_charge(5000)
    charges = [
        flat_charge(1000, **during(JANUARY, MIDDLE)),
        flat_charge(2000, **during(MIDDLE, FEBRUARY)),
        credit_of(earlier, 500, **during(MIDDLE, FEBRUARY)),
        flat_charge(9900, **during(FEBRUARY, MARCH)),  # in advance, for the next period
    ]
    filled = with_true_up(due_from_pb(billing_due(charges, commitment=commitment(10000))))
    assert filled.charges[-1].amount_minor == 7500


def test_charges_that_are_invoiced_already_count():
    due = due_from_pb(billing_due([flat_charge(1000)], commitment=commitment(10000)))
    (invoiced,) = due_from_pb(billing_due([flat_charge(4000)])).charges
    assert with_true_up(due, [(4000, invoiced)]).charges[-1].amount_minor == 5000


def test_the_explanation_gives_the_amount():
    due = due_from_pb(billing_due([flat_charge(3000)], commitment=commitment(10000, 2500)))
    charge = with_true_up(due).charges[-1]
    explanation = explanation_from_json(charge.explanation)
    assert verify(explanation, Fraction(int(charge.exact.numerator), int(charge.exact.denominator)), Money("EUR", 4500))
    assert explanation.sentence() == (
        "the larger of (0 EUR) and (100.00 EUR (100 EUR a month) - 25 EUR billed before - 30 EUR charged with it)"
        " = 45.00 EUR"
    )
    assert (charge.code, charge.description, charge.quantity) == ("", "Minimum commitment", "")


def test_with_inclusive_prices_gross_is_held_against_gross():
    inclusive = {"tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_INCLUSIVE}
    facts = {"plan_version": "pv_1", "period_start": "2026-01-01T00:00:00Z"}
    explained = Explanation(Constant(Fraction(100), "EUR a month"), "EUR", references=facts)
    promised = commitment(10000, explanation=explained.to_json(), **inclusive)
    due = with_true_up(due_from_pb(billing_due([flat_charge(3000, **inclusive)], commitment=promised)))
    added = due.charges[-1]
    assert (added.amount_minor, added.tax_behavior) == (7000, TaxBehavior.INCLUSIVE)
    assert explanation_from_json(added.explanation).references == facts


@pytest.mark.parametrize("explanation", ["none", Explanation(Constant(Fraction(7), "EUR"), "EUR").to_json()])
def test_a_proration_that_explains_something_else_is_left_out(explanation):
    due = due_from_pb(billing_due([], commitment=commitment(10000, explanation=explanation)))
    sentence = explanation_from_json(with_true_up(due).charges[0].explanation).sentence()
    assert sentence.endswith("(100 EUR committed - 0 EUR billed before - 0 EUR charged with it) = 100.00 EUR")


def test_without_one_the_due_stays():
    due = due_from_pb(billing_due())
    assert with_true_up(due) is due
