"""AccountCreditsService, and invoices with discounts and credits as the API shows them."""

import pytest
from billing.invoicing.v1 import account_credit_pb2, invoice_pb2
from billing.invoicing.v1 import account_credits_service_pb2 as pb
from billing.invoicing.v1 import invoices_service_pb2 as invoices_pb
from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import decode, encode, uuid7
from billing_testkit.tenants import service_call
from grpc import StatusCode
from invoicing_builders import FEBRUARY, billing_due, flat_charge
from invoicing_credits import credit_of, percent_off

pytestmark = pytest.mark.usefixtures("world")
GRANTED, APPLIED, RETURNED = (
    account_credit_pb2.ACCOUNT_CREDIT_KIND_GRANTED,
    account_credit_pb2.ACCOUNT_CREDIT_KIND_APPLIED,
    account_credit_pb2.ACCOUNT_CREDIT_KIND_RETURNED,
)


@pytest.fixture
async def bought(seller, books):
    """A due of 100.00 with a coupon of 20 %, invoiced; and one that gives 50.00 of it back and charges nothing."""
    charge = flat_charge(10000)
    due = billing_due([charge], discounts=[percent_off("20", "SPRING")])
    await books.bill(due)
    await books.bill(billing_due([credit_of(charge, 5000)], customer_id=due.customer_id))
    return due


async def standing(client, customer_id, currency="EUR"):
    request = pb.GetAccountCreditRequest(customer_id=customer_id, currency_code=currency)
    return (await client.account_credits.GetAccountCredit(request)).account_credit


async def entries(client, **wanted):
    return await client.account_credits.ListAccountCreditEntries(pb.ListAccountCreditEntriesRequest(**wanted))


async def listed(admin):
    found = (await admin.invoices.ListInvoices(invoices_pb.ListInvoicesRequest())).invoices
    return [await whole(admin, each.invoice_id) for each in found]


async def whole(admin, invoice_id):
    return (await admin.invoices.GetInvoice(invoices_pb.GetInvoiceRequest(invoice_id=invoice_id))).invoice


async def test_lines_show_discounts_and_what_they_give_back(admin, bought):
    first, second = await listed(admin)
    (line,) = first.lines
    assert (line.amount_minor, line.discount_minor, line.net_minor, first.discount_minor) == (10000, 2000, 8000, 2000)
    (discount,) = line.discounts
    redemption_id = bought.discounts[0].redemption_id
    assert discount == invoice_pb2.LineDiscount(
        redemption_id=redemption_id, coupon_code="SPRING", percent="20", amount_minor=2000
    )
    assert line.explanation_sentence == "100 EUR flat = 100.00 EUR; 20.00 EUR off by SPRING (20 %)"
    assert "20.00 EUR off by SPRING (20 %)" in line.explanation
    (credit,) = second.lines
    assert (credit.amount_minor, credit.discount_minor, credit.net_minor, credit.tax_minor) == (
        -5000,
        -1000,
        -4000,
        -760,
    )
    assert credit.credit_of == invoice_pb2.LineCreditOf(
        charge_id=line.charge_id, invoice_id=first.invoice_id, line_id=line.line_id
    )
    assert (credit.reason, credit.proration) == ("DOWNGRADE", "BY_DAYS, ACTUAL_PERIOD")
    assert credit.explanation_sentence.endswith("; 10.00 EUR of SPRING (20 %) taken back")
    assert (second.total_minor, second.due_minor, second.credit_granted_minor) == (-4760, 0, 4760)
    assert second.state == invoice_pb2.INVOICE_STATE_PAID


async def test_credit_and_its_movements(admin, bought, books):
    assert (await standing(admin, bought.customer_id)).balance_minor == 4760
    await books.bill(billing_due([flat_charge(10000)], customer_id=bought.customer_id))
    third = (await listed(admin))[2]
    assert (third.total_minor, third.credit_applied_minor, third.due_minor) == (11900, 4760, 7140)
    void = invoices_pb.VoidInvoiceRequest(invoice_id=third.invoice_id, reason="wrong")
    voided = (await admin.invoices.VoidInvoice(void)).invoice
    assert (voided.credit_applied_minor, voided.due_minor) == (4760, 0)
    found = (await entries(admin, customer_id=bought.customer_id)).entries
    assert [(each.kind, each.amount_minor, each.balance_minor, each.sequence) for each in found] == [
        (GRANTED, 4760, 4760, 1),
        (APPLIED, -4760, 0, 2),
        (RETURNED, 4760, 4760, 3),
    ]
    assert found[1].invoice_id == found[2].invoice_id == third.invoice_id
    answer = await standing(admin, bought.customer_id)
    assert (answer.balance_minor, answer.currency_code, answer.customer_id) == (4760, "EUR", bought.customer_id)
    assert answer.HasField("update_time")
    assert await books.broken() == {}


async def test_pages_and_filters(admin, bought, books):
    await books.bill(billing_due([flat_charge(100)], customer_id=bought.customer_id))
    first = await entries(admin, page_size=1)
    second = await entries(admin, page_size=1, page_token=first.next_page_token)
    assert [len(first.entries), len(second.entries), second.next_page_token] == [1, 1, ""]
    assert (first.entries[0].kind, second.entries[0].kind) == (GRANTED, APPLIED)
    assert not (await entries(admin, currency_code="USD")).entries
    assert not (await entries(admin, customer_id=encode("cus", uuid7()))).entries
    assert len((await entries(admin, currency_code="EUR")).entries) == 2


async def test_a_customer_without_credit_has_none(admin, seller, books):
    due = billing_due()
    await books.bill(due)
    answer = await standing(admin, due.customer_id, "USD")
    assert (answer.balance_minor, answer.HasField("update_time")) == (0, False)


async def test_an_unknown_customer(admin, bought, stranger, refused):
    request = pb.GetAccountCreditRequest(customer_id=encode("cus", uuid7()), currency_code="EUR")
    refusal = await refused(admin.account_credits.GetAccountCredit(request))
    assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "ACCOUNT_CREDIT_NOT_FOUND")
    request = pb.GetAccountCreditRequest(customer_id=bought.customer_id, currency_code="EUR")
    assert (await refused(stranger.account_credits.GetAccountCredit(request))).reason == "ACCOUNT_CREDIT_NOT_FOUND"
    assert not (await entries(stranger)).entries


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"customer_id": "cus_1"}, "customer_id"), ({"currency_code": "eur"}, "currency_code")],
)
async def test_bad_questions(admin, refused, changes, field):
    fields = {"customer_id": encode("cus", uuid7()), "currency_code": "EUR"} | changes
    refusal = await refused(admin.account_credits.GetAccountCredit(pb.GetAccountCreditRequest(**fields)))
    assert (refusal.reason, refusal.fields) == ("VALIDATION_FAILED", (field,))


async def test_a_customer_reads_its_own_credit_alone(client_of, tenant_id, bought, refused):
    own = client_of(tenant_id, "customer", decode("cus", bought.customer_id))
    other = client_of(tenant_id, "customer", uuid7())
    assert (await standing(own, bought.customer_id)).balance_minor == 4760
    assert len((await entries(own)).entries) == 1
    assert not (await entries(other)).entries
    request = pb.GetAccountCreditRequest(customer_id=bought.customer_id, currency_code="EUR")
    assert (await refused(other.account_credits.GetAccountCredit(request))).reason == "ACCOUNT_CREDIT_NOT_FOUND"


async def test_void_is_refused_while_another_invoice_credits_it(admin, bought, refused):
    first, _ = await listed(admin)
    void = invoices_pb.VoidInvoiceRequest(invoice_id=first.invoice_id, reason="wrong")
    refusal = await refused(admin.invoices.VoidInvoice(void))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "INVOICE_CREDITED")


async def test_a_draft_uses_credit_when_it_becomes_final(admin, bought, books):
    run = Run(uuid7(), 1, FEBRUARY, Mode.DRAFT, RunState.SETTLING, 1, {}, FEBRUARY)
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        await PostgresUnitOfWork(tx).runs.insert(run)
    run_id = encode("run", run.run_id)
    await books.bill(billing_due([flat_charge(10000)], customer_id=bought.customer_id, run_id=run_id))
    draft = (await listed(admin))[2]
    assert (draft.credit_applied_minor, (await standing(admin, bought.customer_id)).balance_minor) == (0, 4760)
    request = invoices_pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id)
    final = (await admin.invoices.FinalizeInvoice(request)).invoice
    assert (final.credit_applied_minor, final.due_minor) == (4760, 7140)
    assert await whole(admin, draft.invoice_id) == final
    assert await books.broken() == {}


async def test_a_preview_shows_the_credit_it_would_use_and_uses_nothing(admin, bought, world):
    due = due_from_pb(billing_due([flat_charge(10000)], customer_id=bought.customer_id))
    world.renewals.dues[due.subscription_id] = due
    name = encode("sub", due.subscription_id)
    request = invoices_pb.PreviewUpcomingInvoiceRequest(subscription_id=name)
    preview = (await admin.invoices.PreviewUpcomingInvoice(request)).invoice
    assert (preview.total_minor, preview.credit_applied_minor) == (11900, 4760)
    assert (await standing(admin, bought.customer_id)).balance_minor == 4760
