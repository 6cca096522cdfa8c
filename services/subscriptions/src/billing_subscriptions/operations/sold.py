"""What is sold, by id, as committed at most a second ago: no transaction is needed to look at it."""

from typing import Protocol
from uuid import UUID

from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.price import SoldPrice


class SoldReads(Protocol):
    """Of the tenant of the call; a caller of role customer sees no drafts."""

    async def version(self, version_id: UUID) -> PlanVersion:
        """Raises PlanVersionNotFound."""

    async def price(self, price_id: UUID) -> SoldPrice:
        """Raises PriceNotFound."""
