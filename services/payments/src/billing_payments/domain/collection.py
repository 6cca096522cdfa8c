"""The rules of collecting: what an attempt, its outcome, a settled invoice and a new payment method do to a payment."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing_kernel.money import CurrencyMismatch, Money

from billing_payments.domain.attempt import Attempt, AttemptState, Outcome, ask_again_s
from billing_payments.domain.errors import NeedsNoAction, NotRetryable
from billing_payments.domain.events import (
    PaymentCanceled,
    PaymentEvent,
    PaymentFailed,
    PaymentRequiresAction,
    PaymentSucceeded,
)
from billing_payments.domain.payment import CLOSED, RETRYABLE, UNDER_WAY, Payment, PaymentState, moved, with_last
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.domain.schedule import RetrySchedule

NO_PAYMENT_METHOD = "no_payment_method"


@dataclass(frozen=True, slots=True)
class Decision:
    """The payment after a rule, and what is to be told of it."""

    payment: Payment
    events: tuple[PaymentEvent, ...] = ()


def start_attempt(payment: Payment, method: PaymentMethod, *, attempt_id: UUID, at: datetime, hold_s: float) -> Payment:
    """The next attempt is on its way, also of a payment that was given up. Raises NotRetryable in any other state."""
    check_retryable(payment)
    number = len(payment.attempts) + 1
    attempt = Attempt(
        attempt_id, number, payment.amount, method.id, method.gateway, AttemptState.PROCESSING, at, hold_s=hold_s
    )
    after = moved(payment, PaymentState.PROCESSING, now=at)
    return replace(after, attempts=(*payment.attempts, attempt))


def check_retryable(payment: Payment) -> None:
    """Raises NotRetryable where an attempt is under way, the customer must act, or the payment is closed."""
    if payment.state not in RETRYABLE:
        raise NotRetryable("no attempt can be made now", facts={"state": payment.state.value})


def wait_for_method(payment: Payment, *, at: datetime) -> Decision:
    """There is nothing to charge: the payment stays scheduled, without a time."""
    assert payment.state is PaymentState.SCHEDULED, payment.state
    after = moved(payment, PaymentState.SCHEDULED, now=at)
    return Decision(after, (PaymentFailed(after, NO_PAYMENT_METHOD, at),))


def wake(payment: Payment, *, now: datetime) -> Payment:
    """There is something to charge now: what waited for it is due at once."""
    assert payment.state is PaymentState.SCHEDULED
    assert payment.next_attempt_at is None
    return moved(payment, PaymentState.SCHEDULED, now=now, next_attempt_at=max(now, payment.created_at))


def ask(payment: Payment, *, hold_s: float) -> Payment:
    """The gateway is about to be asked for the outcome of an attempt that was left without one."""
    assert payment.state in UNDER_WAY, payment.state
    last = payment.last
    asked = replace(last, state=AttemptState.UNKNOWN, asks=last.asks + 1, hold_s=hold_s)
    return _unknown(payment, asked)


def stay_unclear(payment: Payment) -> Payment:
    """The gateway gave no clear answer: it will be asked, and nothing is charged meanwhile."""
    assert payment.state in UNDER_WAY, payment.state
    last = payment.last
    return _unknown(payment, replace(last, state=AttemptState.UNKNOWN, hold_s=ask_again_s(last.asks)))


def confirm(payment: Payment, *, now: datetime, hold_s: float) -> Payment:
    """The customer has authenticated: the gateway is to be asked. Raises NeedsNoAction."""
    if payment.state is not PaymentState.REQUIRES_ACTION:
        raise NeedsNoAction("the payment waits for no action of the customer", facts={"state": payment.state.value})
    last = payment.last
    confirmed = max(now, last.attempted_at)
    return _unknown(payment, replace(last, state=AttemptState.UNKNOWN, confirmed_at=confirmed, hold_s=hold_s))


def record(payment: Payment, outcome: Outcome, schedule: RetrySchedule) -> Decision:
    """What the gateway said of the attempt under way. Of a payment that is not needed any more only success counts."""
    last = payment.last
    answered = replace(last, state=outcome.state, reference=outcome.reference, decline_code=outcome.decline_code)
    after = with_last(payment, replace(answered, hold_s=0.0))
    at = last.effective_at
    if outcome.state is AttemptState.SUCCEEDED:
        after = moved(replace(after, amount=last.amount), PaymentState.SUCCEEDED, now=at)
        return Decision(after, (PaymentSucceeded(after, at),))
    if payment.cancel_requested:
        return _canceled(after, at)
    if outcome.state is AttemptState.REQUIRES_ACTION:
        after = moved(after, PaymentState.REQUIRES_ACTION, now=at)
        return Decision(after, (PaymentRequiresAction(after, at),))
    return _declined(after, outcome, schedule, at)


def cancel(payment: Payment, *, now: datetime) -> Decision:
    """The invoice needs no money any more. What is under way is left to its outcome, what is closed stays as it is."""
    if payment.state in CLOSED or payment.cancel_requested:
        return Decision(payment)
    if payment.state not in UNDER_WAY:
        return _canceled(payment, now)
    return Decision(moved(payment, payment.state, now=now, cancel_requested=True))


def take_rest(payment: Payment, rest: Money, *, invoice_version: int, now: datetime) -> Decision:
    """A part of the invoice was paid otherwise: from the next attempt on `rest` is collected, and nothing when it is
    nothing. The attempt under way keeps its amount. What is not newer than what is known changes nothing.

    Raises CurrencyMismatch.
    """
    if rest.currency != payment.amount.currency:
        raise CurrencyMismatch("what is due is in another currency than its payment")
    if payment.state in CLOSED or payment.cancel_requested or invoice_version <= payment.invoice_version:
        return Decision(payment)
    if rest.minor <= 0:
        return cancel(payment, now=now)
    version, updated_at = payment.version + 1, max(now, payment.updated_at)
    known = replace(payment, amount=rest, invoice_version=invoice_version)
    return Decision(replace(known, version=version, updated_at=updated_at))


def _declined(payment: Payment, outcome: Outcome, schedule: RetrySchedule, at: datetime) -> Decision:
    again = outcome.state is AttemptState.SOFT_DECLINED
    next_attempt_at = schedule.next_attempt_at(payment.failures, at) if again else None
    state = PaymentState.SCHEDULED if next_attempt_at else PaymentState.FAILED
    after = moved(payment, state, now=at, next_attempt_at=next_attempt_at)
    return Decision(after, (PaymentFailed(after, outcome.decline_code, at),))


def _canceled(payment: Payment, at: datetime) -> Decision:
    after = moved(payment, PaymentState.CANCELED, now=at)
    return Decision(after, (PaymentCanceled(after, at),))


def _unknown(payment: Payment, attempt: Attempt) -> Payment:
    after = with_last(payment, attempt)
    requested = payment.cancel_requested
    return moved(after, PaymentState.UNKNOWN, now=attempt.effective_at, cancel_requested=requested)
