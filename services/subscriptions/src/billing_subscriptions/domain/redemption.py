"""Coupons on a subscription: redeemed, removed."""

from datetime import datetime
from uuid import UUID

from billing_kernel.money import CurrencyMismatch

from billing_subscriptions.domain.catalog_errors import CouponApplied
from billing_subscriptions.domain.change import refuse_ended
from billing_subscriptions.domain.errors import RedemptionNotFound
from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.step import Step, StepKind
from billing_subscriptions.domain.subscription import AppliedCoupon, Subscription


def redeem(before: Subscription, coupon: AppliedCoupon, *, now: datetime) -> Step:
    """The subscription with a coupon that its own rules permit. Raises SubscriptionIsCanceled, CouponApplied,
    CurrencyMismatch."""
    refuse_ended(before)
    check_redeemable(before.coupons, coupon, before.currency)
    return Step(
        StepKind.COUPON_REDEEMED, now, before, changed(before, at=now, now=now, coupons=(*before.coupons, coupon))
    )


def remove_coupon(before: Subscription, redemption_id: UUID, *, now: datetime) -> Step:
    """The subscription without a coupon from the next due on. Raises RedemptionNotFound."""
    left = tuple(each for each in before.coupons if each.redemption_id != redemption_id)
    if len(left) == len(before.coupons):
        raise RedemptionNotFound("the subscription has no such redemption")
    return Step(StepKind.COUPON_REMOVED, now, before, changed(before, at=now, now=now, coupons=left))


def check_redeemable(there: tuple[AppliedCoupon, ...], coupon: AppliedCoupon, currency: str) -> None:
    """Raises CouponApplied, CurrencyMismatch."""
    if any(each.coupon_id == coupon.coupon_id and each.periods_left != 0 for each in there):
        raise CouponApplied("the subscription has the coupon already", facts={"coupon": coupon.code})
    if coupon.amount is not None and coupon.amount.currency != currency:
        facts = {"coupon": coupon.amount.currency, "subscription": currency}
        raise CurrencyMismatch("the coupon is in another currency than the subscription", facts=facts)
