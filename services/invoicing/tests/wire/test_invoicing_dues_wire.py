"""BillingDue both ways; what is malformed is refused with a reason."""

import pytest
from billing.common.v1 import ratio_pb2, tax_facts_pb2
from billing.invoicing.v1 import invoice_pb2
from billing.subscriptions.v1 import policy_pb2
from billing_invoicing.wire.dues import due_from_pb, due_to_pb, joined
from billing_invoicing.wire.invoices import invoice_to_pb, preview_to_pb, state_from_pb
from billing_kernel.errors import DomainError
from google.protobuf.timestamp_pb2 import Timestamp
from invoicing_builders import JANUARY, PARTY, a_draft, billing_due, flat_charge, metered_charge, stamp
from invoicing_credits import amount_off, commitment, credit_of, money, percent_off

PRORATED = ("BY_DAYS, ACTUAL_PERIOD", ("1", "1"))
FR_VAT = tax_facts_pb2.TaxId(type=tax_facts_pb2.TAX_ID_TYPE_EU_VAT, value="FR40303265045")


def test_there_and_back():
    facts = tax_facts_pb2.TaxFacts(country_code="FR", tax_ids=[FR_VAT])
    due = due_from_pb(billing_due([flat_charge(4900), metered_charge()], tax_facts=facts, run_id=""))
    assert due_from_pb(due_to_pb(due)) == due
    assert due.tax_facts.tax_ids[0] == ("eu_vat", "FR40303265045")
    assert due.run_id is None


def test_discounts_credits_and_commitments_there_and_back():
    window = {"tiers_from_time": stamp(JANUARY), "limits_share": ratio_pb2.Ratio(numerator="16", denominator="31")}
    policy = {"when": policy_pb2.CHANGE_WHEN_ON_DATE, "settlement": policy_pb2.SETTLEMENT_NO_CREDIT}
    charges = [credit_of(flat_charge(), 100, **policy), metered_charge(**window)]
    discounts = [percent_off("12.5", item_codes=["base"]), amount_off(500)]
    due = due_from_pb(billing_due(charges, discounts=discounts, commitment=commitment(10000, 250)))
    assert due_from_pb(due_to_pb(due)) == due
    credit, metered = due.charges
    assert (credit.reason, credit.proration, credit.credit_of.share) == ("DOWNGRADE", *PRORATED)
    assert [(each.when, each.settlement) for each in due.charges] == [("ON_DATE", "NO_CREDIT"), ("", "")]
    assert (metered.tiers_from_at, metered.limits_share) == (JANUARY, ("16", "31"))
    assert [(each.percent, each.amount_minor, each.item_codes) for each in due.discounts] == [
        ("12.5", 0, ("base",)),
        ("", 500, ()),
    ]
    assert (due.commitment.amount_minor, due.commitment.billed_minor, due.commitment.exact) == (
        10000,
        250,
        ("100", "1"),
    )


def test_the_commitment_may_be_on_any_part():
    first, second = billing_due([flat_charge(1)], parts=2), billing_due([flat_charge(2)], part=2, parts=2)
    second.commitment.CopyFrom(commitment(10000))
    assert joined([first, second]).commitment == second.commitment


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
        (billing_due([metered_charge(credit_of=credit_of(flat_charge(), 1).credit_of)]), "DUE_INCOMPLETE"),
        (billing_due([metered_charge(limits_share=ratio_pb2.Ratio(numerator="1", denominator="0"))]), "INVALID"),
        (billing_due([metered_charge(limits_share=ratio_pb2.Ratio(numerator="x", denominator="1"))]), "INVALID"),
        (billing_due(discounts=[percent_off("0")]), "DUE_INCOMPLETE"),
        (billing_due(discounts=[percent_off("100.1")]), "DUE_INCOMPLETE"),
        (billing_due(discounts=[percent_off("a lot")]), "DUE_INCOMPLETE"),
        (billing_due(discounts=[amount_off(-1)]), "DUE_INCOMPLETE"),
        (billing_due(discounts=[amount_off(1, amount=money(1, "USD"))]), "DUE_INCOMPLETE"),
        (billing_due(discounts=[amount_off(1, redemption_id="red")]), "INVALID_ID"),
        (billing_due(commitment=commitment(1, amount=money(1, "USD"))), "DUE_INCOMPLETE"),
        (billing_due(commitment=commitment(1, billed=money(1, "USD"))), "DUE_INCOMPLETE"),
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
