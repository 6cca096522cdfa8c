"""Changes the external id or the labels of a subscription."""

from collections.abc import Mapping
from uuid import UUID

from billing_subscriptions.domain.standing import relabel
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def update_subscription(
    uow: UnitOfWork, subscription_id: UUID, external_id: str | None, metadata: Mapping[str, str] | None, etag: str
) -> Decided:
    """None leaves a field as it is. Raises SubscriptionNotFound, Conflict, RenewalsBehind, ExternalIdTaken."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [
            relabel(
                before,
                before.external_id if external_id is None else external_id,
                before.metadata if metadata is None else metadata,
                now=sight.now,
            )
        ],
    )
