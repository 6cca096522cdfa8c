"""Pauses a subscription now, at the end of its period or on a date."""

from uuid import UUID

from billing_subscriptions.domain.pause import PauseOrder, pause
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def pause_subscription(
    uow: UnitOfWork, subscription_id: UUID, order: PauseOrder, etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind and what the rules of a pause refuse."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [pause(before, order, sight.offers, sight.prices, now=sight.now)],
        reason=reason,
    )
