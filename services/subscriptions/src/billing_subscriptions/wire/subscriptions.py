"""Subscriptions <-> their messages."""

from fractions import Fraction

from billing.subscriptions.v1 import events_pb2, subscription_pb2, subscriptions_service_pb2
from billing_kernel.money import InvalidDecimal, format_decimal, parse_decimal

from billing_subscriptions.domain.errors import InvalidQuantity
from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.quantity import pending
from billing_subscriptions.domain.subscription import (
    CancelAt,
    Order,
    State,
    Subscription,
    SubscriptionItem,
    quantity_of,
)
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import (
    customer_text,
    item_text,
    plan_item_text,
    seller_text,
    subscription_text,
    version_text,
)
from billing_subscriptions.wire.plans import plan_item_to_pb
from billing_subscriptions.wire.times import interval_to_pb, optional_time, period_to_pb, time_from_pb, time_to_pb

STATES = EnumTable(subscription_pb2.SubscriptionState, State, "SUBSCRIPTION_STATE_")
CANCEL_AT = EnumTable(subscriptions_service_pb2.CancelAt, CancelAt, "CANCEL_AT_")


def order_from_pb(request: subscriptions_service_pb2.CreateSubscriptionRequest) -> Order:
    """Raises InvalidQuantity."""
    quantities: dict[str, Fraction] = {}
    for item in request.quantities:
        if item.code in quantities:
            raise InvalidQuantity(f"{item.code!r} is named twice")
        quantities[item.code] = quantity_from_pb(item)
    return Order(
        external_id=request.external_id,
        start_at=time_from_pb(request.start_time) if request.HasField("start_time") else None,
        quantities=quantities,
        trial_days=request.trial_days if request.HasField("trial_days") else None,
        metadata=dict(request.metadata),
    )


def quantity_from_pb(item: subscriptions_service_pb2.ItemQuantity) -> Fraction:
    """Raises InvalidQuantity."""
    try:
        return parse_decimal(item.quantity)
    except InvalidDecimal as error:
        raise InvalidQuantity(f"{item.code!r}: {error.message}") from error


def subscription_to_pb(subscription: Subscription) -> subscription_pb2.Subscription:
    """As its callers see it, with etag and times of record."""
    message = _shared(subscription)
    message.etag = etag_of(subscription.version)
    message.create_time.CopyFrom(time_to_pb(subscription.created_at))
    message.update_time.CopyFrom(time_to_pb(subscription.updated_at))
    return message


class FactsBook:
    """Makes SubscriptionFacts; what the subscriptions of one plan version share is made once."""

    def __init__(self) -> None:
        self._templates: dict[object, events_pb2.SubscriptionFacts] = {}

    def facts(
        self, subscription: Subscription, version: PlanVersion, external_customer_id: str
    ) -> events_pb2.SubscriptionFacts:
        template = self._templates.get(version.id)
        if template is None:
            template = self._templates[version.id] = events_pb2.SubscriptionFacts(
                plan_items=map(plan_item_to_pb, version.items), interval=interval_to_pb(version.interval)
            )
        facts = events_pb2.SubscriptionFacts()
        facts.CopyFrom(template)
        facts.version = subscription.version
        facts.subscription.CopyFrom(_shared(subscription))
        facts.external_customer_id = external_customer_id
        return facts


def _shared(subscription: Subscription) -> subscription_pb2.Subscription:
    running = subscription.running_period
    return subscription_pb2.Subscription(
        subscription_id=subscription_text(subscription.id),
        external_id=subscription.external_id,
        customer_id=customer_text(subscription.customer_id),
        plan_version_id=version_text(subscription.plan_version_id),
        state=STATES.to_pb(subscription.state),
        currency_code=subscription.currency,
        time_zone=subscription.zone,
        anchor_time=time_to_pb(subscription.anchor_at),
        start_time=time_to_pb(subscription.started_at),
        current_period=period_to_pb(running) if running else None,
        period_index=subscription.period_index,
        trial_end_time=optional_time(subscription.trial_end_at),
        cancel_at_period_end=subscription.cancels_at_period_end,
        cancel_time=optional_time(subscription.canceled_at),
        next_due_time=optional_time(subscription.next_due_at),
        items=[_item_to_pb(subscription, item) for item in subscription.items],
        seller_id=seller_text(subscription.seller_id),
        metadata=subscription.metadata,
    )


def _item_to_pb(subscription: Subscription, item: SubscriptionItem) -> subscription_pb2.SubscriptionItem:
    message = subscription_pb2.SubscriptionItem(
        subscription_item_id=item_text(item.id), plan_item_id=plan_item_text(item.plan_item_id), code=item.code
    )
    if item.steps:
        begun = subscription.period.start
        planned = pending(item.steps, begun)
        message.quantity = format_decimal(quantity_of(item, begun))
        message.next_quantity = "" if planned is None else format_decimal(planned)
    return message
