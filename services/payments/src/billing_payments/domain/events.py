"""What this service tells. `at` is business time."""

from dataclasses import dataclass
from datetime import datetime

from billing_payments.domain.payment import Payment
from billing_payments.domain.payment_method import PaymentMethod


@dataclass(frozen=True, slots=True)
class PaymentMethodAttached:
    method: PaymentMethod
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentMethodDetached:
    method: PaymentMethod
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    payment: Payment
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The next attempt is the payment's `next_attempt_at`."""

    payment: Payment
    decline_code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentRequiresAction:
    payment: Payment
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentCanceled:
    payment: Payment
    at: datetime


MethodEvent = PaymentMethodAttached | PaymentMethodDetached
PaymentEvent = PaymentSucceeded | PaymentFailed | PaymentRequiresAction | PaymentCanceled
Event = MethodEvent | PaymentEvent
