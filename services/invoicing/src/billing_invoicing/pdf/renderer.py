"""From an InvoiceDocument to PDF bytes. CPU-bound (about 10 ms a page): call it in a process pool."""

import json
from datetime import UTC, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any

import typst

from billing_invoicing.domain.document import InvoiceDocument
from billing_invoicing.pdf.texts import texts_of


def render(document: InvoiceDocument) -> bytes:
    """The PDF of a final invoice. Equal documents give equal bytes: its time stamp is the invoice date.

    All text travels as data, so no character of it is taken for markup.
    """
    created = int(datetime.combine(document.invoice_date, time(), UTC).timestamp())
    inputs = {"invoice": json.dumps(texts_of(document), ensure_ascii=False)}
    pdf: bytes = _compiler().compile(_template(), sys_inputs=inputs, format="pdf", timestamp=created)
    return pdf


@cache
def _compiler() -> Any:
    """One compiler a process: it keeps fonts and layout caches."""
    return typst.Compiler(ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return files("billing_invoicing.pdf").joinpath("invoice.typ").read_bytes()
