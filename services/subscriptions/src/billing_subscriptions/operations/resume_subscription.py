"""Resumes a paused subscription, or takes back a pause that has not begun."""

from uuid import UUID

from billing_subscriptions.domain.pause import resume
from billing_subscriptions.domain.policy import Settlement
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def resume_subscription(
    uow: UnitOfWork,
    subscription_id: UUID,
    etag: str,
    reason: str = "",
    *,
    settlement: Settlement = Settlement.AT_ONCE,
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind, SubscriptionIsCanceled, InvalidTransition."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [resume(before, sight.offers, sight.prices, now=sight.now, settlement=settlement)],
        reason=reason,
    )
