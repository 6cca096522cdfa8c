"""Binary COPY of what a batch of dues makes: columns with their types, and the row of each value."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from billing_runtime.transaction import Transaction

from billing_invoicing.domain.due import Settlement
from billing_invoicing.domain.invoice import Invoice, Line
from billing_invoicing.storage.mapping import (
    discounts_to_text,
    number_parts,
    summary_to_text,
    tax_ids_to_text,
    taxes_to_text,
)

Columns = tuple[tuple[str, str], ...]  # (name, PostgreSQL type)

INVOICE: Columns = (
    ("invoice_id", "uuid"),
    ("version", "int4"),
    ("state", "text"),
    ("number", "text"),
    ("number_year", "int4"),
    ("number_sequence", "int4"),
    ("seller_id", "uuid"),
    ("seller_version", "int4"),
    ("customer_id", "uuid"),
    ("subscription_id", "uuid"),
    ("due_id", "uuid"),
    ("run_id", "uuid"),
    ("currency", "text"),
    ("net_minor", "int8"),
    ("tax_minor", "int8"),
    ("total_minor", "int8"),
    ("paid_minor", "int8"),
    ("tax_summary", "text"),  # a json column reads the same bytes
    ("collection", "text"),
    ("net_terms_days", "int4"),
    ("invoice_at", "timestamptz"),
    ("due_at", "timestamptz"),
    ("finalized_at", "timestamptz"),
    ("paid_at", "timestamptz"),
    ("content_hash", "text"),
    ("party_id", "uuid"),
    ("party_version", "int4"),
    ("tax_ids", "text"),
    ("created_at", "timestamptz"),
    ("updated_at", "timestamptz"),
    ("discount_minor", "int8"),
    ("credit_applied_minor", "int8"),
)
LINE: Columns = (
    ("invoice_id", "uuid"),
    ("position", "int4"),
    ("customer_id", "uuid"),
    ("line_id", "uuid"),
    ("charge_id", "uuid"),
    ("description", "text"),
    ("code", "text"),
    ("period_start", "timestamptz"),
    ("period_end", "timestamptz"),
    ("quantity", "text"),
    ("unit_amount", "text"),
    ("exact_numerator", "text"),
    ("exact_denominator", "text"),
    ("amount_minor", "int8"),
    ("net_minor", "int8"),
    ("tax_minor", "int8"),
    ("tax_behavior", "text"),
    ("taxes", "text"),
    ("explanation", "text"),
    ("rating_id", "uuid"),
    ("event_count", "int8"),
    ("discount_minor", "int8"),
    ("discounts", "text"),
    ("credit_of_charge_id", "uuid"),
    ("credit_of_invoice_id", "uuid"),
    ("credit_of_line_id", "uuid"),
    ("reason", "text"),
    ("proration", "text"),
    ("change_when", "text"),
    ("settlement", "text"),
)
CHARGE: Columns = (("charge_id", "uuid"), ("invoice_id", "uuid"))
SETTLED: Columns = (
    ("due_id", "uuid"),
    ("run_id", "uuid"),
    ("subscription_id", "uuid"),
    ("payer_id", "uuid"),
    ("outcome", "text"),
    ("invoice_id", "uuid"),
    ("reason", "text"),
    ("currency", "text"),
    ("total_minor", "int8"),
    ("settled_at", "timestamptz"),
)


_NO_CREDIT = (None, None, None)


async def copy_rows(tx: Transaction, leaf: str, columns: Columns, rows: Iterable[Sequence[Any]]) -> None:
    """Writes the rows into the leaf of a bulk table."""
    names, types = zip(*columns, strict=True)
    async with tx.copy(leaf, names, types=types) as copy:
        for row in rows:
            await copy.write_row(row)


def invoice_row(invoice: Invoice) -> Sequence[Any]:
    year, sequence = number_parts(invoice.number)
    return (
        invoice.invoice_id,
        invoice.version,
        invoice.state.value,
        invoice.number or None,
        year,
        sequence,
        invoice.seller_id,
        invoice.seller_version,
        invoice.customer_id,
        invoice.subscription_id,
        invoice.due_id,
        invoice.run_id,
        invoice.currency,
        invoice.net_minor,
        invoice.tax_minor,
        invoice.total_minor,
        invoice.paid_minor,
        summary_to_text(invoice.tax_summary),
        invoice.collection.value,
        invoice.net_terms_days,
        invoice.invoice_at,
        invoice.due_at,
        invoice.finalized_at,
        invoice.paid_at,
        invoice.content_hash,
        invoice.party_id,
        invoice.party_version,
        tax_ids_to_text(invoice.tax_ids),
        invoice.created_at,
        invoice.updated_at,
        invoice.discount_minor,
        invoice.credit_applied_minor,
    )


def line_row(invoice: Invoice, line: Line) -> Sequence[Any]:
    of = line.credit_of or _NO_CREDIT
    return (
        invoice.invoice_id,
        line.position,
        invoice.customer_id,
        line.line_id,
        line.charge_id,
        line.description,
        line.code,
        line.period_start,
        line.period_end,
        line.quantity,
        line.unit_amount,
        line.exact.numerator,
        line.exact.denominator,
        line.amount_minor,
        line.net_minor,
        line.tax_minor,
        line.tax_behavior.value,
        taxes_to_text(line.taxes),
        line.explanation,
        line.rating_id,
        line.event_count,
        line.discount_minor,
        discounts_to_text(line.discounts),
        of[0],
        of[1],
        of[2],
        line.reason,
        line.proration,
        line.when,
        line.settlement,
    )


def settled_row(settled: Settlement, at: datetime) -> Sequence[Any]:
    return (
        settled.due_id,
        settled.run_id,
        settled.subscription_id,
        settled.payer_id,
        settled.outcome.value,
        settled.invoice_id,
        settled.reason,
        settled.currency,
        settled.total_minor,
        at,
    )
