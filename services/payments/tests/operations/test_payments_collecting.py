"""Attempts from intent to outcome, on PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest
from billing_kernel.ids import uuid7
from billing_payments.domain.attempt import ASKS_FOR_SILENCE, AttemptState, Outcome
from billing_payments.domain.payment import PaymentState
from billing_payments.gateways.sandbox import SandboxGateway
from billing_payments.operations.cancel_payments import Settled, cancel_payments
from billing_payments.operations.collect import Policy
from billing_payments.operations.detach_payment_method import detach_payment_method
from billing_payments.operations.resolve_unclear import resolve_unclear
from billing_payments.operations.update_payment_method import MethodChange, update_payment_method
from billing_payments.storage.sandbox_book import sandbox_books
from billing_runtime.call import calling

S, A = PaymentState, AttemptState
SOFT = Outcome(A.SOFT_DECLINED, "fake", "insufficient_funds")
POINTS = ["payments.intent_stored", "payments.sent", "payments.answered", "payments.stored"]


async def resolve(payments):
    await payments.abandon()
    with calling(payments.call):
        return await resolve_unclear(payments.collector)


async def settle(payments, payment, at):
    await payments.in_transaction(lambda uow: cancel_payments(uow, [Settled(payment.invoice_id, at)]))


async def resolve_silence(payments):
    """As time goes by: a gateway that never heard of an attempt is asked until that is certain."""
    for _ in range(ASKS_FOR_SILENCE):
        await resolve(payments)


@pytest.mark.parametrize(
    ("token", "state", "attempt", "captures", "told"),
    [
        ("tok_succeeds", S.SUCCEEDED, A.SUCCEEDED, 1, "PaymentSucceeded"),
        ("tok_soft_decline_then_succeeds", S.SCHEDULED, A.SOFT_DECLINED, 0, "PaymentFailed"),
        ("tok_hard_decline", S.FAILED, A.HARD_DECLINED, 0, "PaymentFailed"),
        ("tok_requires_3ds", S.REQUIRES_ACTION, A.REQUIRES_ACTION, 0, "PaymentRequiresAction"),
        ("tok_timeout_after_charge", S.UNKNOWN, A.UNKNOWN, 1, None),
    ],
)
async def test_first_attempts(payments, day, token, state, attempt, captures, told):
    payment = await payments.due(token)
    made = await payments.attempt(day(0))
    after = await payments.get(payment)
    assert (made.claimed, made.attempted) == (1, 1)
    assert (after.state, after.last.state, after.last.attempted_at) == (state, attempt, day(0))
    assert await payments.captures(payment) == captures
    assert (await payments.told())[1:] == ([told] if told else [])


async def test_what_is_not_due_is_left_alone(payments, day):
    payment = await payments.due(at=day(1))
    assert (await payments.attempt(day(0.99))).claimed == 0
    assert await payments.get(payment) == payment


async def test_a_time_out_is_resolved_by_asking_and_never_by_charging_again(payments, day):
    payment = await payments.due("tok_timeout_after_charge")
    await payments.attempt(day(0))
    assert (await payments.attempt(day(99))).claimed == 0
    with calling(payments.call):
        assert await resolve_unclear(payments.collector) == 1
        assert await resolve_unclear(payments.collector) == 0
    after = await payments.get(payment)
    assert (after.state, len(after.attempts)) == (S.SUCCEEDED, 1)
    assert await payments.captures(payment) == 1
    assert (await payments.told())[1:] == ["PaymentSucceeded"]


async def test_a_deaf_gateway_is_asked_less_and_less_often(payments, fake, day):
    fake.script["slow"] = [TimeoutError()]
    fake.deaf = True
    payment = await payments.due("slow", "fake")
    await payments.attempt(day(0))
    for asks in (1, 2):
        assert await resolve(payments) == 1
        after = await payments.get(payment)
        assert (after.state, after.last.asks) == (S.UNKNOWN, asks)
    with calling(payments.call):
        assert await resolve_unclear(payments.collector) == 0
    fake.deaf = False
    await resolve(payments)
    assert (await payments.get(payment)).state is S.SUCCEEDED
    assert len(fake.charges) == 1


async def test_what_the_gateway_never_heard_of_is_sent_again_under_the_same_id(payments, fake, day):
    fake.script["lost"] = [ConnectionError(), Outcome(A.SUCCEEDED, "fake")]
    payment = await payments.due("lost", "fake")
    await payments.attempt(day(0))
    assert (await payments.get(payment)).state is S.UNKNOWN
    await resolve(payments)
    after = await payments.get(payment)
    assert (after.state, len(after.attempts)) == (S.SUCCEEDED, 1)
    assert [order.attempt_id for order in fake.charges] == [after.last.id] * 2


async def test_a_slow_gateway_is_cut_off(payments, fake, day):
    fake.gate = asyncio.Event()
    payment = await payments.due("ok", "fake")
    await payments.attempt(day(0), policy=Policy(payments.collector.policy.schedule, 0.05, 1))
    assert (await payments.get(payment)).state is S.UNKNOWN


async def test_a_gateway_that_is_gone_leaves_the_attempt_unknown(payments, day):
    payment = await payments.due("ok", "fake")
    await payments.attempt(day(0), gateways={})
    assert (await payments.get(payment)).state is S.UNKNOWN


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_anywhere_captures_once(payments, crash, day, point):
    payment = await payments.due()

    def strike(name):
        if name == point:
            raise crash

    sandbox = SandboxGateway(sandbox_books(payments.database), strike)
    with pytest.raises(crash):
        await payments.attempt(day(0), gateways={"sandbox": sandbox}, pass_point=strike)
    left = await payments.get(payment)
    assert left.state is (S.SUCCEEDED if point == "payments.stored" else S.PROCESSING)
    assert (await payments.attempt(day(99))).claimed == 0
    await resolve(payments)
    after = await payments.get(payment)
    assert (after.state, len(after.attempts)) == (S.SUCCEEDED, 1)
    assert await payments.captures(payment) == 1
    assert (await payments.told())[1:] == ["PaymentSucceeded"]


async def test_two_workers_at_once_capture_once(payments, day):
    opened = [await payments.due() for _ in range(12)]
    made = await asyncio.gather(*(payments.attempt(day(0)) for _ in range(4)))
    assert sum(each.attempted for each in made) == 12
    for payment in opened:
        after = await payments.get(payment)
        assert (after.state, len(after.attempts), await payments.captures(payment)) == (S.SUCCEEDED, 1, 1)


async def test_a_worker_and_one_who_thinks_it_dead_capture_once(payments, fake, day):
    fake.gate = asyncio.Event()
    payment = await payments.due("ok", "fake")
    slow = asyncio.create_task(payments.attempt(day(0)))
    await fake.entered.acquire()
    asking = asyncio.create_task(resolve(payments))
    await fake.entered.acquire()
    fake.gate.set()
    await asyncio.gather(slow, asking)
    after = await payments.get(payment)
    assert (after.state, len(after.attempts), await fake.captures(payment.id)) == (S.SUCCEEDED, 1, 1)
    assert (await payments.told())[1:] == ["PaymentSucceeded"]


async def test_a_lost_attempt_is_not_sent_again_with_a_detached_method(payments, fake, day):
    fake.script["lost"] = [ConnectionError()]
    payment = await payments.due("lost", "fake")
    await payments.attempt(day(0))
    method_id = (await payments.get(payment)).last.payment_method_id
    await payments.in_transaction(lambda uow: detach_payment_method(uow, method_id, ""))
    await resolve_silence(payments)
    after = await payments.get(payment)
    assert (after.state, after.last.decline_code, len(fake.charges)) == (S.SCHEDULED, "not_sent", 1)


async def test_without_a_method_a_payment_waits_until_one_is_attached(payments, day):
    customer = uuid7()
    payment = await payments.open(customer)
    made = await payments.attempt(day(0))
    assert (made.claimed, made.attempted) == (1, 0)
    waiting = await payments.get(payment)
    assert (waiting.state, waiting.next_attempt_at, waiting.attempts) == (S.SCHEDULED, None, ())
    assert (await payments.attempt(day(99))).claimed == 0
    await payments.attach(customer=customer)
    await payments.attempt(day(0))
    assert (await payments.get(payment)).state is S.SUCCEEDED
    assert await payments.told() == ["PaymentFailed", "PaymentMethodAttached", "PaymentSucceeded"]


async def test_attaching_and_claiming_at_once_leaves_no_payment_asleep(payments, day):
    for _ in range(10):
        customer = uuid7()
        payment = await payments.open(customer)
        await asyncio.gather(payments.attempt(day(0)), payments.attach(customer=customer))
        await payments.attempt(day(0))
        assert (await payments.get(payment)).state is S.SUCCEEDED


async def test_a_moved_default_is_what_is_charged_and_wakes_who_waits(payments, day):
    first = await payments.attach("tok_hard_decline")
    second = await payments.attach(customer=first.customer_id)
    assert (first.is_default, second.is_default) == (True, False)
    await payments.in_transaction(lambda uow: detach_payment_method(uow, first.id, ""))
    payment = await payments.open(first.customer_id)
    assert (await payments.attempt(day(0))).attempted == 0
    change = MethodChange(is_default=True)
    await payments.in_transaction(lambda uow: update_payment_method(uow, second.id, change, ""))
    await payments.attempt(day(0))
    assert (await payments.get(payment)).last.payment_method_id == second.id


async def test_a_settled_invoice_cancels_what_is_open(payments, day):
    payment = await payments.due("tok_hard_decline")
    await payments.attempt(day(0))
    await settle(payments, payment, day(1))
    after = await payments.get(payment)
    assert (after.state, after.updated_at) == (S.CANCELED, day(1))
    assert (await payments.told())[-1] == "PaymentCanceled"


async def test_settled_while_under_way_the_outcome_decides(payments, fake, day):
    fake.script["lost"] = [ConnectionError()]
    sent, lost = await payments.due("tok_timeout_after_charge"), await payments.due("lost", "fake")
    await payments.attempt(day(0))
    for payment in (sent, lost):
        await settle(payments, payment, day(1))
        assert (await payments.get(payment)).state is S.UNKNOWN
    await resolve_silence(payments)
    assert (await payments.get(sent)).state is S.SUCCEEDED
    assert (await payments.get(lost)).state is S.CANCELED
    assert len(fake.charges) == 1
    assert (await payments.told())[-2:] == ["PaymentSucceeded", "PaymentCanceled"]


async def test_a_charge_that_reaches_the_gateway_late_is_not_written_off(payments, fake, day):
    """The order timed out on its way, the invoice was settled, and only then the gateway took the money."""
    fake.script["late"] = [ConnectionError()]
    payment = await payments.due("late", "fake")
    await payments.attempt(day(0))
    await settle(payments, payment, day(1))
    await resolve(payments)
    assert (await payments.get(payment)).state is S.UNKNOWN
    (order,) = fake.charges
    fake.book[order.attempt_id] = (order, Outcome(A.SUCCEEDED, "fake"))
    await resolve(payments)
    assert (await payments.get(payment)).state is S.SUCCEEDED
    assert (await payments.told())[-1] == "PaymentSucceeded"


async def test_a_settlement_does_not_give_away_an_attempt_that_somebody_works_on(payments, fake, day):
    fake.gate = asyncio.Event()
    payment = await payments.due("ok", "fake")
    slow = asyncio.create_task(payments.attempt(day(0)))
    await fake.entered.acquire()
    await settle(payments, payment, day(1))
    with calling(payments.call):
        assert await resolve_unclear(payments.collector) == 0
    fake.gate.set()
    await slow
    assert (await payments.get(payment)).state is S.SUCCEEDED


async def test_a_big_batch_is_made_of_bounded_ones(payments, day):
    customer = (await payments.attach()).customer_id
    for _ in range(103):
        await payments.open(customer)
    assert (await payments.attempt(day(0))).attempted == 100
    assert (await payments.attempt(day(0))).attempted == 3
    assert {payment.state for payment in await payments.payments()} == {S.SUCCEEDED}


async def test_without_retries_nothing_limits_a_batch_in_time(payments, day):
    await payments.due(at=day(0))
    await payments.due(at=day(50))
    policy = replace(payments.collector.policy, schedule=type(payments.collector.policy.schedule)(()))
    assert (await payments.attempt(day(50), policy=policy)).attempted == 2
