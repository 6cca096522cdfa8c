"""Subscriptions in: one that ended before its first payment leaves nothing to be paid, and keeps nothing paid."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from billing.subscriptions.v1 import events_pb2
from billing.subscriptions.v1.subscription_pb2 import Subscription
from billing_runtime.consumer import Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.void_invoice import withdraw_start
from billing_invoicing.wire.values import SUBSCRIPTION, id_from_pb

TOPIC = "billing.subscriptions.v1"

Unit = Callable[[Transaction], UnitOfWork]


def subscription_handlers(unit: Unit) -> Mapping[str, Handler]:
    """By event type."""

    async def ended(tx: Transaction, events: Sequence[tuple[Received, Any]]) -> None:
        for received, message in events:
            subscription = message.subscription.subscription
            if _never_paid(subscription, received.effective_at):  # else its term is over: what is open stays due
                subscription_id = id_from_pb(SUBSCRIPTION, subscription.subscription_id)
                await withdraw_start(unit(tx), subscription_id, now=received.effective_at, cause=received)

    ends = (events_pb2.SubscriptionExpired, events_pb2.SubscriptionCanceled)
    return {str(event.DESCRIPTOR.full_name): Handler(event, ended) for event in ends}


def _never_paid(subscription: Subscription, now: datetime) -> bool:
    term_over = subscription.HasField("term_end_time") and subscription.term_end_time.ToDatetime(UTC) <= now
    return subscription.HasField("incomplete_expire_time") and not term_over
