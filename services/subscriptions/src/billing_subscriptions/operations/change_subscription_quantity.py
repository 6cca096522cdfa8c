"""Changes the quantity of one item by the change matrix; a change that waits for the same instant is replaced."""

from fractions import Fraction
from uuid import UUID

from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.subscription import Change
from billing_subscriptions.operations.change_subscription import change_by
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def change_subscription_quantity(
    uow: UnitOfWork,
    subscription_id: UUID,
    code: str,
    quantity: Fraction,
    when: ChangeWhen | None,
    etag: str,
    reason: str = "",
) -> Decided:
    """Raises SubscriptionNotFound, Conflict, SubscriptionIsCanceled, SubscriptionItemNotFound, InvalidQuantity."""
    order = ChangeOrder(Change(quantities={code: quantity}), Wishes(when=when))
    return await change_life(uow, subscription_id, etag, change_by(order, replaces=True), reason=reason)
