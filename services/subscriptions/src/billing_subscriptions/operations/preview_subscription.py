"""What CreateSubscription would make and bill first, by the same code; writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain.coupon import check_open
from billing_subscriptions.domain.errors import ExternalIdTaken
from billing_subscriptions.domain.preview import next_due
from billing_subscriptions.domain.previewed_bill import Bill, bill_of
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import AppliedCoupon
from billing_subscriptions.operations.create_subscription import (
    Created,
    Opening,
    Sold,
    begin,
    checked_coupon,
    open_start,
)
from billing_subscriptions.operations.life import has_payment_method
from billing_subscriptions.operations.ports import Reads
from billing_subscriptions.operations.redeem_coupon import on_trial

REDEMPTIONS_MAX = 1000  # counted of one customer: limits a customer are small


@dataclass(frozen=True, slots=True)
class SubscriptionPreview:
    """`bill` is that of the first due, at `first_due_at`; None: nothing falls due by itself."""

    created: Created
    bill: Bill
    first_due_at: datetime | None


async def preview_subscription(
    reads: Reads, customer_id: UUID, sold: Sold, order: Order, coupon_codes: Sequence[str] = ()
) -> SubscriptionPreview:
    """Raises as `create_subscription`."""
    customer, _ = await reads.customer(customer_id)
    opening = await open_start(reads, customer, sold, order)
    coupons = await _coupons(reads, opening, customer_id, order, coupon_codes)
    await _refuse_taken(reads, order.external_id)
    step = begin(opening, customer, replace(order, coupons=coupons), uuid7())
    created = Created(step, opening.version)
    if step.due is not None:
        return SubscriptionPreview(created, bill_of(step, step.after.currency), step.at)
    made, sight = step.after, opening.sight
    paying = await has_payment_method(reads, made)
    first = next_due(made, sight.offers, sight.prices, has_payment_method=paying)
    return SubscriptionPreview(created, bill_of(first, made.currency), first.at if first else None)


async def _refuse_taken(reads: Reads, external_id: str) -> None:
    """Raises ExternalIdTaken."""
    if external_id and await reads.subscriptions(
        customer_id=None, state=None, external_id=external_id, after=None, limit=1
    ):
        raise ExternalIdTaken("another subscription has this external id")


async def _coupons(
    reads: Reads, opening: Opening, customer_id: UUID, order: Order, codes: Sequence[str]
) -> tuple[AppliedCoupon, ...]:
    found: list[AppliedCoupon] = []
    for code in codes:
        coupon = await checked_coupon(reads, opening, order, await reads.coupons.by_code(code))
        before = await reads.coupons.redemptions(coupon.id, customer_id=customer_id, after=None, limit=REDEMPTIONS_MAX)
        check_open(coupon, by_customer=len(before), at=opening.sight.now)
        found.append(on_trial(coupon, uuid7(), opening.sight.now, opening.version.currency))
    return tuple(found)
