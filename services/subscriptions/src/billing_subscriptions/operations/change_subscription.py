"""Changes plan, quantities, add-ons or prices by the change matrix of the plan version."""

from uuid import UUID

from billing_subscriptions.domain import change as rules
from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.operations.life import Decide, Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def change_subscription(
    uow: UnitOfWork, subscription_id: UUID, order: ChangeOrder, etag: str, reason: str = ""
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, RenewalsBehind and what the rules of a change refuse."""
    return await change_life(uow, subscription_id, etag, change_by(order), changes=(order.change,), reason=reason)


def change_by(order: ChangeOrder, *, replaces: bool = False) -> Decide:
    """The decision, for the call and for its preview. `replaces`: a waiting change of the same item is replaced."""
    return lambda before, sight: rules.change(
        before, order, sight.offers, sight.prices, now=sight.now, replaces=replaces
    )
