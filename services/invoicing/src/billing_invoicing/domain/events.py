"""What this service tells. `effective_at` is the business time of what happened."""

from dataclasses import dataclass
from datetime import datetime

from billing_invoicing.domain.due import Settlement
from billing_invoicing.domain.invoice import Invoice, State
from billing_invoicing.domain.run import Run, Tally
from billing_invoicing.domain.seller import Seller


@dataclass(slots=True)
class SellerCreated:
    seller: Seller
    effective_at: datetime


@dataclass(slots=True)
class SellerUpdated:
    seller: Seller
    effective_at: datetime


@dataclass(slots=True)
class InvoiceFinalized:
    invoice: Invoice
    effective_at: datetime


@dataclass(slots=True)
class InvoicePaid:
    invoice: Invoice
    effective_at: datetime


@dataclass(slots=True)
class InvoicePartlyPaid:
    """Something is still due."""

    invoice: Invoice
    effective_at: datetime


@dataclass(slots=True)
class InvoiceVoided:
    invoice: Invoice
    reason: str
    effective_at: datetime


@dataclass(slots=True)
class DueSettled:
    settlement: Settlement
    effective_at: datetime


@dataclass(slots=True)
class RunCompleted:
    run: Run
    tally: Tally
    effective_at: datetime


InvoicingEvent = (
    SellerCreated
    | SellerUpdated
    | InvoiceFinalized
    | InvoicePaid
    | InvoicePartlyPaid
    | InvoiceVoided
    | DueSettled
    | RunCompleted
)


def payment_told(invoice: Invoice, effective_at: datetime) -> InvoicePaid | InvoicePartlyPaid:
    """What is told of an invoice after a payment was set against it."""
    return (InvoicePaid if invoice.state is State.PAID else InvoicePartlyPaid)(invoice, effective_at)
