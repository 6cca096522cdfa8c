"""What the next boundary of a subscription would bill, by the code that bills it; writes nothing."""

from datetime import datetime

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.renewal import renew
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.ports import Customers


async def preview_billing_due(
    customers: Customers, subscription: Subscription, version: PlanVersion, now: datetime
) -> BillingDue | None:
    """None when nothing falls due any more, or when the boundary bills nothing."""
    if subscription.next_due_at is None:
        return None
    renewal = renew(subscription, version, PriceBook(), now=now)
    if not renewal.charges:
        return None
    customer = (await customers.get_many([subscription.customer_id]))[subscription.customer_id]
    return BillingDue(renewal, customer, None)
