"""The print says what the document says, on any number of pages, and takes no text for markup."""

from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from billing_invoicing.domain.document import (
    DocumentDiscount,
    DocumentLine,
    DocumentParty,
    DocumentTax,
    InvoiceDocument,
)
from billing_invoicing.pdf import render
from pypdf import PdfReader

LINE = DocumentLine(
    position=1,
    description="API calls",
    period_first=date(2026, 1, 1),
    period_last=date(2026, 1, 31),
    quantity="123456",
    unit_amount="0.002",
    net_minor=20346,
    tax_minor=3866,
    tax_label="19 %",
    explanation="The first 10,000 units are free.",
)
DOCUMENT = InvoiceDocument(
    seller=DocumentParty("", "Nordlicht GmbH", ("Hafenstraße 12", "20457 Hamburg"), ("VAT DE136695976",)),
    customer=DocumentParty("Zoë Müller", "Café Ελλάδα & Кирилл", ("75011 Paris",), ("VAT FR40303265045",)),
    number="NL-2026-000123",
    invoice_date=date(2026, 2, 1),
    due_date=date(2026, 2, 15),
    currency="EUR",
    lines=(LINE,),
    taxes=(DocumentTax("VAT DE 19 %", 20346, 3866, "Reverse charge"),),
    net_minor=20346,
    tax_minor=3866,
    total_minor=24212,
    paid_minor=0,
    due_minor=24212,
    terms="Payable within 14 days.",
    footer="IBAN DE02 · € £ ¥",
)


def pages(document: InvoiceDocument) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(render(document))).pages]


@pytest.mark.parametrize(
    "text",
    (
        "NL-2026-000123 | Nordlicht GmbH | Café Ελλάδα & Кирилл | Hafenstraße 12 | €242.12 | €38.66 | 123,456 | 0.002"
        " | 1 Jan 2026 – 31 Jan 2026 | 15 Feb 2026 | Reverse charge | € £ ¥ | Page 1 of 1 | Payable within"
    ).split(" | "),
)
def test_prints(text):
    assert text in pages(DOCUMENT)[0]


def test_prints_what_was_taken_off_and_used():
    lines = (
        replace(LINE, discounts=(DocumentDiscount("SPRING (25 %)", 2500), DocumentDiscount("TEN", 750))),
        replace(LINE, position=2, note="Quantity down; By days", discounts=(DocumentDiscount("TEN", -100),)),
    )
    used = {"discount_minor": 3150, "credit_applied_minor": 2000, "due_minor": 22212}
    printed = pages(replace(DOCUMENT, lines=lines, **used))[0].replace("\u00a0", " ")
    for text in (
        "Discount SPRING (25 %) -€25.00",
        "Discount TEN -€7.50",
        "Discount taken back TEN €1.00",
        "Quantity down; By days",
        "Discounts, taken off above -€31.50",
        "Account credit used -€20.00",
        "Amount due €222.12",
    ):
        assert text in printed


def test_a_total_below_zero_says_what_becomes_of_it():
    below = {"net_minor": -400, "tax_minor": -76, "total_minor": -476, "due_minor": 0, "credit_granted_minor": 476}
    printed = pages(replace(DOCUMENT, **below))[0].replace("\u00a0", " ")
    assert "Added to your account credit €4.76" in printed
    assert "Amount due €0.00" in printed
    assert "Discount" not in printed


def test_text_is_never_markup():
    hostile = '#panic("x") *bold* $x$ @ref <label> \\ ]) " é'
    assert (
        '#panic("x") *bold* $x$ @ref <label>'
        in pages(replace(DOCUMENT, lines=(replace(LINE, description=hostile),)))[0]
    )


def test_a_hundred_lines_repeat_the_head_and_count_pages():
    lines = tuple(replace(LINE, position=position) for position in range(1, 101))
    printed = pages(replace(DOCUMENT, lines=lines))
    assert len(printed) > 3
    assert all("DESCRIPTION" in page for page in printed[:-1])
    assert f"Page {len(printed)} of {len(printed)}" in printed[-1]


@pytest.mark.parametrize(("currency", "expected"), [("JPY", "¥24,212"), ("KWD", "KWD"), ("USD", "$242.12")])
def test_amounts_follow_the_currency(currency, expected):
    assert expected in pages(replace(DOCUMENT, currency=currency))[0].replace("\u00a0", " ")


def test_equal_documents_give_equal_bytes():
    assert render(DOCUMENT) == render(replace(DOCUMENT))


def test_metadata_names_the_invoice():
    assert PdfReader(BytesIO(render(DOCUMENT))).metadata.title == "Invoice NL-2026-000123"
