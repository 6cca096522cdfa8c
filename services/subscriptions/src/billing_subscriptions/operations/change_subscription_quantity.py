"""Changes the quantity of a seat item from the next period on."""

from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_subscriptions.domain import subscription as rules
from billing_subscriptions.domain.events import SubscriptionUpdated
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.ports import UnitOfWork


async def change_subscription_quantity(
    uow: UnitOfWork, subscription_id: UUID, code: str, quantity: Fraction, etag: str
) -> Subscription:
    """Raises SubscriptionNotFound, Conflict, SubscriptionIsCanceled, SubscriptionItemNotFound, InvalidQuantity."""

    def decide(before: Subscription, version: PlanVersion, now: datetime) -> Subscription:
        return rules.change_quantity(before, version, code, quantity, now=now)

    return await change_subscription(uow, subscription_id, etag, decide, lambda _after: SubscriptionUpdated)
