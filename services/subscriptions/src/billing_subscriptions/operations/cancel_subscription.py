"""Cancels a subscription now or at the end of its period."""

from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain import subscription as rules
from billing_subscriptions.domain.events import SubscriptionCanceled, SubscriptionEvent, SubscriptionUpdated
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.subscription import CancelAt, State, Subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.ports import UnitOfWork


async def cancel_subscription(uow: UnitOfWork, subscription_id: UUID, at: CancelAt, etag: str) -> Subscription:
    """Raises SubscriptionNotFound, Conflict, SubscriptionIsCanceled."""

    def decide(before: Subscription, version: PlanVersion, now: datetime) -> Subscription:
        return rules.cancel(before, version, at, now=now)

    return await change_subscription(uow, subscription_id, etag, decide, _tell)


def _tell(after: Subscription) -> type[SubscriptionEvent]:
    return SubscriptionCanceled if after.state is State.CANCELED else SubscriptionUpdated
