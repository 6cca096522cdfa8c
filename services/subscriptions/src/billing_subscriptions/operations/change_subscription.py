"""The frame of every change to one subscription: lock, decide, save, tell."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.events import SubscriptionEvent
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.ports import UnitOfWork

Decide = Callable[[Subscription, PlanVersion, datetime], Subscription]
Tell = Callable[[Subscription], type[SubscriptionEvent]]


async def change_subscription(
    uow: UnitOfWork, subscription_id: UUID, etag: str, decide: Decide, tell: Tell
) -> Subscription:
    """Raises SubscriptionNotFound, Conflict and what `decide` refuses."""
    before = await uow.subscriptions.lock(subscription_id)
    check_etag(etag, before.version)
    version = await uow.plans.version(before.plan_version_id)
    now = await uow.now()
    after = decide(before, version, now)
    await uow.subscriptions.save(after)
    await tell_changes(uow, [after], tell, lambda _after: now)
    return after


async def tell_changes(
    uow: UnitOfWork, changed: Sequence[Subscription], tell: Tell, at: Callable[[Subscription], datetime]
) -> None:
    """Publishes one event for each changed subscription, effective `at` its instant."""
    if not changed:
        return
    versions = await uow.plans.versions({each.plan_version_id for each in changed})
    customers = await uow.customers.get_many({each.customer_id for each in changed})
    events = [
        tell(each)(each, versions[each.plan_version_id], customers[each.customer_id].terms.external_id, at(each))
        for each in changed
    ]
    await uow.publish(*events)
