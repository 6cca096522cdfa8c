"""Account credit: granted by totals below zero, used in order, never below zero."""

from billing_invoicing.domain.account_credit import Account, Accounts, Balance, EntryKind, account_of, granting
from billing_invoicing.domain.invoice import State, issued, voided, with_payment
from billing_kernel.ids import uuid7
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import FEBRUARY, a_draft

DRAFT = a_draft()


def of_total(total_minor, **changes):
    return DRAFT._replace(invoice_id=uuid7(), net_minor=total_minor, tax_minor=0, total_minor=total_minor, **changes)


def accounts(**balances):
    return Accounts(
        {Account(DRAFT.customer_id, currency): Balance(*held) for currency, held in balances.items()}, uuid7, []
    )


def test_a_total_below_zero_grants_and_the_next_invoice_uses():
    books = accounts()
    below, above = books.finalise(of_total(-2000)), books.finalise(of_total(10000))
    assert (below.credit_applied_minor, above.credit_applied_minor) == (0, 2000)
    assert [(each.kind, each.amount_minor, each.balance_minor, each.sequence) for each in books.entries] == [
        (EntryKind.GRANTED, 2000, 2000, 1),
        (EntryKind.APPLIED, -2000, 0, 2),
    ]


def test_another_currency_is_another_account():
    books = accounts(USD=(5000, 3))
    assert books.finalise(of_total(10000)).credit_applied_minor == 0
    assert books.finalise(of_total(10000, currency="USD")).credit_applied_minor == 5000
    assert books.entries[0].sequence == 4


def final(invoice):
    return issued(invoice, number="A-2026-000001", seller_version=1, invoice_at=FEBRUARY, due_at=FEBRUARY, now=FEBRUARY)


def test_what_is_due_is_without_the_credit():
    made = final(accounts(EUR=(2000, 1)).finalise(of_total(10000)))
    assert (made.state, made.total_minor, made.due_minor, made.payable_minor) == (State.OPEN, 10000, 8000, 8000)
    paid = with_payment(made, 8000, now=FEBRUARY)
    assert (paid.state, paid.due_minor) == (State.PAID, 0)
    assert voided(made, now=FEBRUARY).due_minor == 0


def test_an_invoice_that_credit_covers_is_paid_at_once():
    made = final(accounts(EUR=(20000, 1)).finalise(of_total(10000)))
    assert (made.state, made.credit_applied_minor, made.due_minor) == (State.PAID, 10000, 0)


def test_an_invoice_below_zero_is_final_with_nothing_due():
    made = final(accounts().finalise(of_total(-2000)))
    assert (made.state, made.due_minor, made.credit_granted_minor, made.total_minor) == (State.PAID, 0, 2000, -2000)
    assert of_total(-2000).credit_granted_minor == 0  # a draft leaves nothing


def test_which_accounts_are_given_to():
    assert granting([of_total(-1), of_total(0), of_total(1)]) == {account_of(DRAFT)}


@given(st.lists(st.integers(-(10**6), 10**6), max_size=30))
def test_the_balance_is_the_sum_of_its_entries_and_never_below_zero(totals):
    books = accounts()
    made = [books.finalise(of_total(total)) for total in totals]
    balance = books.balances.get(account_of(DRAFT), Balance())
    assert balance.minor == sum(entry.amount_minor for entry in books.entries) >= 0
    assert all(entry.balance_minor >= 0 for entry in books.entries)
    granted = sum(-total for total in totals if total < 0)
    assert balance.minor == granted - sum(invoice.credit_applied_minor for invoice in made)
    assert [entry.sequence for entry in books.entries] == list(range(1, len(books.entries) + 1))
