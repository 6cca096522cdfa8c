"""What is printed: days of the seller's zone, texts, the figures of the invoice."""

from datetime import date

import pytest
from billing_invoicing.domain.due import Collection
from billing_invoicing.domain.invoice import State
from billing_invoicing.domain.printing import PrintedSeller, document_of, sentence_of, terms_of
from invoicing_builders import PARTY, a_draft, a_seller

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


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"total_minor": 0}, "Nothing is to be paid."),
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
