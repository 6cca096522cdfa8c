"""Drafts, finalising, voiding, paying in part, and dues that cannot be billed."""

from datetime import timedelta

import pytest_asyncio
from billing.invoicing.v1.billing_runs_service_pb2 import ListParkedDuesRequest, RetryParkedDueRequest
from billing.invoicing.v1.invoice_pb2 import (
    INVOICE_STATE_DRAFT,
    INVOICE_STATE_OPEN,
    INVOICE_STATE_PAID,
    INVOICE_STATE_VOID,
)

from tests.scenarios import catalogue
from tests.scenarios.callers import refusal
from tests.scenarios.servers import Servers
from tests.scenarios.shop import GROSS, START, Shop
from tests.scenarios.world import INVOICE_MODE_DRAFT


@pytest_asyncio.fixture
async def shop(servers: Servers) -> Shop:
    return await Shop.open(servers)


async def test_drafts_take_numbers_in_the_order_of_finalising(shop: Shop) -> None:
    for name in ("anna", "bruno", "cara"):
        await shop.sign_up(name)
    await shop.world.bill(mode=INVOICE_MODE_DRAFT)
    drafts = {name: await shop.invoice(name) for name in shop.customers}
    for draft in drafts.values():
        assert (draft.state, draft.number, draft.due_minor, draft.total_minor) == (INVOICE_STATE_DRAFT, "", 0, GROSS)
    assert await shop.world.payments() == []

    await shop.world.move_to(START + timedelta(days=1))
    numbers = [(await shop.finalize(drafts[name])).number for name in ("cara", "anna")]
    await shop.world.settle()
    assert numbers == ["MESH-2024-000001", "MESH-2024-000002"]
    assert (await shop.invoice("cara")).state == INVOICE_STATE_PAID
    assert (await shop.invoice("bruno")).state == INVOICE_STATE_DRAFT
    assert [invoice.invoice_time.ToSeconds() for invoice in await shop.world.invoices(shop.customers["anna"])] == [
        int((START + timedelta(days=1)).timestamp())
    ]
    assert await refusal(shop.finalize(drafts["anna"])) == ("FAILED_PRECONDITION", "INVOICE_NOT_DRAFT")
    assert await shop.world.broken_rules() == {}


async def test_the_number_of_a_void_invoice_stays_used(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_hard_decline")
    await shop.world.bill()
    void = await shop.void(await shop.invoice("anna"))
    await shop.world.settle()
    assert (void.state, void.due_minor, void.number) == (INVOICE_STATE_VOID, 0, "MESH-2024-000001")
    assert (await shop.world.bill()).published == 0, "a run bills no period again, void or not"
    await shop.sign_up("bruno")
    await shop.world.bill()
    assert (await shop.invoice("bruno")).number == "MESH-2024-000002"
    assert (await refusal(shop.void(void)))[1] == "INVOICE_VOID"
    assert (await refusal(shop.void(await shop.invoice("bruno"))))[1] == "INVOICE_PAID"
    assert (await refusal(shop.mark_paid(void)))[1] == "INVOICE_NOT_OPEN"
    assert await shop.world.broken_rules() == {}


async def test_paying_in_part_ends_at_what_is_due(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_hard_decline")
    await shop.world.bill()
    invoice = await shop.invoice("anna")
    assert (await shop.mark_paid(invoice, 1)).due_minor == GROSS - 1
    assert (await refusal(shop.mark_paid(invoice, GROSS)))[1] == "PAYMENT_EXCEEDS_DUE"
    assert (await refusal(shop.mark_paid(invoice, 1, "USD")))[1] == "CURRENCY_MISMATCH"
    assert (await refusal(shop.mark_paid(invoice, -1)))[0] in ("INVALID_ARGUMENT", "FAILED_PRECONDITION")
    assert (await shop.mark_paid(invoice, GROSS - 2)).state == INVOICE_STATE_OPEN
    await shop.world.settle()
    assert await shop.standing("anna") == "PAST_DUE"
    paid = await shop.mark_paid(invoice)
    await shop.world.settle()
    assert [payment.amount_minor for payment in paid.payments] == [1, GROSS - 2, 1]
    assert (paid.state, paid.due_minor, await shop.standing("anna")) == (INVOICE_STATE_PAID, 0, "ACTIVE")
    assert await shop.world.broken_rules() == {}


async def test_a_due_that_cannot_be_billed_is_parked_and_its_neighbours_are_billed(shop: Shop) -> None:
    odd = catalogue.flat("base", "1.00")
    odd.tax_category = "unknown_category"
    shop.customers["odd"] = await catalogue.customer(shop.world, "odd")
    for name in ("anna", "bruno"):
        await shop.sign_up(name)
    await catalogue.subscribe(shop.world, shop.customers["odd"], await catalogue.plan(shop.world, "odd", [odd]))
    run = await shop.world.bill()
    assert (run.published, run.settled, run.parked, run.invoices) == (3, 3, 1, 2)
    [parked] = (await shop.world.admin.runs.ListParkedDues(ListParkedDuesRequest())).dues
    assert (parked.customer_id, parked.reason) == (shop.customers["odd"], "UNKNOWN_TAX_CATEGORY")
    retry = shop.world.admin.runs.RetryParkedDue(RetryParkedDueRequest(due_id=parked.due_id))
    assert (await refusal(retry))[1] == "UNKNOWN_TAX_CATEGORY"
    assert sorted(invoice.number for invoice in await shop.world.invoices()) == ["MESH-2024-000001", "MESH-2024-000002"]
    assert await shop.world.broken_rules() == {}
