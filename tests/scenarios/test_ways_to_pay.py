"""What cards do: declined then paid, declined for good, a time-out after the charge, 3-D Secure, none at all."""

from datetime import timedelta

import pytest_asyncio
from billing.payments.v1.payment_methods_service_pb2 import (
    CreatePaymentMethodRequest,
    UpdatePaymentMethodRequest,
)
from billing.payments.v1.payments_service_pb2 import ConfirmPaymentRequest, RetryPaymentRequest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.scenarios.book import ledger
from tests.scenarios.callers import refusal
from tests.scenarios.servers import Servers
from tests.scenarios.shop import GROSS, START, Shop

DECLINED = "    2024-01-31T08:30Z  SOFT_DECLINED  insufficient_funds\n"


@pytest_asyncio.fixture
async def shop(servers: Servers) -> Shop:
    return await Shop.open(servers)


async def _ledger(shop: Shop, name: str) -> str:
    return ledger([await shop.payment(name)])


async def test_a_declined_card_is_charged_again_on_the_third_day_and_not_before(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_soft_decline_then_succeeds")
    await shop.world.bill()
    await shop.world.move_to(START + timedelta(days=3) - timedelta(microseconds=1))
    await shop.world.settle()
    assert await _ledger(shop, "anna") == (f"EUR 11.90  SCHEDULED\n{DECLINED}")
    assert await shop.standing("anna") == "PAST_DUE"
    await shop.world.move_to(START + timedelta(days=3))
    await shop.world.settle()
    assert await _ledger(shop, "anna") == (f"EUR 11.90  SUCCEEDED\n{DECLINED}    2024-02-03T08:30Z  SUCCEEDED\n")
    assert await shop.standing("anna") == "ACTIVE"
    assert (await shop.invoice("anna")).due_minor == 0


async def test_a_card_declined_for_good_waits_for_another_one(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_hard_decline")
    await shop.world.bill()
    await shop.world.move_to(START + timedelta(days=20))
    await shop.world.settle()
    assert await _ledger(shop, "anna") == "EUR 11.90  FAILED\n    2024-01-31T08:30Z  HARD_DECLINED  card_stolen\n"
    assert await shop.standing("anna") == "PAST_DUE"

    methods = shop.world.admin.methods
    request = CreatePaymentMethodRequest(customer_id=shop.customers["anna"], token="tok_succeeds")
    added = (await methods.CreatePaymentMethod(request)).payment_method
    mask = FieldMask(paths=["is_default"])
    await methods.UpdatePaymentMethod(
        UpdatePaymentMethodRequest(payment_method_id=added.payment_method_id, is_default=True, update_mask=mask)
    )
    payment_id = (await shop.payment("anna")).payment_id
    await shop.world.admin.payments.RetryPayment(RetryPaymentRequest(payment_id=payment_id))
    await shop.world.settle()
    assert (await _ledger(shop, "anna")).endswith("    2024-02-20T08:30Z  SUCCEEDED\n")
    assert await shop.standing("anna") == "ACTIVE"


async def test_a_time_out_after_the_charge_charges_once(shop: Shop, servers: Servers) -> None:
    await shop.sign_up("anna", "tok_timeout_after_charge")
    await shop.world.bill()
    assert await _ledger(shop, "anna") == "EUR 11.90  SUCCEEDED\n    2024-01-31T08:30Z  SUCCEEDED\n"
    assert (await shop.invoice("anna")).due_minor == 0
    captured = "SELECT count(*), sum(amount_minor) FROM sandbox_charge WHERE tenant_id = %s AND captured_at IS NOT NULL"
    assert servers.payments.execute(captured, [shop.world.tenant_id]).fetchone() == (1, GROSS)


async def test_3ds_waits_for_the_customer(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_requires_3ds")
    await shop.world.bill()
    assert await _ledger(shop, "anna") == "EUR 11.90  REQUIRES_ACTION\n    2024-01-31T08:30Z  REQUIRES_ACTION\n"
    assert await shop.standing("anna") == "ACTIVE"
    assert len(shop.world.events("PaymentRequiresAction")) == 1

    request = ConfirmPaymentRequest(payment_id=(await shop.payment("anna")).payment_id)
    await shop.world.admin.payments.ConfirmPayment(request)
    await shop.world.admin.payments.ConfirmPayment(request)
    await shop.world.settle()
    assert await _ledger(shop, "anna") == "EUR 11.90  SUCCEEDED\n    2024-01-31T08:30Z  SUCCEEDED\n"
    assert len(shop.world.events("PaymentSucceeded")) == 1


async def test_without_a_card_the_payment_waits_and_a_card_wakes_it(shop: Shop) -> None:
    await shop.sign_up("anna", card="")
    await shop.world.bill()
    assert await _ledger(shop, "anna") == "EUR 11.90  SCHEDULED\n"
    assert await shop.standing("anna") == "PAST_DUE"
    await shop.world.move_to(START + timedelta(days=1))
    request = CreatePaymentMethodRequest(customer_id=shop.customers["anna"], token="tok_succeeds")
    await shop.world.admin.methods.CreatePaymentMethod(request)
    await shop.world.settle()
    assert await _ledger(shop, "anna") == "EUR 11.90  SUCCEEDED\n    2024-02-01T08:30Z  SUCCEEDED\n"
    assert await shop.standing("anna") == "ACTIVE"


async def test_a_void_or_paid_invoice_is_not_charged_any_more(shop: Shop) -> None:
    for name in ("voided", "paid"):
        await shop.sign_up(name, "tok_soft_decline_then_succeeds")
    await shop.world.bill()
    await shop.void(await shop.invoice("voided"))
    await shop.mark_paid(await shop.invoice("paid"))
    await shop.world.settle()
    await shop.world.move_to(START + timedelta(days=10))
    await shop.world.settle()
    declined = f"EUR 11.90  CANCELED\n{DECLINED}"
    assert [await _ledger(shop, name) for name in ("voided", "paid")] == [declined, declined]
    assert [await shop.standing(name) for name in ("voided", "paid")] == ["ACTIVE", "ACTIVE"]
    retry = RetryPaymentRequest(payment_id=(await shop.payment("paid")).payment_id)
    assert (await refusal(shop.world.admin.payments.RetryPayment(retry)))[1] == "PAYMENT_NOT_RETRYABLE"


async def test_what_was_paid_in_part_is_charged_for_the_rest(shop: Shop) -> None:
    await shop.sign_up("anna", "tok_soft_decline_then_succeeds")
    await shop.world.bill()
    await shop.mark_paid(await shop.invoice("anna"), 500)
    await shop.world.settle()
    await shop.world.move_to(START + timedelta(days=3))
    await shop.world.settle()
    invoice = await shop.invoice("anna")
    assert (invoice.paid_minor, invoice.due_minor) == (GROSS, 0)
    assert await _ledger(shop, "anna") == (f"EUR 6.90  SUCCEEDED\n{DECLINED}    2024-02-03T08:30Z  SUCCEEDED\n")
    assert await shop.world.broken_rules() == {}
