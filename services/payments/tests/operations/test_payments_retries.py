"""Retries in time: schedules, runs and clocks, on PostgreSQL."""

import pytest
from billing_payments.domain.attempt import AttemptState, Outcome
from billing_payments.domain.errors import AsOfInFuture
from billing_payments.domain.payment import PaymentState
from billing_payments.operations.make_due_attempts import make_due_attempts
from billing_payments.operations.run_payment_retries import run_payment_retries
from billing_runtime.call import calling

S = PaymentState
SOFT = Outcome(AttemptState.SOFT_DECLINED, "fake", "insufficient_funds")


async def run(payments, as_of, limit=100):
    with calling(payments.call):
        return await run_payment_retries(payments.collector, as_of=as_of, limit=limit)


async def test_a_declined_payment_walks_its_schedule(payments, fake, day):
    fake.script["poor"] = [SOFT]
    payment = await payments.due("poor", "fake")
    made = []
    while (await payments.get(payment)).state is S.SCHEDULED:
        due = (await payments.get(payment)).next_attempt_at
        await payments.attempt(due)
        made.append(due)
    assert made == [day(0), day(3), day(8), day(15), day(22)]
    assert (await payments.get(payment)).state is S.FAILED
    assert (await payments.told())[1:] == ["PaymentFailed"] * 5


async def test_attempts_come_in_time_order_across_payments(payments, fake, day):
    fake.script["poor"] = [SOFT]
    customer = (await payments.attach("poor", gateway="fake")).customer_id
    first, second = await payments.open(customer, day(0)), await payments.open(customer, day(4))
    await payments.test_clock(day(100))
    run_ = await run(payments, day(30))
    assert (run_.attempted, run_.more, run_.unresolved) == (10, False, 0)
    times = {
        attempt.id: attempt.attempted_at
        for payment in (first, second)
        for attempt in (await payments.get(payment)).attempts
    }
    made = [times[order.attempt_id] for order in fake.charges]
    assert made == sorted(made)
    assert made[:4] == [day(0), day(3), day(4), day(7)]


async def test_a_run_has_a_limit_and_says_that_there_is_more(payments, day):
    for _ in range(3):
        await payments.due()
    run_ = await run(payments, day(0), limit=2)
    assert (run_.attempted, run_.more) == (2, True)
    run_ = await run(payments, day(0), limit=2)
    assert (run_.attempted, run_.more) == (1, False)


async def test_a_run_makes_and_resolves(payments, day):
    payment = await payments.due("tok_timeout_after_charge")
    run_ = await run(payments, day(0))
    assert (run_.attempted, run_.unresolved) == (2, 0)
    assert (await payments.get(payment)).state is S.SUCCEEDED


async def test_a_run_ahead_of_the_clock(payments, day):
    await payments.test_clock(day(5))
    with pytest.raises(AsOfInFuture):
        await run(payments, day(6))
    assert (await run(payments, day(5))).attempted == 0


async def test_the_job_lives_by_the_tenants_test_clock(payments, day):
    payment = await payments.due("tok_soft_decline_then_succeeds")
    await payments.test_clock(day(2))
    with calling(payments.call):
        assert (await make_due_attempts(payments.collector)).attempted == 1
        assert (await make_due_attempts(payments.collector)).attempted == 0
    assert [attempt.attempted_at for attempt in (await payments.get(payment)).attempts] == [day(0)]
    assert (await payments.get(payment)).next_attempt_at == day(3)


async def test_by_the_wall_clock_an_attempt_that_is_late_takes_effect_now(payments, day):
    payment = await payments.due("tok_soft_decline_then_succeeds")
    with calling(payments.at(day(10))):
        await make_due_attempts(payments.collector)
    assert (await payments.get(payment)).next_attempt_at == day(13)
