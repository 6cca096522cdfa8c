"""Answers of the API as a faultless demo gets them, made from the expected amounts."""

from datetime import UTC
from fractions import Fraction
from uuid import uuid4

from billing_cli.demo.cast import CALLS, CUSTOMERS, FEE, MONTHS
from billing_cli.demo.expected import Tally, cents, invoices_of
from billing_cli.demo.harvest import Billed
from billing_cli.demo.months import latest
from billing_cli.demo.setup import Member


def counted():
    calls = {(customer.external_id, month): Fraction(12_000) for customer in CUSTOMERS for month in range(MONTHS)}
    return Tally(calls, events=950, repeats=50, late=10)


def text(instant):
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def line(customer, code, start, end, net_minor):
    tax = cents(Fraction(net_minor * customer.tax_percent, 10_000))
    return {
        "charge_id": str(uuid4()),
        "code": code,
        "description": "API calls" if code == CALLS else "Cloud API, monthly fee",
        "service_period": {"start": text(start), "end": text(end)},
        "net_minor": str(net_minor),
        "tax_minor": str(tax),
        "taxes": [{"rule": customer.rule, "amount_minor": str(tax)}],
        "event_count": "300" if code == CALLS else "0",
        "explanation_sentence": "2000 units × 0.002 EUR" if code == CALLS else "49 EUR flat",
    }


def invoice(customer, starts, month, wanted):
    lines = [] if wanted.usage_minor is None else [(CALLS, starts[month - 1], starts[month], wanted.usage_minor)]
    lines.append((FEE, starts[month], starts[month + 1], 4900))
    made = [line(customer, *each) for each in lines]
    summary = {"name": "VAT", "country_code": "DE", "rate_percent": str(customer.tax_percent), "rule": customer.rule}
    return {
        "state": "INVOICE_STATE_PAID",
        "invoice_time": text(starts[month]),
        "lines": made,
        "net_minor": str(wanted.net_minor),
        "tax_minor": str(wanted.tax_minor),
        "total_minor": str(wanted.total_minor),
        "due_minor": "0",
        "tax_summary": [{**summary, "amount_minor": str(wanted.tax_minor)}],
    }


def payment(customer, made):
    declined = {
        "state": "ATTEMPT_STATE_SOFT_DECLINED",
        "decline_code": "insufficient_funds",
        "attempt_time": made["invoice_time"],
    }
    paid = {"state": "ATTEMPT_STATE_SUCCEEDED", "attempt_time": made["invoice_time"]}
    attempts = [paid] if customer.card == "tok_succeeds" else [declined, paid]
    return {"amount": {"amount_minor": made["total_minor"]}, "attempts": attempts}


def billed(today, folder):
    """What harvest.billed answers after a faultless demo."""
    calendar, found = latest(today), []
    for customer in CUSTOMERS:
        starts = [calendar.boundary(month, customer.zone) for month in range(MONTHS + 2)]
        for month, wanted in enumerate(invoices_of(customer, counted())):
            made = invoice(customer, starts, month, wanted)
            made["number"] = f"NL-2025-{len(found) + 1:06}"
            pdf = folder / f"{made['number']}.pdf"
            pdf.write_bytes(b"%PDF-1.7")
            found.append(Billed(Member(customer, "cus_1", "sub_1"), made, [payment(customer, made)], pdf))
    return found
