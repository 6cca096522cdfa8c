"""The content of a final invoice as canonical JSON (RFC 8785) and its hash, so that any later change is seen.

The parties stand in it by id and version: their copies may be erased one day, the invoice's proof stays.
"""

import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from billing_invoicing.domain.due import LineTax
from billing_invoicing.domain.invoice import Invoice, Line, TaxSum

VERSION = 1


def content_of(invoice: Invoice) -> dict[str, Any]:
    """What is frozen, as JSON values; integers are texts, so that nothing is lost beyond 2**53.

    What came after the first release stands in it only where there is any, so that older hashes stay right.
    """
    later = {"credit_applied_minor": invoice.credit_applied_minor, "discount_minor": invoice.discount_minor}
    return {name: str(minor) for name, minor in later.items() if minor} | {
        "collection": invoice.collection.value,
        "currency": invoice.currency,
        "customer_id": str(invoice.customer_id),
        "due_time": _instant(invoice.due_at),
        "invoice_id": str(invoice.invoice_id),
        "invoice_time": _instant(invoice.invoice_at),
        "lines": [_line(line) for line in invoice.lines],
        "net_minor": str(invoice.net_minor),
        "number": invoice.number,
        "party_id": str(invoice.party_id),
        "party_version": str(invoice.party_version),
        "seller_id": str(invoice.seller_id),
        "seller_version": str(invoice.seller_version),
        "subscription_id": str(invoice.subscription_id),
        "tax_ids": [[tax_id.type, tax_id.value] for tax_id in invoice.tax_ids],
        "tax_minor": str(invoice.tax_minor),
        "tax_summary": _texts(invoice.tax_summary),
        "total_minor": str(invoice.total_minor),
        "version": str(VERSION),
    }


def content_hash(invoice: Invoice) -> str:
    """ "v1:<SHA-256 as 64 hex digits>" over the canonical content."""
    return f"v{VERSION}:{hashlib.sha256(canonical(content_of(invoice))).hexdigest()}"


def canonical(content: dict[str, Any]) -> bytes:
    """RFC 8785 bytes. Python's own encoder writes them, because keys are ASCII and there are no numbers."""
    return _ENCODER.encode(content).encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)


def _line(line: Line) -> list[Any]:
    return [
        str(line.charge_id),
        line.description,
        line.code,
        _instant(line.period_start),
        _instant(line.period_end),
        line.quantity,
        line.unit_amount,
        line.exact.numerator,
        line.exact.denominator,
        str(line.amount_minor),
        str(line.net_minor),
        str(line.tax_minor),
        line.tax_behavior.value,
        _texts(line.taxes),
        line.explanation,
        str(line.rating_id or ""),
        str(line.event_count),
        *_later(line),
    ]


def _later(line: Line) -> list[Any]:
    policy = (line.when, line.settlement) if line.when or line.settlement else ()
    if not (line.discount_minor or line.discounts or line.credit_of or line.reason or line.proration or policy):
        return []
    of = line.credit_of
    return [
        str(line.discount_minor),
        [[str(part) for part in discount] for discount in line.discounts],
        [str(of.charge_id), str(of.invoice_id), str(of.line_id)] if of else [],
        line.reason,
        line.proration,
        *policy,
    ]


@lru_cache(maxsize=8192)
def _texts(taxes: tuple[TaxSum, ...] | tuple[LineTax, ...]) -> list[list[str]]:
    """Lines of a run share their taxes. Never changed by whoever gets it."""
    return [[str(part) for part in tax] for tax in taxes]


@lru_cache(maxsize=8192)
def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
