"""Payments: the collection of one invoice, as values and the states they may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.money import Money

from billing_payments.domain.attempt import ATTEMPT_TRANSITIONS, DECLINED, IN_FLIGHT, Attempt


class PaymentState(StrEnum):
    SCHEDULED = "SCHEDULED"
    PROCESSING = "PROCESSING"
    UNKNOWN = "UNKNOWN"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


S = PaymentState
_ANSWERED = frozenset({S.SCHEDULED, S.REQUIRES_ACTION, S.SUCCEEDED, S.FAILED, S.CANCELED})

TRANSITIONS: Mapping[PaymentState, frozenset[PaymentState]] = {
    S.SCHEDULED: frozenset({S.SCHEDULED, S.PROCESSING, S.CANCELED}),
    S.PROCESSING: _ANSWERED | {S.PROCESSING, S.UNKNOWN},
    S.UNKNOWN: _ANSWERED | {S.UNKNOWN},
    S.REQUIRES_ACTION: frozenset({S.UNKNOWN, S.CANCELED}),
    S.FAILED: frozenset({S.PROCESSING, S.CANCELED}),
    S.SUCCEEDED: frozenset(),
    S.CANCELED: frozenset(),
}
assert set(TRANSITIONS) == set(PaymentState)

RETRYABLE = frozenset({S.SCHEDULED, S.FAILED})
UNDER_WAY = frozenset({S.PROCESSING, S.UNKNOWN})
CLOSED = frozenset(state for state, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True, slots=True)
class Payment:
    """`next_attempt_at` is set only while SCHEDULED; a scheduled payment without it waits for a payment method.

    `amount` is what the next attempt asks for: what was due in version `invoice_version` of the invoice; once the
    payment succeeded, what was charged.
    `cancel_requested`: the invoice was settled while an attempt was under way; its outcome decides.
    """

    id: UUID
    invoice_id: UUID
    customer_id: UUID
    subscription_ids: tuple[UUID, ...]
    amount: Money
    invoice_version: int
    state: PaymentState
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None = None
    cancel_requested: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    version: int = 1

    @property
    def last(self) -> Attempt:
        """The latest attempt; there is one in every state but the first SCHEDULED and CANCELED."""
        return self.attempts[-1]

    @property
    def failures(self) -> int:
        return sum(attempt.state in DECLINED for attempt in self.attempts)

    def attempt(self, attempt_id: UUID) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.id == attempt_id), None)

    def awaits(self, attempt_id: UUID) -> bool:
        """Whether the outcome of this attempt is still to be recorded."""
        return bool(self.attempts) and self.last.id == attempt_id and self.last.state in IN_FLIGHT


def open_payment(
    *,
    payment_id: UUID,
    invoice_id: UUID,
    customer_id: UUID,
    subscription_ids: tuple[UUID, ...],
    amount: Money,
    invoice_version: int,
    now: datetime,
) -> Payment:
    """A payment that is due at `now`."""
    assert amount.minor > 0, "only what is due is collected"
    return Payment(
        id=payment_id,
        invoice_id=invoice_id,
        customer_id=customer_id,
        subscription_ids=subscription_ids,
        amount=amount,
        invoice_version=invoice_version,
        state=S.SCHEDULED,
        created_at=now,
        updated_at=now,
        next_attempt_at=now,
    )


def moved(
    payment: Payment,
    state: PaymentState,
    *,
    now: datetime,
    next_attempt_at: datetime | None = None,
    cancel_requested: bool = False,
) -> Payment:
    """The next version of the payment. A move that is not in the table is a bug."""
    assert state in TRANSITIONS[payment.state], f"{payment.state} -> {state}"
    assert next_attempt_at is None or state is S.SCHEDULED
    return replace(
        payment,
        state=state,
        next_attempt_at=next_attempt_at,
        cancel_requested=cancel_requested,
        version=payment.version + 1,
        updated_at=max(now, payment.updated_at),
    )


def with_last(payment: Payment, attempt: Attempt) -> Payment:
    """The payment with its latest attempt changed. A move that is not in the table is a bug."""
    before = payment.last
    assert attempt.id == before.id
    assert attempt.state in ATTEMPT_TRANSITIONS[before.state], f"{before.state} -> {attempt.state}"
    return replace(payment, attempts=(*payment.attempts[:-1], attempt))
