"""Starts a subscription."""

from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import subscription as rules
from billing_subscriptions.domain.events import SubscriptionStarted
from billing_subscriptions.domain.subscription import Order, Subscription
from billing_subscriptions.operations.ports import UnitOfWork


async def create_subscription(uow: UnitOfWork, customer_id: UUID, version_id: UUID, order: Order) -> Subscription:
    """Raises CustomerNotFound, PlanVersionNotFound, ExternalIdTaken and what the rules of a start refuse."""
    customer = await uow.customers.lock(customer_id)  # so that it is not archived meanwhile
    version = await uow.plans.version(version_id)
    now = await uow.now()
    subscription = rules.start(order, customer, version, new_id=uuid7, now=now)
    await uow.subscriptions.add(subscription)
    started = SubscriptionStarted(subscription, version, customer.terms.external_id, subscription.started_at)
    await uow.publish(started)
    return subscription
