"""A customer's invoices and payments as text, so that a wrong cent shows as a line of a diff."""

from collections.abc import Iterable
from pathlib import Path

from billing.invoicing.v1.invoice_pb2 import Invoice, InvoiceLine, InvoiceState, LineTax
from billing.payments.v1.payment_pb2 import AttemptState, Payment, PaymentAttempt, PaymentState
from google.protobuf.timestamp_pb2 import Timestamp

from tests.scenarios.world import instant

BOOKS = Path(__file__).parent / "books"


def expected(name: str) -> str:
    """The book of a customer as it must be: worked out by hand, with fractions, from prices and calendars."""
    return (BOOKS / f"{name}.txt").read_text()


def expected_payments(name: str) -> str:
    """The same for payments."""
    return (BOOKS / f"{name}.payments.txt").read_text()


def book(invoices: Iterable[Invoice], *, states: bool = True) -> str:
    """Per invoice its time, state, net + tax = total and due time; per line its code, service period, quantity, net,
    tax and how each tax came about."""
    return "".join(line + "\n" for invoice in invoices for line in _invoice(invoice, states))


def ledger(payments: Iterable[Payment]) -> str:
    """Per payment its amount and state; per attempt its time, outcome and decline code."""
    return "".join(line + "\n" for payment in payments for line in _payment(payment))


def _invoice(invoice: Invoice, states: bool) -> list[str]:
    state = InvoiceState.Name(invoice.state).removeprefix("INVOICE_STATE_") if states else "-"
    sums = f"{_money(invoice.net_minor)} + {_money(invoice.tax_minor)} = {_money(invoice.total_minor)}"
    head = f"{_minute(invoice.invoice_time)}  {state}  {invoice.currency_code}  {sums}"
    return [f"{head}, to pay by {_minute(invoice.due_time)}", *map(_line, invoice.lines)]


def _line(line: InvoiceLine) -> str:
    period = f"{_minute(line.service_period.start)}/{_minute(line.service_period.end)}"
    amounts = f"{line.quantity:>22}  {_money(line.net_minor):>8}  {_money(line.tax_minor):>7}"
    return f"    {line.code:8}{period}  {amounts}  {', '.join(map(_tax, line.taxes))}"


def _tax(tax: LineTax) -> str:
    return f"{tax.name} {tax.rate_percent} {_money(tax.amount_minor)} {tax.rule}"


def _payment(payment: Payment) -> list[str]:
    state = PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_")
    amount = f"{payment.amount.currency_code} {_money(payment.amount.amount_minor)}"
    return [f"{amount}  {state}", *map(_attempt, payment.attempts)]


def _attempt(attempt: PaymentAttempt) -> str:
    state = AttemptState.Name(attempt.state).removeprefix("ATTEMPT_STATE_")
    return f"    {_minute(attempt.attempt_time)}  {state}  {attempt.decline_code}".rstrip()


def _money(minor: int) -> str:
    """Minor units of a currency with two decimals."""
    return f"{minor // 100}.{minor % 100:02d}"


def _minute(timestamp: Timestamp) -> str:
    at = instant(timestamp)
    assert at.second == 0, at
    assert at.microsecond == 0, at
    return at.strftime("%Y-%m-%dT%H:%MZ")
