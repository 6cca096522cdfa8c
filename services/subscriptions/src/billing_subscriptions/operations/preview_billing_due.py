"""What the next boundary of a subscription that bills something would bill, by the code that bills it."""

from uuid import UUID

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.preview import next_due
from billing_subscriptions.operations.life import has_payment_method
from billing_subscriptions.operations.ports import Reads
from billing_subscriptions.operations.shelf import shelf_for


async def preview_billing_due(reads: Reads, subscription_id: UUID) -> BillingDue | None:
    """None when nothing bills any more, as far as is looked ahead. Raises SubscriptionNotFound."""
    subscription = await reads.subscription(subscription_id)
    if subscription.next_due_at is None:
        return None
    shelf = await shelf_for(reads.catalogue, [subscription])
    paying = await has_payment_method(reads, subscription)
    offers = shelf.offers(subscription.currency)
    step = next_due(subscription, offers, PriceBook(), has_payment_method=paying)
    if step is None:
        return None
    customer, _ = await reads.customer(subscription.customer_id)
    payers = await reads.payers({customer.id: customer})
    return BillingDue(step, payers[customer.id], told_version=subscription.version)
