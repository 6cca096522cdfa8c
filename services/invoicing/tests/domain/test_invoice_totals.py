"""Totals are the sum of the lines, for any lines; what does not add up is refused."""

import pytest
from billing_invoicing.domain.billing import (
    CURRENCY_MISMATCH,
    NO_SELLER,
    NOT_RATED,
    NOT_TAXED,
    SELLER_NOT_FOUND,
    TAX_INCONSISTENT,
    Work,
    draft,
    seller_for,
    with_ratings,
)
from billing_invoicing.domain.due import Exact, Rating, Refusal, TaxBehavior, TaxedLine, without
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import uuid7
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import FEBRUARY, a_seller, billing_due, flat_charge, metered_charge, taxed, vat

AMOUNTS = st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from([0, 7, 19, 25])), min_size=1, max_size=20)
RATING = Rating(None, "3", 3, Exact("3", "1"), 300, "EUR", "")


def build(due_pb, answers, seller=None):
    return draft(Work(due_from_pb(due_pb), seller or a_seller()), answers, now=FEBRUARY, new_id=uuid7)


@given(AMOUNTS)
def test_totals_are_lines_and_tax(rows):
    made = build(
        billing_due([flat_charge(amount) for amount, _ in rows]), [taxed(amount, percent) for amount, percent in rows]
    )
    assert isinstance(made, Invoice)
    assert made.net_minor == sum(amount for amount, _ in rows)
    assert made.total_minor == made.net_minor + made.tax_minor
    assert sum(tax.amount_minor for tax in made.tax_summary) == made.tax_minor
    assert sum(tax.base_minor for tax in made.tax_summary) == made.net_minor
    assert [line.position for line in made.lines] == list(range(1, len(rows) + 1))


def test_the_summary_keeps_rates_apart_and_adds_equal_ones():
    made = build(
        billing_due([flat_charge(100), flat_charge(200), flat_charge(300)]), [taxed(100), taxed(200, 7), taxed(300)]
    )
    assert [(tax.rate_percent, tax.base_minor, tax.amount_minor) for tax in made.tax_summary] == [
        ("19", 400, 76),
        ("7", 200, 14),
    ]


INCLUSIVE = {"tax_behavior": 2}


@pytest.mark.parametrize(
    ("charges", "answers", "refusal"),
    [
        ([flat_charge(100)], [], NOT_TAXED),
        ([flat_charge(100)], Refusal("UNKNOWN_TAX_CATEGORY", "no"), Refusal("UNKNOWN_TAX_CATEGORY", "no")),
        ([flat_charge(100)], [TaxedLine(99, 19, (vat(100),))], TAX_INCONSISTENT),
        ([flat_charge(119, **INCLUSIVE)], [TaxedLine(100, 18, ())], TAX_INCONSISTENT),
    ],
)
def test_refusals(charges, answers, refusal):
    assert build(billing_due(charges), answers) == refusal


def test_sums_beyond_64_bits_are_refused():
    most = 2**63 - 1
    refusal = build(billing_due([flat_charge(most), flat_charge(most)]), [TaxedLine(most, 0, ())] * 2)
    assert refusal.reason == "AMOUNT_OVERFLOW"


def test_a_price_with_its_tax_inside():
    made = build(billing_due([flat_charge(119, **INCLUSIVE)]), [TaxedLine(100, 19, (vat(100),))])
    (line,) = made.lines
    assert (line.amount_minor, line.net_minor, line.tax_minor, made.total_minor) == (119, 100, 19, 119)
    assert line.tax_behavior is TaxBehavior.INCLUSIVE


def test_ratings_fill_metered_charges_alone():
    due = due_from_pb(billing_due([flat_charge(), metered_charge()]))
    flat, metered = due.charges
    rating_id = uuid7()
    rated = with_ratings(due, {metered.charge_id: RATING._replace(rating_id=rating_id)})
    assert rated.charges[0] == flat
    after = rated.charges[1]
    assert (after.quantity, after.amount_minor, after.event_count, after.rating_id) == ("3", 300, 3, rating_id)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (None, NOT_RATED),
        (Refusal("UNKNOWN_METER", "no"), Refusal("UNKNOWN_METER", "no")),
        (RATING._replace(currency="USD"), CURRENCY_MISMATCH),
    ],
)
def test_ratings_that_refuse_the_due(answer, refusal):
    due = due_from_pb(billing_due([metered_charge()]))
    answers = {due.charges[0].charge_id: answer} if answer is not None else {}
    assert with_ratings(due, answers) == refusal


def test_which_seller_bills():
    default, other = a_seller(), a_seller(is_default=False)
    both = {seller.seller_id: seller for seller in (other, default)}
    due = due_from_pb(billing_due())
    assert seller_for(due, both) is default
    assert seller_for(due._replace(seller_id=other.seller_id), both) is other
    assert seller_for(due._replace(seller_id=uuid7()), both) == SELLER_NOT_FOUND
    assert seller_for(due, {}) == NO_SELLER


def test_charges_that_are_invoiced_are_left_out():
    due = due_from_pb(billing_due([flat_charge(1), flat_charge(2)]))
    assert without(due, {due.charges[0].charge_id}).charges == due.charges[1:]
    assert without(due, set()) is due
