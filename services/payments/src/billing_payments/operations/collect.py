"""How every attempt is made: its intent is stored, then the gateway is called, then the outcome is stored.

Between those three steps no transaction is open. What a crash or a time-out leaves without an outcome is UNKNOWN and is
resolved by asking the gateway, which knows it by its attempt_id; only an attempt that the gateway never heard of is
sent again, under the same attempt_id. One that is not wanted any more is given up when the gateway has not heard of it
for a minute: an order that timed out may still be on its way, and nothing calls it back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from billing_runtime.fault import failpoint

from billing_payments.domain import collection
from billing_payments.domain.attempt import ASKS_FOR_SILENCE, AttemptState, ChargeOrder, Outcome
from billing_payments.domain.errors import GatewayUnclear
from billing_payments.domain.payment import Payment
from billing_payments.domain.payment_method import MethodState, PaymentMethod
from billing_payments.domain.schedule import RetrySchedule
from billing_payments.operations.ports import Begin, Gateway

BATCH_MAX = 100
HOLD_MARGIN_S = 5.0
NOT_SENT = Outcome(AttemptState.SOFT_DECLINED, decline_code="not_sent")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Policy:
    """`deadline_s` of one call of a gateway; `concurrency` calls at a time."""

    schedule: RetrySchedule
    deadline_s: float
    concurrency: int

    def hold_s(self, calls: int) -> float:
        """So long a batch may take; an attempt that is older has been left behind."""
        rounds = -(-calls // self.concurrency)
        return 2 * rounds * self.deadline_s + HOLD_MARGIN_S


@dataclass(frozen=True, slots=True)
class Collector:
    """What the steps need. `begin` opens transactions that know no idempotency key."""

    begin: Begin
    gateways: Mapping[str, Gateway]
    policy: Policy
    pass_point: Callable[[str], None] = failpoint


@dataclass(frozen=True, slots=True)
class Question:
    """One attempt that a gateway is to be asked about.

    `wanted`: it may be sent when the gateway never heard of it: the invoice is open, still has its amount due, and the
    payment method is attached.
    `asks` counts the questions about it, this one among them.
    """

    gateway: str
    order: ChargeOrder
    wanted: bool
    asks: int


@dataclass(frozen=True, slots=True)
class Reply:
    """`outcome` is None when the gateway gave no clear answer."""

    payment_id: UUID
    attempt_id: UUID
    outcome: Outcome | None


Ask = Callable[[Gateway, Question], Awaitable[Outcome]]


def question_of(payment: Payment, methods: Mapping[UUID, PaymentMethod]) -> Question:
    """The question for the latest attempt; `methods` holds its payment method."""
    last = payment.last
    method = methods[last.payment_method_id]
    order = ChargeOrder(payment.id, last.id, last.amount, method.token)
    due = last.amount == payment.amount and not payment.cancel_requested
    wanted = due and method.state is MethodState.ATTACHED
    return Question(last.gateway, order, wanted, last.asks)


async def charge_all(collector: Collector, questions: Sequence[Question]) -> None:
    """Steps two and three for attempts whose intent is stored."""
    if not questions:
        return
    collector.pass_point("payments.intent_stored")
    await _settle(collector, questions, _charge)


async def resolve_all(collector: Collector, questions: Sequence[Question]) -> None:
    """The same for attempts that may have been made already."""
    if not questions:
        return
    await _settle(collector, questions, _resolve)


async def _charge(gateway: Gateway, question: Question) -> Outcome:
    return await gateway.charge(question.order)


async def _resolve(gateway: Gateway, question: Question) -> Outcome:
    outcome = await gateway.query(question.order.attempt_id)
    if outcome is not None:
        return outcome
    if question.wanted:
        return await gateway.charge(question.order)
    if question.asks < ASKS_FOR_SILENCE:
        raise GatewayUnclear("the order may still be on its way")
    return NOT_SENT


async def _settle(collector: Collector, questions: Sequence[Question], ask: Ask) -> None:
    slots = asyncio.Semaphore(collector.policy.concurrency)
    replies = await asyncio.gather(*(_reply(collector, slots, question, ask) for question in questions))
    collector.pass_point("payments.answered")
    await _store(collector, replies)
    collector.pass_point("payments.stored")


async def _reply(collector: Collector, slots: asyncio.Semaphore, question: Question, ask: Ask) -> Reply:
    """Whatever goes wrong at a gateway, money may have moved: no error is an outcome."""
    outcome = None
    async with slots:
        try:
            async with asyncio.timeout(collector.policy.deadline_s):
                outcome = await ask(collector.gateways[question.gateway], question)
        except Exception as error:
            attempt_id = str(question.order.attempt_id)
            log.warning("gateway unclear", gateway=question.gateway, attempt_id=attempt_id, error=type(error).__name__)
    return Reply(question.order.payment_id, question.order.attempt_id, outcome)


async def _store(collector: Collector, replies: Sequence[Reply]) -> None:
    """Replies to attempts that got their outcome from somebody else meanwhile are passed over."""
    by_payment = {reply.payment_id: reply for reply in replies}
    async with collector.begin() as uow:
        locked = await uow.lock_payments(by_payment.keys())
        open_ = [payment for payment in locked if payment.awaits(by_payment[payment.id].attempt_id)]
        decisions = [_decide(collector, payment, by_payment[payment.id]) for payment in open_]
        await uow.save_payments([decision.payment for decision in decisions])
        await uow.publish(*(event for decision in decisions for event in decision.events))


def _decide(collector: Collector, payment: Payment, reply: Reply) -> collection.Decision:
    if reply.outcome is None:
        return collection.Decision(collection.stay_unclear(payment))
    return collection.record(payment, reply.outcome, collector.policy.schedule)
