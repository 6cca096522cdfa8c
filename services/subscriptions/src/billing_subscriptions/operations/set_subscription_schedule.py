"""Replaces the phases of a subscription that have not begun yet."""

from collections.abc import Sequence
from uuid import UUID

from billing_subscriptions.domain.schedule import Phase, set_schedule
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def set_subscription_schedule(
    uow: UnitOfWork, subscription_id: UUID, phases: Sequence[Phase], etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind and what the rules of schedules and changes refuse."""
    return await change_life(
        uow,
        subscription_id,
        etag,
        lambda before, sight: [set_schedule(before, phases, sight.offers, now=sight.now)],
        changes=[each.change for each in phases],
        reason=reason,
    )
