"""Takes back a change that waits for its time."""

from uuid import UUID

from billing_subscriptions.domain.schedule import unschedule
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def delete_scheduled_change(
    uow: UnitOfWork, subscription_id: UUID, scheduled_change_id: UUID, etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind, ScheduledChangeNotFound."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [unschedule(before, scheduled_change_id, now=sight.now)],
        reason=reason,
    )
