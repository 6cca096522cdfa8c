"""Credits: within the line that they repair, with its discounts and its taxes, and in any slices the same."""

import pytest
from billing_invoicing.domain.billing import Work, draft
from billing_invoicing.domain.credits import (
    NOT_CREDITABLE,
    NOT_FOUND,
    NOT_NEGATIVE,
    OTHER_CURRENCY,
    Repaired,
    capped_credits,
    credit_line,
    waves,
)
from billing_invoicing.wire.charges import charge_from_pb
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import uuid7
from billing_pricing import explanation_from_json
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import FEBRUARY, a_seller, billing_due, flat_charge, taxed
from invoicing_credits import a_line, credit_of, of


def priced(line, amount_minor):
    """A credit of the line, within its cap."""
    return charge_from_pb(flat_charge(-amount_minor), "EUR")._replace(credit_of=of(line.charge_id))


def given_back(line, *amounts):
    """The lines of credits, one after the other."""
    repaired = Repaired(line, uuid7(), "EUR")
    for position, amount in enumerate(amounts, 1):
        made = credit_line(uuid7(), position, priced(line, amount), repaired)
        repaired = repaired._replace(given=(*repaired.given, made), ordinal=repaired.ordinal + 1)
    return repaired.given


@pytest.mark.parametrize(
    ("amount", "percent", "slices", "taxes"),
    [
        (20000, 25, [19333], [4833]),  # G01: 29 of 30 days of 200.00 at 25 %
        (76900, 20, [72686, 4214], [14537, 843]),  # G04: two credits make up the invoice
        (10, 14, [5, 5], [1, 0]),  # 0.007 rounds up once only: 0.01 was all the tax
    ],
)
def test_tax_is_given_back_at_the_line_s_own_rate(amount, percent, slices, taxes):
    made = given_back(a_line(amount, percent), *slices)
    assert [-line.tax_minor for line in made] == taxes
    assert [-line.net_minor for line in made] == slices


def test_a_credit_takes_back_its_share_of_the_discounts():
    (made,) = given_back(a_line(10000, 20, (2500, 750)), 3333)
    assert (made.amount_minor, made.discount_minor, made.net_minor, made.tax_minor) == (-3333, -1083, -2250, -450)
    assert [each.amount_minor for each in made.discounts] == [-833, -250]
    assert made.taxes[0].base_minor == -2250


def test_a_price_with_its_tax_inside():
    line = a_line(11900, 19, inclusive=True)
    (made,) = given_back(line, 5950)
    assert (made.amount_minor, made.net_minor, made.tax_minor) == (-5950, -5000, -950)


@given(st.data(), st.integers(1, 10**7), st.integers(0, 27), st.booleans())
def test_slices_of_a_whole_line_give_back_exactly_the_line(data, amount, percent, inclusive):
    first = data.draw(st.integers(0, amount))
    second = data.draw(st.integers(0, amount - first))
    line = a_line(amount, percent, (first, second), inclusive=inclusive)
    cuts = sorted(data.draw(st.lists(st.integers(0, amount), max_size=6)))
    slices = [upper - lower for lower, upper in zip([0, *cuts], [*cuts, amount], strict=True)]
    made = given_back(line, *slices)
    for figure in ("amount_minor", "net_minor", "tax_minor", "discount_minor"):
        assert sum(getattr(credit, figure) for credit in made) == -getattr(line, figure)
    for place, discount in enumerate(line.discounts):
        assert sum(credit.discounts[place].amount_minor for credit in made) == -discount.amount_minor
    assert [credit.credit_of.ordinal for credit in made] == list(range(1, len(slices) + 1))


def capped(charges, *lines, currency="EUR"):
    repaired = {line.charge_id: Repaired(line, uuid7(), currency) for line in lines}
    return capped_credits(due_from_pb(billing_due(charges)), repaired)


def test_a_credit_is_cut_to_what_is_left():
    bought = flat_charge(5000)
    line = a_line(5000)._replace(charge_id=due_from_pb(billing_due([bought])).charges[0].charge_id)
    first, second, third = capped(
        [credit_of(bought, 3000), credit_of(bought, 3000), credit_of(bought, 1)], line
    ).charges
    assert (first.amount_minor, second.amount_minor, third.amount_minor) == (-3000, -2000, 0)
    explanation = explanation_from_json(second.explanation)
    assert (explanation.rounded.minor, explanation.exact.value) == (-2000, -20)
    assert "-20 EUR, what is left of the line" in explanation.sentence()
    assert (second.exact.numerator, second.exact.denominator) == ("-20", "1")


def test_an_unreadable_explanation_is_cut_as_well():
    bought = flat_charge(5000)
    (cut,) = capped([bought, credit_of(bought, 6000, explanation="none")]).charges[1:]
    assert explanation_from_json(cut.explanation).rounded.minor == cut.amount_minor == -5000


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"lines": False}, NOT_FOUND),
        ({"currency": "USD"}, OTHER_CURRENCY),
        ({"amount": -1}, NOT_NEGATIVE),
        ({"of_a_credit": True}, NOT_CREDITABLE),
    ],
)
def test_what_cannot_be_credited(change, refusal):
    bought = flat_charge(5000)
    line = a_line(5000)._replace(charge_id=due_from_pb(billing_due([bought])).charges[0].charge_id)
    if change.get("of_a_credit"):
        (credit,) = given_back(line, 100)
        line = credit._replace(charge_id=line.charge_id)
    found = capped(
        [credit_of(bought, change.get("amount", 100))],
        *([line] if change.get("lines", True) else []),
        currency=change.get("currency", "EUR"),
    )
    assert found == refusal if refusal else found.charges[0].amount_minor == -100


def test_a_credit_of_a_credit_in_the_same_due_is_refused():
    bought = flat_charge(5000)
    credit = credit_of(bought, 100)
    assert capped([bought, credit, credit_of(credit, 50)]) == NOT_CREDITABLE


def test_a_due_may_credit_its_own_charge():
    bought = flat_charge(5000)
    due = due_from_pb(billing_due([credit_of(bought, 2000), bought, credit_of(bought, 500)]))
    made = draft(Work(due, a_seller()), [taxed(5000)], now=FEBRUARY, new_id=uuid7)
    first, charge, second = made.lines
    assert [line.position for line in made.lines] == [1, 2, 3]
    assert first.credit_of[:3] == second.credit_of[:3] == (charge.charge_id, made.invoice_id, charge.line_id)
    assert (first.credit_of.ordinal, second.credit_of.ordinal) == (1, 2)
    assert (made.net_minor, made.tax_minor, made.total_minor) == (2500, 475, 2975)
    assert (first.reason, first.proration) == ("DOWNGRADE", "BY_DAYS, ACTUAL_PERIOD")


def test_a_due_never_shares_a_wave_with_one_whose_charges_or_credits_it_credits():
    bought, other = flat_charge(1000), flat_charge(1000)
    dues = [
        billing_due([bought]),
        billing_due([other]),
        billing_due([credit_of(bought, 100)]),
        billing_due([flat_charge()]),
        billing_due([credit_of(bought, 100)]),
        billing_due([credit_of(other, 100)]),
    ]
    assert [len(wave) for wave in waves([due_from_pb(due) for due in dues])] == [2, 2, 2]
    assert [len(wave) for wave in waves([due_from_pb(due) for due in dues[:2]])] == [2]
    assert list(waves([])) == []
