"""The frozen content: canonical bytes, and a hash that sees every change."""

import pytest
import rfc8785
from billing_invoicing.domain.content import canonical, content_hash, content_of
from billing_invoicing.domain.due import LineDiscount
from billing_invoicing.domain.invoice import CreditedLine, Invoice, Line
from billing_kernel.ids import uuid7
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import MARCH, a_draft

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(TEXT, lambda inner: st.lists(inner, max_size=4), max_leaves=12)
LIVING = {"version", "state", "paid_minor", "finalized_at", "paid_at", "content_hash", "metadata", "created_at"}
LIVING |= {
    "updated_at",
    "payments",
    "due_id",
    "run_id",
    "net_terms_days",
    "lines",
    "collection",
    "tax_summary",
    "tax_ids",
}


@given(st.dictionaries(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1), JSON))
def test_bytes_are_those_of_rfc_8785(content):
    assert canonical(content) == rfc8785.dumps(content)


def test_the_content_of_an_invoice_is_canonical():
    content = content_of(a_draft(number="ACME-2026-000001"))
    assert canonical(content) == rfc8785.dumps(content)


def other(value):
    if value == ():
        return (LineDiscount(uuid7(), "SAVE", "10", 490),)
    return {int: lambda: value + 1, str: lambda: value + "x"}.get(type(value), lambda: MARCH)()


@pytest.mark.parametrize("name", sorted(set(Invoice._fields) - LIVING))
def test_every_frozen_field_is_in_the_hash(name):
    invoice = a_draft()
    value = getattr(invoice, name)
    changed = uuid7() if name.endswith("_id") else other(value)
    assert content_hash(invoice._replace(**{name: changed})) != content_hash(invoice)


@pytest.mark.parametrize("name", sorted(set(Line._fields) - {"line_id", "position", "exact", "tax_behavior", "taxes"}))
def test_every_field_of_a_line_is_in_the_hash(name):
    invoice = a_draft()
    (line,) = invoice.lines
    changed = uuid7() if name.endswith("_id") else other(getattr(line, name))
    changed = CreditedLine(uuid7(), uuid7(), uuid7()) if name == "credit_of" else changed
    altered = invoice._replace(lines=(line._replace(**{name: changed}),))
    assert content_hash(altered) != content_hash(invoice)


@pytest.mark.parametrize("name", ["version", "paid_minor"])
def test_what_lives_is_not(name):
    invoice = a_draft()
    assert content_hash(invoice._replace(**{name: 77})) == content_hash(invoice)


def test_the_form_of_the_hash():
    version, _, digits = content_hash(a_draft()).partition(":")
    assert (version, len(digits)) == ("v1", 64)
