"""A customer's invoices as text, with what discounts, credits and account credit did to them."""

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal

from billing.invoicing.v1.invoice_pb2 import Invoice, InvoiceLine, InvoiceState
from google.protobuf.timestamp_pb2 import Timestamp

from tests.scenarios.book import BOOKS

EXPONENTS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


def pinned(name: str) -> str:
    """The book as it must be."""
    return (BOOKS / f"life_{name}.txt").read_text()


def text_of(invoices: Iterable[Invoice], *, states: bool = True) -> str:
    """Per invoice its time, state, net + tax = total and what credit did; per line code, service period, quantity,
    amount, discount, tax, why it was made and how it was prorated."""
    return "".join(line + "\n" for invoice in invoices for line in _invoice(invoice, states))


def _invoice(invoice: Invoice, states: bool) -> list[str]:
    state = InvoiceState.Name(invoice.state).removeprefix("INVOICE_STATE_") if states else "-"
    currency = invoice.currency_code
    sums = f"{_money(invoice.net_minor, currency)} + {_money(invoice.tax_minor, currency)}"
    head = f"{_minute(invoice.invoice_time)}  {state}  {currency}  {sums} = {_money(invoice.total_minor, currency)}"
    return [head + _credit(invoice), *(_line(line, currency) for line in invoice.lines)]


def _credit(invoice: Invoice) -> str:
    left = f", leaves {_money(-invoice.total_minor, invoice.currency_code)}" if invoice.total_minor < 0 else ""
    used = invoice.credit_applied_minor
    return left or (f", {_money(used, invoice.currency_code)} from credit" if used else "")


def _line(line: InvoiceLine, currency: str) -> str:
    amounts = f"{_money(line.amount_minor, currency):>9} {_money(-line.discount_minor, currency):>8}"
    span = f"{_minute(line.service_period.start)}/{_minute(line.service_period.end)}"
    tail = f"{_money(line.tax_minor, currency):>8}  {line.reason}  {line.proration}"
    return f"    {line.code or '-':11}{span}  {line.quantity or '-':>9} {amounts} {tail}".rstrip()


def _money(minor: int, currency: str) -> str:
    return str(Decimal(minor).scaleb(-EXPONENTS[currency]))


def _minute(timestamp: Timestamp) -> str:
    return timestamp.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%MZ")
