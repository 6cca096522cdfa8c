"""One bounded batch of attempts that are due, of one tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_payments.domain import collection
from billing_payments.domain.payment import Payment
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.operations.collect import BATCH_MAX, Collector, charge_all, question_of
from billing_payments.operations.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Made:
    """`claimed` due payments, of which `attempted` had something to charge."""

    claimed: int
    attempted: int


async def make_due_attempts(collector: Collector, *, as_of: datetime | None = None, limit: int = BATCH_MAX) -> Made:
    """With `as_of` each attempt takes effect when it was due; so it does for a tenant with a test clock.

    For other tenants it takes effect now: what was due during an outage is retried after full delays from today.
    """
    async with collector.begin() as uow:
        until = as_of or await uow.now()
        when_due = as_of is not None or await uow.has_test_clock()
        due = await uow.claim_due(until, min(limit, BATCH_MAX), collector.policy.schedule.shortest)
        methods = await _methods(uow, due)
        effective = {payment.id: _due_at(payment) if when_due else until for payment in due}
        started = [
            _start(collector, payment, methods, effective, len(due)) for payment in due if _has(payment, methods)
        ]
        await uow.start_attempts(started)
        await _let_wait(uow, [payment for payment in due if not _has(payment, methods)], effective)
    tokens = {method.id: method for method in methods.values()}
    await charge_all(collector, [question_of(payment, tokens) for payment in started])
    return Made(len(due), len(started))


async def _methods(uow: UnitOfWork, due: Sequence[Payment]) -> Mapping[UUID, PaymentMethod]:
    """Default methods by customer. Who seems to have none is looked at again under the lock that attaching takes."""
    customers = {payment.customer_id for payment in due}
    found = await uow.default_methods(customers)
    lacking = customers - found.keys()
    if not lacking:
        return found
    await uow.lock_customers(lacking)
    return {**found, **await uow.default_methods(lacking)}


def _has(payment: Payment, methods: Mapping[UUID, PaymentMethod]) -> bool:
    return payment.customer_id in methods


def _due_at(payment: Payment) -> datetime:
    assert payment.next_attempt_at is not None, "only what is due is claimed"
    return payment.next_attempt_at


def _start(
    collector: Collector,
    payment: Payment,
    methods: Mapping[UUID, PaymentMethod],
    effective: Mapping[UUID, datetime],
    batch: int,
) -> Payment:
    method, at = methods[payment.customer_id], effective[payment.id]
    return collection.start_attempt(payment, method, attempt_id=uuid7(), at=at, hold_s=collector.policy.hold_s(batch))


async def _let_wait(uow: UnitOfWork, payments: Sequence[Payment], effective: Mapping[UUID, datetime]) -> None:
    decisions = [collection.wait_for_method(payment, at=effective[payment.id]) for payment in payments]
    await uow.save_payments([decision.payment for decision in decisions])
    await uow.publish(*(event for decision in decisions for event in decision.events))
