"""BillingDue both ways; what is malformed is refused with a reason."""

import pytest
from billing.common.v1 import tax_facts_pb2
from billing.invoicing.v1 import invoice_pb2
from billing_invoicing.wire.dues import due_from_pb, due_to_pb, joined
from billing_invoicing.wire.invoices import invoice_to_pb, preview_to_pb, state_from_pb
from billing_kernel.errors import DomainError
from google.protobuf.timestamp_pb2 import Timestamp
from invoicing_builders import PARTY, a_draft, billing_due, flat_charge, metered_charge

FR_VAT = tax_facts_pb2.TaxId(type=tax_facts_pb2.TAX_ID_TYPE_EU_VAT, value="FR40303265045")


def test_there_and_back():
    facts = tax_facts_pb2.TaxFacts(country_code="FR", tax_ids=[FR_VAT])
    due = due_from_pb(billing_due([flat_charge(4900), metered_charge()], tax_facts=facts, run_id=""))
    assert due_from_pb(due_to_pb(due)) == due
    assert due.tax_facts.tax_ids[0] == ("eu_vat", "FR40303265045")
    assert due.run_id is None


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        (billing_due(due_id="x"), "INVALID"),
        (billing_due(customer_id="sub_00000000000000000000000000"), "INVALID_ID"),
        (billing_due(seller_id="sel_1"), "INVALID_ID"),
        (billing_due(collection_method=0), "VALUE_UNSPECIFIED"),
        (billing_due(effective_time=Timestamp(seconds=2**60)), "INVALID_TIME"),
        (billing_due([flat_charge(kind=0)]), "DUE_INCOMPLETE"),
        (billing_due([flat_charge(amount=None)]), "DUE_INCOMPLETE"),
        (billing_due([flat_charge(currency="USD")]), "DUE_INCOMPLETE"),
        (billing_due([flat_charge(tax_behavior=0)]), "VALUE_UNSPECIFIED"),
        (billing_due([metered_charge(price_id="")]), "INVALID_ID"),
    ],
)
def test_malformed(due, reason):
    with pytest.raises(DomainError) as refused:
        due_from_pb(due)
    assert refused.value.reason == reason


def test_parts_that_do_not_belong_together():
    first, third = billing_due(parts=3), billing_due(part=3, parts=3)
    with pytest.raises(DomainError) as refused:
        joined([first, third])
    assert refused.value.reason == "DUE_INCOMPLETE"


def test_a_preview_has_no_identity():
    preview = preview_to_pb(a_draft(), PARTY)
    assert (preview.invoice_id, preview.etag, preview.number, preview.lines[0].line_id) == ("", "", "", "")
    assert (preview.total_minor, preview.customer_party.name) == (5831, "Anna Müller")
    assert preview.lines[0].explanation_sentence == "49 EUR flat = 49.00 EUR"


def test_states():
    assert invoice_to_pb(a_draft()).state == invoice_pb2.INVOICE_STATE_DRAFT
    assert state_from_pb(invoice_pb2.INVOICE_STATE_UNSPECIFIED) is None
