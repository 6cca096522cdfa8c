"""Invoices that were paid in part, on PostgreSQL: what is charged, and what is told of it."""

import asyncio

import pytest
from billing.payments.v1.events_pb2 import PaymentSucceeded
from billing_kernel.money import CurrencyMismatch, Money
from billing_payments.domain.attempt import ASKS_FOR_SILENCE, AttemptState, Outcome
from billing_payments.domain.payment import PaymentState
from billing_payments.operations.confirm_payment import confirm_payment
from billing_payments.operations.resolve_unclear import resolve_unclear
from billing_payments.operations.take_rests import PartlyPaid, take_rests
from billing_runtime.call import calling
from sqlalchemy import text

S, A = PaymentState, AttemptState
SOFT = Outcome(A.SOFT_DECLINED, "fake", "insufficient_funds")


async def part(payments, payment, minor, at, version=2, currency="EUR"):
    paid = PartlyPaid(payment.invoice_id, version, Money(currency, minor), at)
    await payments.in_transaction(lambda uow: take_rests(uow, [paid]))


async def resolve(payments):
    await payments.abandon()
    with calling(payments.call):
        return await resolve_unclear(payments.collector)


async def amounts(payments, payment):
    """What the payment is for, and what each attempt asked for, in minor units."""
    after = await payments.get(payment)
    return after.amount.minor, [attempt.amount.minor for attempt in after.attempts]


async def collected(payments):
    """Amounts of the PaymentSucceeded in the outbox."""
    query = "SELECT payload FROM outbox WHERE type LIKE '%PaymentSucceeded'"
    async with payments.database.read(payments.call) as tx:
        found = (await tx.conn.execute(text(query))).scalars()
        return [PaymentSucceeded.FromString(payload).payment.amount.amount_minor for payload in found]


async def test_after_a_decline_the_retry_charges_the_rest(payments, day):
    payment = await payments.due("tok_soft_decline_then_succeeds")
    await payments.attempt(day(0))
    await part(payments, payment, 2900, day(1))
    after = await payments.get(payment)
    assert (after.state, after.next_attempt_at, after.updated_at) == (S.SCHEDULED, day(3), day(1))
    await payments.attempt(day(3))
    assert await amounts(payments, payment) == (2900, [4900, 2900])
    assert await collected(payments) == [2900]


async def test_an_attempt_under_way_keeps_its_amount_and_tells_it(payments, fake, day):
    fake.gate = asyncio.Event()
    payment = await payments.due("ok", "fake")
    under_way = asyncio.create_task(payments.attempt(day(0)))
    await fake.entered.acquire()
    await part(payments, payment, 2900, day(0))
    assert await amounts(payments, payment) == (2900, [4900])
    fake.gate.set()
    await under_way
    assert await amounts(payments, payment) == (4900, [4900])
    assert await collected(payments) == [4900]


async def test_an_attempt_under_way_that_is_declined_is_followed_by_the_rest(payments, fake, day):
    fake.script["slow"] = [SOFT, Outcome(A.SUCCEEDED, "fake")]
    fake.gate = asyncio.Event()
    payment = await payments.due("slow", "fake")
    under_way = asyncio.create_task(payments.attempt(day(0)))
    await fake.entered.acquire()
    await part(payments, payment, 2900, day(0))
    fake.gate.set()
    await under_way
    await payments.attempt(day(3))
    assert [order.amount.minor for order in fake.charges] == [4900, 2900]
    assert await collected(payments) == [2900]


async def test_an_attempt_without_an_answer_is_asked_about_and_its_amount_stands(payments, day):
    payment = await payments.due("tok_timeout_after_charge")
    await payments.attempt(day(0))
    await part(payments, payment, 2900, day(1))
    await resolve(payments)
    assert (await payments.get(payment)).state is S.SUCCEEDED
    assert await amounts(payments, payment) == (4900, [4900])


async def test_what_the_gateway_never_heard_of_is_not_sent_again_for_too_much(payments, fake, day):
    fake.script["lost"] = [ConnectionError(), Outcome(A.SUCCEEDED, "fake")]
    payment = await payments.due("lost", "fake")
    await payments.attempt(day(0))
    await part(payments, payment, 2900, day(1))
    for _ in range(ASKS_FOR_SILENCE):
        await resolve(payments)
    after = await payments.get(payment)
    assert (after.state, after.last.decline_code, len(fake.charges)) == (S.SCHEDULED, "not_sent", 1)
    await payments.attempt(day(3))
    assert [order.amount.minor for order in fake.charges] == [4900, 2900]


async def test_what_the_customer_has_confirmed_is_what_was_asked(payments, day):
    payment = await payments.due("tok_requires_3ds")
    await payments.attempt(day(0))
    await part(payments, payment, 2900, day(1))
    assert (await payments.get(payment)).state is S.REQUIRES_ACTION
    with calling(payments.at(day(1))):
        await confirm_payment(payments.collector, payment.id)
    assert await amounts(payments, payment) == (4900, [4900])
    assert await collected(payments) == [4900]


async def test_a_rest_in_another_currency_changes_nothing(payments, day):
    payment = await payments.due()
    with pytest.raises(CurrencyMismatch):
        await part(payments, payment, 2900, day(0), currency="USD")
    assert await payments.get(payment) == payment
