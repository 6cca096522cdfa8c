"""Cancels a subscription now, at the end of its period or on a date."""

from uuid import UUID

from billing_subscriptions.domain.cancel import CancelOrder, cancel
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def cancel_subscription(
    uow: UnitOfWork, subscription_id: UUID, order: CancelOrder, etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind, SubscriptionIsCanceled, InvalidChangeTime."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [cancel(before, order, sight.offers, sight.prices, now=sight.now)],
        reason=reason,
    )
