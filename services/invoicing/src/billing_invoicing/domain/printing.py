"""From a final invoice to what is printed: days in the seller's zone, texts, no figure that is not on the invoice."""

from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from billing_pricing import InvalidExplanation, explanation_from_json

from billing_invoicing.domain.document import (
    DocumentDiscount,
    DocumentLine,
    DocumentParty,
    DocumentTax,
    InvoiceDocument,
)
from billing_invoicing.domain.due import Collection, LineDiscount, LineTax, TaxId
from billing_invoicing.domain.explaining import discount_words
from billing_invoicing.domain.invoice import Invoice, Line, TaxSum
from billing_invoicing.domain.seller import Party


class PrintedSeller(NamedTuple):
    """The frozen copy of a seller."""

    party: Party
    tax_ids: tuple[TaxId, ...]
    footer: str
    zone: tzinfo


_TICK = timedelta(microseconds=1)


def document_of(invoice: Invoice, seller: PrintedSeller, customer: Party) -> InvoiceDocument:
    """The invoice as it was issued: what is paid later changes no document."""
    assert invoice.final, "a draft is not printed"
    zone = seller.zone
    return InvoiceDocument(
        seller=_party(seller.party, seller.tax_ids),
        customer=_party(customer, invoice.tax_ids),
        number=invoice.number,
        invoice_date=_day(invoice.invoice_at, zone),
        due_date=_day(invoice.due_at, zone),
        currency=invoice.currency,
        lines=tuple(_line(line, zone) for line in invoice.lines),
        taxes=tuple(_tax(tax) for tax in invoice.tax_summary),
        net_minor=invoice.net_minor,
        tax_minor=invoice.tax_minor,
        total_minor=invoice.total_minor,
        paid_minor=0,
        due_minor=invoice.payable_minor,
        terms=terms_of(invoice),
        footer=seller.footer,
        discount_minor=invoice.discount_minor,
        credit_applied_minor=invoice.credit_applied_minor,
        credit_granted_minor=invoice.credit_granted_minor,
    )


def terms_of(invoice: Invoice) -> str:
    """One sentence about how and when it is paid."""
    if invoice.payable_minor == 0:
        return "Nothing is to be paid."
    if invoice.collection is Collection.CHARGE:
        return "We charge your payment method on file."
    if invoice.net_terms_days == 0:
        return "Payable on receipt."
    days = "1 day" if invoice.net_terms_days == 1 else f"{invoice.net_terms_days} days"
    return f"Payable within {days}."


def line_sentence(line: Line, currency: str) -> str:
    """How the line's amount came about and what was taken off it, as one sentence."""
    words = discount_words(line.discounts, currency) if line.discounts else ""
    return "; ".join(filter(None, (sentence_of(line.explanation), words)))


def sentence_of(explanation: str) -> str:
    """The explanation as one sentence; empty where there is none that can be read."""
    if not explanation:
        return ""
    try:
        return explanation_from_json(explanation).sentence()
    except InvalidExplanation:
        return ""


def _day(instant: datetime, zone: tzinfo) -> date:
    return instant.astimezone(zone).date()


def _party(party: Party, tax_ids: tuple[TaxId, ...]) -> DocumentParty:
    place = " ".join(filter(None, (party.postal_code, party.city)))
    land = ", ".join(filter(None, (party.region, party.country)))
    return DocumentParty(
        name=party.name,
        company=party.company,
        address_lines=tuple(filter(None, (party.line1, party.line2, place, land))),
        tax_ids=tuple(tax_id.value for tax_id in tax_ids),
        email=party.email,
    )


def _line(line: Line, zone: tzinfo) -> DocumentLine:
    return DocumentLine(
        position=line.position,
        description=line.description,
        period_first=_day(line.period_start, zone),
        period_last=_day(line.period_end - _TICK, zone),
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        tax_label=", ".join(_label(tax) for tax in line.taxes),
        explanation=sentence_of(line.explanation),
        discounts=tuple(DocumentDiscount(_coupon(each), each.amount_minor) for each in line.discounts),
        note=_note(line),
    )


def _coupon(discount: LineDiscount) -> str:
    return f"{discount.coupon_code} ({discount.percent} %)" if discount.percent else discount.coupon_code


def _note(line: Line) -> str:
    """Why the line was made and by what rules: "Quantity down; Now; Next invoice; By days, actual period"."""
    return "; ".join(
        [
            text.replace("_", " ").capitalize()
            for text in (line.reason, line.when, line.settlement, line.proration)
            if text
        ]
    )


def _tax(tax: TaxSum) -> DocumentTax:
    return DocumentTax(_label(tax), tax.base_minor, tax.amount_minor, tax.legal_note)


def _label(tax: LineTax | TaxSum) -> str:
    """ "VAT DE 19 %"; without a rate the rule stands for it: "VAT FR reverse charge"."""
    place = "-".join(filter(None, (tax.country, tax.region)))
    rate = f"{tax.rate_percent} %" if tax.amount_minor or not tax.rule else tax.rule.lower().replace("_", " ")
    return " ".join(filter(None, (tax.name, place, rate)))
