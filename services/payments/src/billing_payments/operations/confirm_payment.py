"""Collecting goes on after the customer has authenticated."""

from uuid import UUID

from billing_payments.domain import collection
from billing_payments.domain.payment import Payment, PaymentState
from billing_payments.operations.collect import Collector, Question, question_of, resolve_all
from billing_payments.operations.ports import UnitOfWork


async def confirm_payment(collector: Collector, payment_id: UUID) -> Payment:
    """The payment after the gateway was asked; for a repeated call, as it is. Raises PaymentNotFound, NeedsNoAction."""
    async with collector.begin() as uow:
        payment, question = await _start(uow, collector, payment_id)
    if question is None:
        return payment
    await resolve_all(collector, [question])
    async with collector.begin() as uow:
        return await uow.lock_payment(payment_id)


async def _start(uow: UnitOfWork, collector: Collector, payment_id: UUID) -> tuple[Payment, Question | None]:
    payment = await uow.lock_payment(payment_id)
    confirmed_before = bool(payment.attempts) and payment.last.confirmed_at is not None
    if confirmed_before and payment.state is not PaymentState.REQUIRES_ACTION:
        return payment, None
    after = collection.confirm(payment, now=await uow.now(), hold_s=collector.policy.hold_s(1))
    await uow.save_payments([after])
    methods = await uow.methods({after.last.payment_method_id})
    return after, question_of(after, methods)
