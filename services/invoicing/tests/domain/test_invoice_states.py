"""Every action in every state: what comes out, or which refusal."""

from datetime import timedelta

import pytest
from billing_invoicing.domain.errors import (
    AmountNotPositive,
    InvoiceIsPaid,
    InvoiceIsVoid,
    InvoiceNotDraft,
    InvoiceNotOpen,
    PaymentExceedsDue,
)
from billing_invoicing.domain.events import InvoicePaid, InvoicePartlyPaid, payment_told
from billing_invoicing.domain.invoice import (
    TRANSITIONS,
    State,
    issued,
    out_of_band,
    relabelled,
    voided,
    with_payment,
    withdrawn,
)
from billing_kernel.money import CurrencyMismatch, Money
from invoicing_builders import FEBRUARY, MARCH, a_draft, billing_due, flat_charge

NUMBER = "ACME-2026-000001"


def issue(invoice):
    return issued(invoice, number=NUMBER, seller_version=1, invoice_at=MARCH, due_at=MARCH, now=MARCH)


def in_state(state, **changes):
    return a_draft(state=state, number="" if state is State.DRAFT else NUMBER, **changes)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.DRAFT, State.OPEN),
        (State.OPEN, InvoiceNotDraft),
        (State.PAID, InvoiceNotDraft),
        (State.VOID, InvoiceNotDraft),
    ],
)
def test_issue(state, outcome):
    if isinstance(outcome, State):
        assert issue(in_state(state)).state is outcome
        assert outcome in TRANSITIONS[state]
    else:
        with pytest.raises(outcome):
            issue(in_state(state))


@pytest.mark.parametrize(
    ("state", "paid_minor", "outcome"),
    [
        (State.DRAFT, 0, State.VOID),
        (State.OPEN, 0, State.VOID),
        (State.OPEN, 1, InvoiceIsPaid),
        (State.PAID, 5831, InvoiceIsPaid),
        (State.VOID, 0, InvoiceIsVoid),
    ],
)
def test_void(state, paid_minor, outcome):
    invoice = in_state(state, paid_minor=paid_minor)
    if isinstance(outcome, State):
        after = voided(invoice, now=MARCH)
        assert (after.state, after.version, after.number) == (outcome, invoice.version + 1, invoice.number)
        assert outcome in TRANSITIONS[state]
    else:
        with pytest.raises(outcome):
            voided(invoice, now=MARCH)


@pytest.mark.parametrize("state", State)
def test_the_invoice_of_a_start_that_ended_is_withdrawn_whatever_was_paid(state):
    invoice = in_state(state, paid_minor=10)
    if state is State.VOID:
        with pytest.raises(InvoiceIsVoid):
            withdrawn(invoice, now=MARCH)
    else:
        after = withdrawn(invoice, now=MARCH)
        assert (after.state, after.paid_minor, after.version) == (State.VOID, 10, invoice.version + 1)
        assert State.VOID in TRANSITIONS[state]


@pytest.mark.parametrize(
    ("state", "amount", "outcome"),
    [
        (State.OPEN, None, 5831),
        (State.OPEN, Money("EUR", 5831), 5831),
        (State.OPEN, Money("EUR", 1), 1),
        (State.OPEN, Money("EUR", 5832), PaymentExceedsDue),
        (State.OPEN, Money("EUR", 0), AmountNotPositive),
        (State.OPEN, Money("EUR", -5), AmountNotPositive),
        (State.OPEN, Money("USD", 5831), CurrencyMismatch),
        (State.DRAFT, None, InvoiceNotOpen),
        (State.PAID, None, InvoiceNotOpen),
        (State.VOID, None, InvoiceNotOpen),
    ],
)
def test_out_of_band(state, amount, outcome):
    if isinstance(outcome, int):
        assert out_of_band(in_state(state), amount) == outcome
    else:
        with pytest.raises(outcome):
            out_of_band(in_state(state), amount)


def test_paying_in_parts_ends_paid():
    first = with_payment(in_state(State.OPEN), 5000, now=FEBRUARY)
    assert (first.state, first.due_minor, first.paid_at) == (State.OPEN, 831, None)
    assert payment_told(first, FEBRUARY) == InvoicePartlyPaid(first, FEBRUARY)
    last = with_payment(first, 831, now=MARCH)
    assert (last.state, last.due_minor, last.paid_at) == (State.PAID, 0, MARCH)
    assert payment_told(last, MARCH) == InvoicePaid(last, MARCH)


def test_nothing_to_pay_is_paid_at_once():
    free = issue(a_draft(billing_due([flat_charge(0)])))
    assert (free.state, free.paid_at, free.due_minor) == (State.PAID, MARCH, 0)


@pytest.mark.parametrize(("state", "due_minor"), [(State.DRAFT, 0), (State.OPEN, 5831), (State.VOID, 0)])
def test_balance(state, due_minor):
    assert in_state(state).due_minor == due_minor


def test_labels_are_all_that_changes():
    before = in_state(State.OPEN)
    after = relabelled(before, {"a": "b"}, now=FEBRUARY + timedelta(days=1))
    assert after._replace(metadata=before.metadata, version=before.version, updated_at=before.updated_at) == before
