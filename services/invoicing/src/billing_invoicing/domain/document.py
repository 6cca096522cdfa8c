"""What is printed: everything the renderer needs, already decided; it computes nothing but the layout."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class DocumentParty:
    """Who bills or who is billed, as frozen on the invoice. Empty texts are left out of the print."""

    name: str
    company: str
    address_lines: tuple[str, ...]
    tax_ids: tuple[str, ...]
    email: str = ""


@dataclass(frozen=True, slots=True)
class DocumentDiscount:
    """What a coupon takes off a line; minor units, negative where a credit takes it back."""

    label: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line. Dates are days in the seller's zone, the last one inclusive; amounts are minor units. `note` says why
    it was made, where that is not the regular charge of a period."""

    position: int
    description: str
    period_first: date | None
    period_last: date | None
    quantity: str
    unit_amount: str
    net_minor: int
    tax_minor: int
    tax_label: str
    explanation: str
    discounts: tuple[DocumentDiscount, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class DocumentTax:
    """One tax summed over the invoice, such as "VAT DE 19 %"; legal_note is what law demands to be printed."""

    label: str
    base_minor: int
    amount_minor: int
    legal_note: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """A final invoice to print. Dates are days in the seller's zone; totals are minor units of currency (ISO 4217)."""

    seller: DocumentParty
    customer: DocumentParty
    number: str
    invoice_date: date
    due_date: date
    currency: str
    lines: tuple[DocumentLine, ...]
    taxes: tuple[DocumentTax, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    due_minor: int
    terms: str
    footer: str
    discount_minor: int = 0
    credit_applied_minor: int = 0
    credit_granted_minor: int = 0
    locale: Literal["en"] = "en"
