"""PaymentsService and ClockService over gRPC, on PostgreSQL."""

import asyncio

import grpc
import pytest
from billing.common.v1 import clock_service_pb2 as clock_pb
from billing.payments.v1 import payment_methods_service_pb2, payment_pb2
from billing.payments.v1 import payments_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_payments.operations.detach_payment_method import detach_payment_method
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import text

CODE = grpc.StatusCode
NONE = "pay_01jx0000000000000000000000"


def text_of(payment):
    return encode("pay", payment.id)


def stamp(instant):
    made = Timestamp()
    made.FromDatetime(instant)
    return made


async def get(client, payment_id, **more):
    return (await client("payments", "GetPayment", pb.GetPaymentRequest(payment_id=payment_id, **more))).payment


async def retry(client, payment_id, key="key"):
    return (await client("payments", "RetryPayment", pb.RetryPaymentRequest(payment_id=payment_id), key)).payment


async def confirm(client, payment_id):
    return (await client("payments", "ConfirmPayment", pb.ConfirmPaymentRequest(payment_id=payment_id))).payment


async def run(client, as_of, limit=100):
    request = pb.RunPaymentRetriesRequest(as_of=stamp(as_of), limit=limit)
    return await client("payments", "RunPaymentRetries", request)


async def listed(client, **filters):
    return list((await client("payments", "ListPayments", pb.ListPaymentsRequest(**filters))).payments)


async def failed(payments, day):
    """A payment that was given up; its customer's next payment method succeeds."""
    payment = await payments.due("tok_hard_decline")
    await payments.attempt(day(0))
    hard = (await payments.get(payment)).last.payment_method_id
    await payments.in_transaction(lambda uow: detach_payment_method(uow, hard, ""))
    await payments.attach(customer=payment.customer_id)
    return payment


async def test_get(viewer, payments, day):
    payment = await payments.due("tok_soft_decline_then_succeeds")
    await payments.attempt(day(0))
    found = await get(viewer, text_of(payment))
    assert (found.invoice_id, found.customer_id) == (
        encode("inv", payment.invoice_id),
        encode("cus", payment.customer_id),
    )
    assert (found.amount.currency_code, found.amount.amount_minor) == ("EUR", 4900)
    assert [attempt.amount for attempt in found.attempts] == [found.amount]
    assert (found.state, found.etag) == (payment_pb2.PAYMENT_STATE_SCHEDULED, "v3")
    assert found.next_attempt_time == stamp(day(3))
    (attempt,) = found.attempts
    assert (attempt.number, attempt.gateway, attempt.decline_code) == (1, "sandbox", "insufficient_funds")
    assert (attempt.state, attempt.attempt_time) == (payment_pb2.ATTEMPT_STATE_SOFT_DECLINED, stamp(day(0)))
    assert attempt.gateway_reference.startswith("sandbox_")
    masked = await get(viewer, text_of(payment), read_mask=FieldMask(paths=["amount.amount_minor"]))
    assert masked == payment_pb2.Payment(amount={"amount_minor": 4900})


async def test_list(viewer, payments, day, refused):
    made = [await payments.due() for _ in range(3)]
    await payments.due("tok_hard_decline")
    await payments.attempt(day(0))
    first = made[0]
    assert [each.payment_id for each in await listed(viewer, customer_id=encode("cus", first.customer_id))] == [
        text_of(first)
    ]
    assert [each.payment_id for each in await listed(viewer, invoice_id=encode("inv", first.invoice_id))] == [
        text_of(first)
    ]
    succeeded = await listed(viewer, state=payment_pb2.PAYMENT_STATE_SUCCEEDED)
    assert [each.payment_id for each in succeeded] == [text_of(each) for each in made]
    assert all(len(each.attempts) == 1 for each in succeeded)
    page = await viewer("payments", "ListPayments", pb.ListPaymentsRequest(page_size=3))
    rest = await listed(viewer, page_size=3, page_token=page.next_page_token)
    assert (len(page.payments), len(rest)) == (3, 1)
    for bad, field in (
        ({"state": 99}, "state"),
        ({"page_size": -1}, "page_size"),
        ({"customer_id": "x"}, "customer_id"),
    ):
        assert (await refused(listed(viewer, **bad))).fields == (field,)
    assert (await refused(listed(viewer, page_token="!"))).reason == "INVALID_PAGE_TOKEN"
    masked = pb.ListPaymentsRequest(read_mask=FieldMask(paths=["nothing"]))
    assert (await refused(viewer("payments", "ListPayments", masked))).reason == "INVALID_READ_MASK"


async def test_retry_of_a_payment_that_was_given_up(admin, payments, day):
    payment = await failed(payments, day)
    done = await retry(admin, text_of(payment))
    assert (done.state, len(done.attempts)) == (payment_pb2.PAYMENT_STATE_SUCCEEDED, 2)
    assert await retry(admin, text_of(payment)) == done
    assert await payments.captures(payment) == 1
    assert (await payments.told())[-1] == "PaymentSucceeded"


async def test_retry_of_a_scheduled_payment(admin, payments, day):
    payment = await payments.due("tok_soft_decline_then_succeeds")
    await payments.attempt(day(0))
    done = await retry(admin, text_of(payment))
    assert (done.state, done.HasField("next_attempt_time")) == (payment_pb2.PAYMENT_STATE_SUCCEEDED, False)


async def test_a_retry_that_times_out_is_answered_as_unknown(admin, payments):
    payment = await payments.due("tok_timeout_after_charge")
    done = await retry(admin, text_of(payment))
    assert done.state == payment_pb2.PAYMENT_STATE_UNKNOWN
    assert await retry(admin, text_of(payment)) == done


async def test_many_retries_at_once_with_one_key_make_one_attempt(admin, payments, day):
    payment = await failed(payments, day)
    answers = await asyncio.gather(*(retry(admin, text_of(payment)) for _ in range(8)), return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert {refusal.code() for refusal in refusals} <= {CODE.ABORTED}
    done = await retry(admin, text_of(payment))
    assert all(answer == done for answer in answers if not isinstance(answer, grpc.aio.AioRpcError))
    assert (len(done.attempts), await payments.captures(payment)) == (2, 1)


async def test_many_retries_at_once_with_many_keys_capture_once(admin, payments, day):
    payment = await failed(payments, day)
    calls = (retry(admin, text_of(payment), f"key-{number}") for number in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert (len(refusals), {refusal.code() for refusal in refusals}) == (7, {CODE.FAILED_PRECONDITION})
    assert await payments.captures(payment) == 1


async def test_a_retry_whose_first_call_died_goes_on_where_it_was(admin, payments, day):
    payment = await failed(payments, day)
    await retry(admin, text_of(payment))
    async with payments.database.begin(payments.call) as tx:
        await tx.conn.execute(text("DELETE FROM idempotency"))
    done = await retry(admin, text_of(payment))
    assert (done.state, len(done.attempts)) == (payment_pb2.PAYMENT_STATE_SUCCEEDED, 2)


async def test_a_key_of_another_payment_charges_nothing(admin, payments, day, refused):
    first, second = await failed(payments, day), await failed(payments, day)
    await retry(admin, text_of(first))
    refusal = await refused(retry(admin, text_of(second)))
    assert (refusal.code, refusal.reason) == (CODE.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    async with payments.database.begin(payments.call) as tx:
        await tx.conn.execute(text("DELETE FROM idempotency"))
    assert (await refused(retry(admin, text_of(second)))).reason == "IDEMPOTENCY_KEY_REUSED"
    assert await payments.captures(second) == 0


async def test_refused_retries(admin, viewer, payments, day, refused):
    paid, waiting = await payments.due(), await payments.due("tok_requires_3ds")
    poor = await payments.open(uuid7())
    await payments.attempt(day(0))
    for payment in (paid, waiting):
        refusal = await refused(retry(admin, text_of(payment), str(uuid7())))
        assert (refusal.code, refusal.reason) == (CODE.FAILED_PRECONDITION, "PAYMENT_NOT_RETRYABLE")
    refusal = await refused(retry(admin, text_of(poor)))
    assert (refusal.code, refusal.reason) == (CODE.FAILED_PRECONDITION, "NO_PAYMENT_METHOD")
    refusal = await refused(retry(admin, text_of(poor), None))
    assert (refusal.code, refusal.reason) == (CODE.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REQUIRED")
    assert (await refused(retry(viewer, text_of(poor)))).code is CODE.PERMISSION_DENIED


async def test_confirm(admin, payments, day, refused):
    payment = await payments.due("tok_requires_3ds")
    refusal = await refused(confirm(admin, text_of(payment)))
    assert (refusal.code, refusal.reason) == (CODE.FAILED_PRECONDITION, "PAYMENT_NEEDS_NO_ACTION")
    await payments.attempt(day(0))
    assert (await get(admin, text_of(payment))).state == payment_pb2.PAYMENT_STATE_REQUIRES_ACTION
    done = await confirm(admin, text_of(payment))
    assert (done.state, len(done.attempts)) == (payment_pb2.PAYMENT_STATE_SUCCEEDED, 1)
    assert await confirm(admin, text_of(payment)) == done
    assert await payments.captures(payment) == 1
    assert (await payments.told())[1:] == ["PaymentRequiresAction", "PaymentSucceeded"]


async def test_many_confirmations_at_once_succeed_once(admin, payments, day):
    payment = await payments.due("tok_requires_3ds")
    await payments.attempt(day(0))
    await asyncio.gather(*(confirm(admin, text_of(payment)) for _ in range(6)))
    assert (await get(admin, text_of(payment))).state == payment_pb2.PAYMENT_STATE_SUCCEEDED
    assert (await payments.told()).count("PaymentSucceeded") == 1


async def test_a_payment_that_never_needed_action_is_not_confirmed(admin, payments, day, refused):
    payment = await payments.due()
    await payments.attempt(day(0))
    assert (await refused(confirm(admin, text_of(payment)))).reason == "PAYMENT_NEEDS_NO_ACTION"


async def test_run(peer, payments, day):
    await payments.due("tok_soft_decline_then_succeeds")
    await payments.due("tok_timeout_after_charge")
    await payments.test_clock(day(3))
    answer = await run(peer, day(0))
    assert (answer.attempted, answer.more, answer.unresolved) == (3, False, 0)
    answer = await run(peer, day(3))
    assert (answer.attempted, answer.more, answer.unresolved) == (1, False, 0)
    assert (await run(peer, day(3))).attempted == 0


async def test_refused_runs(peer, admin, payments, day, refused):
    await payments.test_clock(day(1))
    refusal = await refused(run(peer, day(2)))
    assert (refusal.code, refusal.reason) == (CODE.INVALID_ARGUMENT, "AS_OF_IN_FUTURE")
    for limit in (0, -1, 1001):
        assert (await refused(run(peer, day(1), limit))).fields == ("limit",)
    missing = pb.RunPaymentRetriesRequest(limit=1)
    assert (await refused(peer("payments", "RunPaymentRetries", missing))).fields == ("as_of",)
    odd = pb.RunPaymentRetriesRequest(as_of=Timestamp(seconds=-(10**15)), limit=1)
    assert (await refused(peer("payments", "RunPaymentRetries", odd))).code is CODE.INVALID_ARGUMENT
    assert (await refused(run(admin, day(1)))).code is CODE.PERMISSION_DENIED


async def test_unknown_and_foreign_ids(admin, client_of, payments, refused):
    payment, stranger = await payments.due(), client_of(uuid7())
    for client, payment_id in ((stranger, text_of(payment)), (admin, NONE)):
        for call in (get(client, payment_id), retry(client, payment_id), confirm(client, payment_id)):
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == (CODE.NOT_FOUND, "PAYMENT_NOT_FOUND")
    assert await listed(stranger) == []
    for malformed in ("", "pay_", "inv_01jx0000000000000000000000", f"{NONE}\n", NONE.upper()):
        assert (await refused(get(admin, malformed))).code is CODE.INVALID_ARGUMENT


async def test_a_customer_acts_on_its_own_payments(client_of, payments, tenant_id, day, refused):
    mine, theirs = await payments.due("tok_requires_3ds"), await payments.due("tok_requires_3ds")
    given_up = await failed(payments, day)
    await payments.attempt(day(0))
    customer = client_of(tenant_id, "customer", mine.customer_id)
    assert [each.payment_id for each in await listed(customer)] == [text_of(mine)]
    for call in (get(customer, text_of(theirs)), retry(customer, text_of(theirs)), confirm(customer, text_of(theirs))):
        assert (await refused(call)).reason == "PAYMENT_NOT_FOUND"
    assert (await confirm(customer, text_of(mine))).state == payment_pb2.PAYMENT_STATE_SUCCEEDED
    other = client_of(tenant_id, "customer", given_up.customer_id)
    assert (await retry(other, text_of(given_up))).state == payment_pb2.PAYMENT_STATE_SUCCEEDED


async def test_the_clock(peer, payments, day, refused):
    first = await peer("clock", "SetClock", clock_pb.SetClockRequest(now=stamp(day(0)), create=True))
    assert first.now == stamp(day(0))
    assert not (await peer("clock", "GetClock", clock_pb.GetClockRequest())).HasField("next_due_time")
    await payments.due("tok_soft_decline_then_succeeds")
    assert (await peer("clock", "GetClock", clock_pb.GetClockRequest())).next_due_time == stamp(day(0))
    await run(peer, day(0))
    state = await peer("clock", "GetClock", clock_pb.GetClockRequest())
    assert (state.next_due_time, state.outbox_pending) == (stamp(day(3)), 2)
    back = clock_pb.SetClockRequest(now=stamp(day(-1)))
    assert (await refused(peer("clock", "SetClock", back))).reason == "CLOCK_MOVES_BACKWARDS"


async def test_a_tenant_with_records_gets_no_test_clock(peer, admin, refused, day):
    wanted = payment_methods_service_pb2.CreatePaymentMethodRequest(
        customer_id=encode("cus", uuid7()), token="tok_succeeds"
    )
    await admin("methods", "CreatePaymentMethod", wanted)
    late = clock_pb.SetClockRequest(now=stamp(day(0)), create=True)
    assert (await refused(peer("clock", "SetClock", late))).reason == "TENANT_NOT_EMPTY"


@pytest.mark.parametrize("method", ["GetPayment", "ListPayments", "RetryPayment", "ConfirmPayment"])
async def test_without_a_token(payments_channel, method):
    call = payments_channel.unary_unary(f"/billing.payments.v1.PaymentsService/{method}")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call(b"", timeout=5)
    assert raised.value.code() is CODE.UNAUTHENTICATED
