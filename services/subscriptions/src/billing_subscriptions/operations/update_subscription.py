"""Changes the external id or the labels of a subscription."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain import subscription as rules
from billing_subscriptions.domain.events import SubscriptionUpdated
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.ports import UnitOfWork


async def update_subscription(
    uow: UnitOfWork, subscription_id: UUID, external_id: str | None, metadata: Mapping[str, str] | None, etag: str
) -> Subscription:
    """None leaves a field as it is. Raises SubscriptionNotFound, Conflict, ExternalIdTaken."""

    def decide(before: Subscription, _version: PlanVersion, now: datetime) -> Subscription:
        name = before.external_id if external_id is None else external_id
        return rules.relabel(before, name, before.metadata if metadata is None else metadata, now=now)

    return await change_subscription(uow, subscription_id, etag, decide, lambda _after: SubscriptionUpdated)
