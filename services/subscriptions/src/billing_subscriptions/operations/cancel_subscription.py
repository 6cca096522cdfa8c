"""Cancels a subscription now, at the end of its period or on a date."""

from uuid import UUID

from billing_subscriptions.domain.cancel import CancelOrder, cancel
from billing_subscriptions.operations.life import Decide, Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def cancel_subscription(
    uow: UnitOfWork, subscription_id: UUID, order: CancelOrder, etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind, SubscriptionIsCanceled, InvalidChangeTime."""
    return await change_life(uow, subscription_id, etag, cancel_by(order), reason=reason)


def cancel_by(order: CancelOrder) -> Decide:
    """The decision, for the call and for its preview."""
    return lambda before, sight: [cancel(before, order, sight.offers, sight.prices, now=sight.now)]
