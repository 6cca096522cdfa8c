"""billing.subscriptions.v1: keeps the copies of customers and subscriptions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from billing.subscriptions.v1 import events_pb2 as pb
from billing_runtime.consumer import Consumer, Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_usage.operations.copy_subscriptions import Naming, copy_names, copy_subscriptions
from billing_usage.operations.ports import CopyStore
from billing_usage.wire.ids import customer_id_from_text
from billing_usage.wire.subscriptions import subscription_from_pb

GROUP = "usage"
TOPICS = ("billing.subscriptions.v1",)
SUBSCRIPTION_EVENTS = (
    pb.SubscriptionStarted,
    pb.SubscriptionRenewed,
    pb.SubscriptionUpdated,
    pb.SubscriptionPastDue,
    pb.SubscriptionActivated,
    pb.SubscriptionPaused,
    pb.SubscriptionResumed,
    pb.SubscriptionCanceled,
    pb.SubscriptionExpired,
)
CUSTOMER_EVENTS = (pb.CustomerCreated, pb.CustomerUpdated, pb.CustomerArchived)


StoreOf = Callable[[Transaction], CopyStore]


def subscriptions_consumer(store_of: StoreOf) -> Consumer:
    """Everything that this service hears."""

    async def hear_subscriptions(tx: Transaction, events: Sequence[tuple[Received, Any]]) -> None:
        found = [(subscription_from_pb(message.subscription), event.effective_at) for event, message in events]
        await copy_subscriptions(store_of(tx), found)

    async def hear_customers(tx: Transaction, events: Sequence[tuple[Received, Any]]) -> None:
        await copy_names(store_of(tx), [_naming(message.customer, event.effective_at) for event, message in events])

    subscriptions = {_name(message): Handler(message, hear_subscriptions) for message in SUBSCRIPTION_EVENTS}
    customers = {_name(message): Handler(message, hear_customers) for message in CUSTOMER_EVENTS}
    return Consumer(GROUP, TOPICS, {**subscriptions, **customers})


def _naming(facts: pb.CustomerFacts, at: datetime) -> Naming:
    return Naming(customer_id_from_text(facts.customer_id), facts.external_id, facts.version, at)


def _name(message: Any) -> str:
    return str(message.DESCRIPTOR.full_name)
