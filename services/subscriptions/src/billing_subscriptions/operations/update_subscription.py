"""Changes the external id or the labels of a subscription."""

from collections.abc import Mapping
from uuid import UUID

from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.standing import relabel
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.ports import UnitOfWork
from billing_subscriptions.operations.shelf import shelf_for
from billing_subscriptions.operations.write_steps import write_steps


async def update_subscription(
    uow: UnitOfWork,
    subscription_id: UUID,
    external_id: str | None,
    metadata: Mapping[str, str] | None,
    etag: str,
    reason: str = "",
) -> tuple[Subscription, PlanVersion]:
    """None leaves a field as it is. Labels touch no money, so nothing is caught up before.

    Raises SubscriptionNotFound, Conflict, ExternalIdTaken.
    """
    before = await uow.subscriptions.lock(subscription_id)
    check_etag(etag, before.version)
    now = await uow.now()
    shelf = await shelf_for(uow.catalogue, [before])
    step = relabel(
        before,
        before.external_id if external_id is None else external_id,
        before.metadata if metadata is None else metadata,
        now=now,
    )
    await write_steps(uow, [step], shelf, reason=reason)
    return step.after, shelf.offers(before.currency).versions[before.plan_version_id]
