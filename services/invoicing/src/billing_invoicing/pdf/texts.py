"""Every text of the print, in the customer's words: amounts by currency, dates and labels by locale."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from billing_kernel.money import exponent

from billing_invoicing.domain.document import (
    DocumentDiscount,
    DocumentLine,
    DocumentParty,
    DocumentTax,
    InvoiceDocument,
)

_UNIT_DIGITS_MAX = 12  # fractional digits of a unit price in the contract


def texts_of(document: InvoiceDocument) -> Mapping[str, Any]:
    """The document as plain texts and lists for the template, ready to be encoded as JSON."""
    return {
        "number": document.number,
        "currency": document.currency,
        "seller": _party(document.seller),
        "customer": _party(document.customer),
        "invoice_date": _day(document.invoice_date, document),
        "due_date": _day(document.due_date, document),
        "lines": [_line(line, document) for line in document.lines],
        "taxes": [_tax(tax, document) for tax in document.taxes],
        "notes": sorted({tax.legal_note for tax in document.taxes if tax.legal_note}),
        "net": _amount(document.net_minor, document),
        "total": _amount(document.total_minor, document),
        "paid": _amount(-document.paid_minor, document) if document.paid_minor else "",
        "due": _amount(document.due_minor, document),
        "discount": _amount(-document.discount_minor, document) if document.discount_minor else "",
        "credit": _amount(-document.credit_applied_minor, document) if document.credit_applied_minor else "",
        "granted": _amount(document.credit_granted_minor, document) if document.credit_granted_minor else "",
        "terms": document.terms,
        "footer": document.footer,
    }


def _party(party: DocumentParty) -> Mapping[str, Any]:
    title = party.company or party.name
    contact = [party.name] if party.company and party.name else []
    below = [*contact, *party.address_lines, *party.tax_ids, party.email]
    return {"title": title, "lines": [line for line in below if line]}


def _line(line: DocumentLine, document: InvoiceDocument) -> Mapping[str, Any]:
    return {
        "position": str(line.position),
        "description": line.description,
        "period": _span(line.period_first, line.period_last, document),
        "quantity": _decimal(line.quantity, document),
        "unit": _unit_amount(line.unit_amount, document),
        "tax": line.tax_label,
        "net": _amount(line.net_minor, document),
        "explanation": line.explanation,
        "note": line.note,
        "discounts": [_discount(discount, document) for discount in line.discounts],
    }


def _discount(discount: DocumentDiscount, document: InvoiceDocument) -> Mapping[str, str]:
    kind = "Discount" if discount.amount_minor >= 0 else "Discount taken back"
    return {"label": f"{kind} {discount.label}", "amount": _amount(-discount.amount_minor, document)}


def _tax(tax: DocumentTax, document: InvoiceDocument) -> Mapping[str, str]:
    return {
        "label": tax.label,
        "base": _amount(tax.base_minor, document),
        "amount": _amount(tax.amount_minor, document),
    }


def _amount(minor: int, document: InvoiceDocument) -> str:
    """Minor units with the currency's sign and digits, such as "€1,234.50"."""
    major = Decimal(minor).scaleb(-exponent(document.currency))
    return str(format_currency(major, document.currency, locale=document.locale))


def _unit_amount(text: str, document: InvoiceDocument) -> str:
    """A unit price keeps all its digits: 0.002 stays 0.002, 49 becomes 49.00."""
    if not text:
        return ""
    digits = exponent(document.currency)
    form = f"#,##0.{'0' * digits}{'#' * (_UNIT_DIGITS_MAX - digits)}"
    return str(format_decimal(Decimal(text), format=form, locale=document.locale))


def _decimal(text: str, document: InvoiceDocument) -> str:
    form = f"#,##0.{'#' * 18}"
    return str(format_decimal(Decimal(text), format=form, locale=document.locale)) if text else ""


def _day(day: date, document: InvoiceDocument) -> str:
    return str(format_date(day, format="d MMM y", locale=document.locale))


def _span(first: date | None, last: date | None, document: InvoiceDocument) -> str:
    if first is None or last is None:
        return ""
    return _day(first, document) if first == last else f"{_day(first, document)} – {_day(last, document)}"
