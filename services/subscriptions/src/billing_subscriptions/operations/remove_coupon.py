"""Takes a coupon off a subscription from the next invoice on."""

from uuid import UUID

from billing_subscriptions.domain.redemption import remove_coupon as removed
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def remove_coupon(
    uow: UnitOfWork, subscription_id: UUID, redemption_id: UUID, etag: str, reason: str = ""
) -> Decided:
    """The redemption still counts. Raises SubscriptionNotFound, Conflict, RenewalsBehind, RedemptionNotFound."""
    return await change_life(
        uow, subscription_id, etag, lambda before, sight: [removed(before, redemption_id, now=sight.now)], reason=reason
    )
