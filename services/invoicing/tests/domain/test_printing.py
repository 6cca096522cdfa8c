"""What is printed: days of the seller's zone, texts, the figures of the invoice."""

from datetime import date

import pytest
from billing_invoicing.domain.billing import Work, draft
from billing_invoicing.domain.discounts import with_discounts
from billing_invoicing.domain.due import Collection
from billing_invoicing.domain.invoice import State
from billing_invoicing.domain.printing import PrintedSeller, document_of, line_sentence, sentence_of, terms_of
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import uuid7
from invoicing_builders import FEBRUARY, PARTY, a_draft, a_seller, billing_due, flat_charge, taxed
from invoicing_credits import credit_of, percent_off

SELLER = a_seller()
PRINTED = PrintedSeller(SELLER.party, SELLER.tax_ids, SELLER.footer, SELLER.zone)


def printed(**changes):
    fields = {"state": State.OPEN, "number": "ACME-2026-000001"} | changes
    return document_of(a_draft(seller=SELLER, **fields), PRINTED, PARTY)


def test_the_document():
    document = printed()
    assert (document.number, document.currency, document.total_minor, document.due_minor) == (
        "ACME-2026-000001",
        "EUR",
        5831,
        5831,
    )
    assert document.seller.address_lines == ("Ring 1", "1010 Wien", "AT")
    assert document.customer.address_lines == ("Hauptstr. 1", "10115 Berlin", "DE")
    assert document.seller.tax_ids == ("ATU12345675",)
    assert (document.invoice_date, document.due_date) == (date(2026, 2, 1), date(2026, 2, 15))
    (line,) = document.lines
    assert (line.period_first, line.period_last) == (date(2026, 1, 1), date(2026, 2, 1))
    assert (line.tax_label, line.explanation) == ("VAT DE 19 %", "49 EUR flat = 49.00 EUR")
    assert [(tax.label, tax.amount_minor) for tax in document.taxes] == [("VAT DE 19 %", 931)]


def test_what_is_paid_later_changes_no_document():
    assert printed(state=State.PAID, paid_minor=5831) == printed()


def test_discounts_credits_and_why_a_line_was_made():
    bought = flat_charge(10000)
    due = with_discounts(due_from_pb(billing_due([bought, credit_of(bought, 2500)], discounts=[percent_off("20")])))
    draft_ = draft(Work(due, SELLER), [taxed(8000)], now=FEBRUARY, new_id=uuid7)
    document = document_of(
        draft_._replace(state=State.OPEN, number="A-2026-000001", credit_applied_minor=500), PRINTED, PARTY
    )
    charge, credit = document.lines
    assert [(each.label, each.amount_minor) for each in charge.discounts] == [("SAVE (20 %)", 2000)]
    assert [(each.label, each.amount_minor) for each in credit.discounts] == [("SAVE (20 %)", -500)]
    assert (charge.note, credit.note) == ("", "Downgrade; By days, actual period")
    assert (document.discount_minor, document.total_minor, document.due_minor) == (1500, 7140, 6640)
    assert line_sentence(draft_.lines[0], "EUR") == "100 EUR flat = 100.00 EUR; 20.00 EUR off by SAVE (20 %)"


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"total_minor": 0}, "Nothing is to be paid."),
        ({"total_minor": -100}, "Nothing is to be paid."),
        ({"credit_applied_minor": 5831}, "Nothing is to be paid."),
        ({}, "We charge your payment method on file."),
        ({"collection": Collection.SEND}, "Payable within 14 days."),
        ({"collection": Collection.SEND, "net_terms_days": 1}, "Payable within 1 day."),
        ({"collection": Collection.SEND, "net_terms_days": 0}, "Payable on receipt."),
    ],
)
def test_terms(changes, terms):
    assert terms_of(a_draft(**changes)) == terms


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"version":1}'])
def test_an_explanation_that_cannot_be_read_has_no_sentence(text):
    assert sentence_of(text) == ""
