"""Domain event -> topic, key, type and payload. The key is the customer."""

from billing.payments.v1 import events_pb2 as pb
from billing_runtime.events import Event
from google.protobuf.message import Message

from billing_payments.domain import events
from billing_payments.wire.payments import payment_facts_to_pb
from billing_payments.wire.values import CUSTOMER, METHOD, PAYMENT, id_to_pb, instant_to_pb

TOPIC = "billing.payments.v1"


def event_to_pb(event: events.Event) -> Event:
    """The event as it is published; its sequence is the version of the resource."""
    if isinstance(event, events.MethodEvent):
        method, payload = event.method, _method_payload(event)
        subject, customer, version = id_to_pb(METHOD, method.id), method.customer_id, method.version
    else:
        payment, payload = event.payment, _payment_payload(event)
        subject, customer, version = id_to_pb(PAYMENT, payment.id), payment.customer_id, payment.version
    kind = str(payload.DESCRIPTOR.full_name)
    return Event(TOPIC, id_to_pb(CUSTOMER, customer), kind, subject, payload, event.at, version)


def _method_payload(event: events.MethodEvent) -> Message:
    method_id, customer_id = id_to_pb(METHOD, event.method.id), id_to_pb(CUSTOMER, event.method.customer_id)
    if isinstance(event, events.PaymentMethodDetached):
        return pb.PaymentMethodDetached(payment_method_id=method_id, customer_id=customer_id)
    gateway, is_default = event.method.gateway, event.method.is_default
    return pb.PaymentMethodAttached(
        payment_method_id=method_id, customer_id=customer_id, gateway=gateway, is_default=is_default
    )


def _payment_payload(event: events.PaymentEvent) -> Message:
    facts = payment_facts_to_pb(event.payment)
    match event:
        case events.PaymentSucceeded():
            return pb.PaymentSucceeded(payment=facts)
        case events.PaymentFailed(payment=payment, decline_code=code):
            next_attempt_time = instant_to_pb(payment.next_attempt_at)
            return pb.PaymentFailed(payment=facts, decline_code=code, next_attempt_time=next_attempt_time)
        case events.PaymentRequiresAction():
            return pb.PaymentRequiresAction(payment=facts)
        case events.PaymentCanceled():
            return pb.PaymentCanceled(payment=facts)
