"""Rows and domain values, both ways."""

from collections.abc import Iterable
from typing import Any

from billing_kernel.money import Money
from sqlalchemy import Row

from billing_payments.domain.attempt import Attempt, AttemptState
from billing_payments.domain.payment import Payment, PaymentState
from billing_payments.domain.payment_method import MethodState, PaymentMethod


def method_from_row(row: Row[Any]) -> PaymentMethod:
    return PaymentMethod(
        id=row.payment_method_id,
        customer_id=row.customer_id,
        gateway=row.gateway,
        token=row.token,
        label=row.label,
        is_default=row.is_default,
        state=MethodState(row.state),
        metadata=row.metadata,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def method_to_row(method: PaymentMethod) -> dict[str, Any]:
    return {
        "payment_method_id": method.id,
        "customer_id": method.customer_id,
        "gateway": method.gateway,
        "token": method.token,
        "label": method.label,
        "is_default": method.is_default,
        "state": method.state.value,
        "metadata": dict(method.metadata),
        "version": method.version,
        "created_at": method.created_at,
        "updated_at": method.updated_at,
    }


def payment_from_row(row: Row[Any], attempts: Iterable[Attempt]) -> Payment:
    return Payment(
        id=row.payment_id,
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        subscription_ids=tuple(row.subscription_ids),
        amount=Money(row.currency, row.amount_minor),
        invoice_version=row.invoice_version,
        state=PaymentState(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        attempts=tuple(attempts),
        next_attempt_at=row.next_attempt_at,
        cancel_requested=row.cancel_requested,
        metadata=row.metadata,
        version=row.version,
    )


def payment_to_row(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "invoice_id": payment.invoice_id,
        "customer_id": payment.customer_id,
        "subscription_ids": list(payment.subscription_ids),
        "currency": payment.amount.currency,
        "metadata": dict(payment.metadata),
        "created_at": payment.created_at,
        **payment_changes(payment),
    }


def payment_changes(payment: Payment) -> dict[str, Any]:
    """The columns that change in the life of a payment."""
    return {
        "amount_minor": payment.amount.minor,
        "invoice_version": payment.invoice_version,
        "state": payment.state.value,
        "next_attempt_at": payment.next_attempt_at,
        "cancel_requested": payment.cancel_requested,
        "version": payment.version,
        "updated_at": payment.updated_at,
    }


def attempt_from_row(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.attempt_id,
        number=row.number,
        amount=Money(row.currency, row.amount_minor),
        payment_method_id=row.payment_method_id,
        gateway=row.gateway,
        state=AttemptState(row.state),
        attempted_at=row.attempted_at,
        confirmed_at=row.confirmed_at,
        reference=row.gateway_reference,
        decline_code=row.decline_code,
        asks=row.asks,
    )


def attempt_to_row(payment: Payment) -> dict[str, Any]:
    """The latest attempt of the payment, but for `held_until`."""
    attempt = payment.last
    return {
        "attempt_id": attempt.id,
        "payment_id": payment.id,
        "customer_id": payment.customer_id,
        "number": attempt.number,
        "currency": attempt.amount.currency,
        "amount_minor": attempt.amount.minor,
        "payment_method_id": attempt.payment_method_id,
        "gateway": attempt.gateway,
        "attempted_at": attempt.attempted_at,
        **attempt_changes(attempt),
    }


def attempt_changes(attempt: Attempt) -> dict[str, Any]:
    """The columns that change in the life of an attempt, but for `held_until`."""
    return {
        "state": attempt.state.value,
        "gateway_reference": attempt.reference,
        "decline_code": attempt.decline_code,
        "confirmed_at": attempt.confirmed_at,
        "asks": attempt.asks,
    }
