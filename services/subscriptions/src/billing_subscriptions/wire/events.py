"""Domain events -> topic, key, type and message: the table of everything this service tells."""

from billing.subscriptions.v1 import events_pb2
from billing_runtime.events import Event

from billing_subscriptions.domain import events as domain
from billing_subscriptions.wire.customers import facts_to_pb
from billing_subscriptions.wire.ids import customer_text, plan_text, subscription_text, version_text
from billing_subscriptions.wire.plans import version_to_pb
from billing_subscriptions.wire.subscriptions import FactsBook
from billing_subscriptions.wire.times import time_from_pb

TOPIC = "billing.subscriptions.v1"
DUE_TOPIC = "billing.subscriptions.due.v1"

CustomerMessage = events_pb2.CustomerCreated | events_pb2.CustomerUpdated | events_pb2.CustomerArchived
SubscriptionMessage = (
    events_pb2.SubscriptionStarted
    | events_pb2.SubscriptionRenewed
    | events_pb2.SubscriptionUpdated
    | events_pb2.SubscriptionPastDue
    | events_pb2.SubscriptionActivated
    | events_pb2.SubscriptionPaused
    | events_pb2.SubscriptionResumed
    | events_pb2.SubscriptionExpired
    | events_pb2.SubscriptionCanceled
)

CUSTOMER_MESSAGES: dict[type[domain.CustomerEvent], type[CustomerMessage]] = {
    domain.CustomerCreated: events_pb2.CustomerCreated,
    domain.CustomerUpdated: events_pb2.CustomerUpdated,
    domain.CustomerArchived: events_pb2.CustomerArchived,
}
SUBSCRIPTION_MESSAGES: dict[type[domain.SubscriptionEvent], type[SubscriptionMessage]] = {
    domain.SubscriptionStarted: events_pb2.SubscriptionStarted,
    domain.SubscriptionRenewed: events_pb2.SubscriptionRenewed,
    domain.SubscriptionUpdated: events_pb2.SubscriptionUpdated,
    domain.SubscriptionPastDue: events_pb2.SubscriptionPastDue,
    domain.SubscriptionActivated: events_pb2.SubscriptionActivated,
    domain.SubscriptionPaused: events_pb2.SubscriptionPaused,
    domain.SubscriptionResumed: events_pb2.SubscriptionResumed,
    domain.SubscriptionExpired: events_pb2.SubscriptionExpired,
    domain.SubscriptionCanceled: events_pb2.SubscriptionCanceled,
}
assert set(CUSTOMER_MESSAGES) == set(domain.CustomerEvent.__subclasses__())
assert set(SUBSCRIPTION_MESSAGES) == set(domain.SubscriptionEvent.__subclasses__())


def event_of(event: domain.DomainEvent, facts: FactsBook) -> Event:
    """Key: the customer, so that what concerns one customer stays in order; of a plan version: the plan."""
    if isinstance(event, domain.CustomerEvent):
        return _customer(event)
    if isinstance(event, domain.SubscriptionEvent):
        return _subscription(event, facts)
    version = event.plan_version
    payload = events_pb2.PlanVersionPublished(plan_version=version_to_pb(version))
    return Event(
        topic=TOPIC,
        key=plan_text(version.plan_id),
        type=str(payload.DESCRIPTOR.full_name),
        subject=version_text(version.id),
        payload=payload,
        effective_at=event.at,
        sequence=version.number,
    )


def _customer(event: domain.CustomerEvent) -> Event:
    customer = event.customer
    message = CUSTOMER_MESSAGES[type(event)]
    return Event(
        topic=TOPIC,
        key=customer_text(customer.id),
        type=str(message.DESCRIPTOR.full_name),
        subject=customer_text(customer.id),
        payload=message(customer=facts_to_pb(customer)),
        effective_at=event.at,
        sequence=customer.version,
    )


def _subscription(event: domain.SubscriptionEvent, facts: FactsBook) -> Event:
    subscription = event.subscription
    message = SUBSCRIPTION_MESSAGES[type(event)]
    payload = message(
        subscription=facts.facts(subscription, event.plan_version, event.external_customer_id, event.like)
    )
    return Event(
        topic=TOPIC,
        key=customer_text(subscription.customer_id),
        type=str(message.DESCRIPTOR.full_name),
        subject=subscription_text(subscription.id),
        payload=payload,
        effective_at=event.at,
        sequence=subscription.version,
    )


def due_event(part: events_pb2.BillingDue) -> Event:
    """One part of a due. Published again it is a new event with the same due id."""
    return Event(
        topic=DUE_TOPIC,
        key=part.payer_customer_id,
        type=str(part.DESCRIPTOR.full_name),
        subject=part.subscription_id,
        payload=part,
        effective_at=time_from_pb(part.effective_time),
        sequence=part.subscription_version,
    )
