"""Changes the quantity of one item by the change matrix; a change that waits for the same instant is replaced."""

from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.subscription import Change
from billing_subscriptions.operations.change_subscription import change_by
from billing_subscriptions.operations.life import Decided, change_life
from billing_subscriptions.operations.ports import UnitOfWork


async def change_subscription_quantity(
    uow: UnitOfWork,
    subscription_id: UUID,
    code: str,
    quantity: Fraction,
    wishes: Wishes,
    etag: str,
    reason: str = "",
    *,
    at: datetime | None = None,
) -> Decided:
    """`at`: the instant of ON_DATE. Raises as `change_subscription`."""
    order = ChangeOrder(Change(quantities={code: quantity}), wishes, at)
    return await change_life(uow, subscription_id, etag, change_by(order, replaces=True), reason=reason)
