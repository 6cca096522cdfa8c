"""Redeems a coupon for a subscription, under the coupon's limits."""

from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.change import refuse_ended
from billing_subscriptions.domain.coupon import Coupon, Redemption, check_applicable
from billing_subscriptions.domain.redemption import redeem
from billing_subscriptions.domain.subscription import AppliedCoupon, Subscription
from billing_subscriptions.operations.life import Decided, close_life, lock_life
from billing_subscriptions.operations.ports import UnitOfWork


async def redeem_coupon(uow: UnitOfWork, subscription_id: UUID, code: str, etag: str, reason: str = "") -> Decided:
    """Ten who redeem the last one at once wait for each other at the coupon's row: one gets it.

    Raises SubscriptionNotFound, Conflict, RenewalsBehind, SubscriptionIsCanceled, CouponNotFound, CouponExpired,
    CouponExhausted, CouponNotApplicable, CouponApplied, CurrencyMismatch.
    """
    opened = await lock_life(uow, subscription_id, etag)
    current, now = opened.current, opened.sight.now
    refuse_ended(current)
    coupon = await uow.coupons.by_code(code)
    plan_codes = await uow.catalogue.plan_codes([current.plan_id])
    check_coupon(coupon, current, plan_codes[current.plan_id])
    redemption = await uow.coupons.redeem(coupon.id, current.customer_id, current.id, now)
    step = redeem(current, applied(coupon, redemption, current.currency), now=now)
    return await close_life(uow, opened, [step], reason=reason)


def check_coupon(coupon: Coupon, subscription: Subscription, plan_code: str) -> None:
    """Raises CouponApplied, CouponNotApplicable, CurrencyMismatch."""
    check_applicable(
        coupon,
        plan_code=plan_code,
        item_codes=[item.code for item in subscription.items],
        currency=subscription.currency,
        applied=[each.coupon_id for each in subscription.coupons if each.periods_left != 0],
    )


def applied(coupon: Coupon, redemption: Redemption, currency: str) -> AppliedCoupon:
    """The coupon as the subscription keeps it: later changes of the coupon do not reach it."""
    return on_trial(coupon, redemption.id, redemption.redeemed_at, currency)


def on_trial(coupon: Coupon, redemption_id: UUID, at: datetime, currency: str) -> AppliedCoupon:
    """The same without a redemption that counts: for previews."""
    return AppliedCoupon(
        redemption_id,
        coupon.id,
        coupon.code,
        at,
        coupon.periods_left,
        coupon.terms.percent,
        coupon.amount_in(currency),
        coupon.terms.item_codes,
    )
