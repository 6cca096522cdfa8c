"""Payments between protobuf and domain."""

from billing.payments.v1 import events_pb2
from billing.payments.v1 import payment_pb2 as pb

from billing_payments.domain.attempt import Attempt, AttemptState
from billing_payments.domain.etag import etag_of
from billing_payments.domain.payment import Payment, PaymentState
from billing_payments.wire.values import (
    ATTEMPT,
    CUSTOMER,
    INVOICE,
    METHOD,
    PAYMENT,
    SUBSCRIPTION,
    id_to_pb,
    instant_to_pb,
    money_to_pb,
)

_STATES = {
    PaymentState.SCHEDULED: pb.PAYMENT_STATE_SCHEDULED,
    PaymentState.PROCESSING: pb.PAYMENT_STATE_PROCESSING,
    PaymentState.UNKNOWN: pb.PAYMENT_STATE_UNKNOWN,
    PaymentState.REQUIRES_ACTION: pb.PAYMENT_STATE_REQUIRES_ACTION,
    PaymentState.SUCCEEDED: pb.PAYMENT_STATE_SUCCEEDED,
    PaymentState.FAILED: pb.PAYMENT_STATE_FAILED,
    PaymentState.CANCELED: pb.PAYMENT_STATE_CANCELED,
}
assert set(_STATES) == set(PaymentState)

_ATTEMPT_STATES = {
    AttemptState.PROCESSING: pb.ATTEMPT_STATE_PROCESSING,
    AttemptState.UNKNOWN: pb.ATTEMPT_STATE_UNKNOWN,
    AttemptState.REQUIRES_ACTION: pb.ATTEMPT_STATE_REQUIRES_ACTION,
    AttemptState.SUCCEEDED: pb.ATTEMPT_STATE_SUCCEEDED,
    AttemptState.SOFT_DECLINED: pb.ATTEMPT_STATE_SOFT_DECLINED,
    AttemptState.HARD_DECLINED: pb.ATTEMPT_STATE_HARD_DECLINED,
}
assert set(_ATTEMPT_STATES) == set(AttemptState)

_FROM_STATE = {message: state for state, message in _STATES.items()}


def state_filter_from_pb(state: int) -> PaymentState | None:
    """None for a filter that is not set; other numbers are refused before."""
    return _FROM_STATE.get(pb.PaymentState.ValueType(state))


def payment_to_pb(payment: Payment) -> pb.Payment:
    return pb.Payment(
        payment_id=id_to_pb(PAYMENT, payment.id),
        invoice_id=id_to_pb(INVOICE, payment.invoice_id),
        customer_id=id_to_pb(CUSTOMER, payment.customer_id),
        amount=money_to_pb(payment.amount),
        state=_STATES[payment.state],
        attempts=[attempt_to_pb(attempt) for attempt in payment.attempts],
        next_attempt_time=instant_to_pb(payment.next_attempt_at),
        metadata=payment.metadata,
        etag=etag_of(payment.version),
        create_time=instant_to_pb(payment.created_at),
        update_time=instant_to_pb(payment.updated_at),
    )


def attempt_to_pb(attempt: Attempt) -> pb.PaymentAttempt:
    return pb.PaymentAttempt(
        attempt_id=id_to_pb(ATTEMPT, attempt.id),
        number=attempt.number,
        payment_method_id=id_to_pb(METHOD, attempt.payment_method_id),
        gateway=attempt.gateway,
        state=_ATTEMPT_STATES[attempt.state],
        gateway_reference=attempt.reference,
        decline_code=attempt.decline_code,
        attempt_time=instant_to_pb(attempt.attempted_at),
        amount=money_to_pb(attempt.amount),
    )


def payment_facts_to_pb(payment: Payment) -> events_pb2.PaymentFacts:
    return events_pb2.PaymentFacts(
        payment_id=id_to_pb(PAYMENT, payment.id),
        version=payment.version,
        invoice_id=id_to_pb(INVOICE, payment.invoice_id),
        customer_id=id_to_pb(CUSTOMER, payment.customer_id),
        subscription_ids=[id_to_pb(SUBSCRIPTION, each) for each in payment.subscription_ids],
        amount=money_to_pb(payment.amount),
        attempts=len(payment.attempts),
        gateway=payment.last.gateway if payment.attempts else "",
    )
