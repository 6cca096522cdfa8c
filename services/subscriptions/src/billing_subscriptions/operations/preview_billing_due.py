"""What the next boundary of a subscription would bill, by the code that bills it; writes nothing."""

from uuid import UUID

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.renewal import renew
from billing_subscriptions.operations.ports import Reads


async def preview_billing_due(reads: Reads, subscription_id: UUID) -> BillingDue | None:
    """None when nothing falls due any more, or when the boundary bills nothing. Raises SubscriptionNotFound."""
    subscription = await reads.subscription(subscription_id)
    if subscription.next_due_at is None:
        return None
    version = await reads.version(subscription.plan_version_id)
    renewal = renew(subscription, version, PriceBook(), now=await reads.now())
    if not renewal.charges:
        return None
    customer, _ = await reads.customer(subscription.customer_id)
    return BillingDue(renewal, customer, None)
