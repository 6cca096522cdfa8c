"""Takes back a cancelation that has not happened yet."""

from uuid import UUID

from billing_subscriptions.domain.cancel import undo_cancel
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def undo_cancel_subscription(uow: UnitOfWork, subscription_id: UUID, etag: str, reason: str = "") -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind, SubscriptionIsCanceled, NotCanceling."""
    return await change_life(
        uow, subscription_id, etag, lambda before, sight: [undo_cancel(before, now=sight.now)], reason=reason
    )
