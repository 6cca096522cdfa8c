"""Coupons and their redemptions <-> their messages."""

from billing.common.v1 import money_pb2
from billing.subscriptions.v1 import coupon_pb2 as pb
from billing_kernel.decimals import InvalidDecimal, format_decimal, parse_decimal
from billing_kernel.errors import Violation
from billing_kernel.money import Money

from billing_subscriptions.domain.catalog_errors import InvalidCoupon
from billing_subscriptions.domain.coupon import Coupon, CouponTerms, Duration, Redemption
from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan_item import check_currency
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import coupon_text, customer_text, redemption_text, subscription_text
from billing_subscriptions.wire.times import optional_time, time_from_pb, time_to_pb

DURATIONS = EnumTable(pb.CouponDuration, Duration, "COUPON_DURATION_")


def coupon_terms_from_pb(given: pb.CouponTerms) -> CouponTerms:
    """Raises InvalidCoupon, UnknownCurrency, UnspecifiedValue."""
    try:
        percent = parse_decimal(given.percent) if given.percent else None
    except InvalidDecimal as error:
        violation = Violation("terms.percent", error.message, "decimal")
        raise InvalidCoupon(f"terms.percent: {error.message}", violations=[violation]) from error
    for index, each in enumerate(given.amounts):
        check_currency(f"terms.amounts[{index}].currency_code", each.currency_code)
    return CouponTerms(
        name=given.name,
        percent=percent,
        amounts=tuple(Money(each.currency_code, each.amount_minor) for each in given.amounts),
        duration=DURATIONS.from_pb(given.duration),
        periods=given.duration_periods,
        redeem_by=time_from_pb(given.redeem_by_time) if given.HasField("redeem_by_time") else None,
        max_redemptions=given.max_redemptions or None,
        max_per_customer=given.max_redemptions_per_customer or None,
        plan_codes=tuple(given.plan_codes),
        item_codes=tuple(given.item_codes),
    )


def coupon_terms_to_pb(terms: CouponTerms) -> pb.CouponTerms:
    return pb.CouponTerms(
        name=terms.name,
        percent="" if terms.percent is None else format_decimal(terms.percent),
        amounts=[money_pb2.Money(currency_code=each.currency, amount_minor=each.minor) for each in terms.amounts],
        duration=DURATIONS.to_pb(terms.duration),
        duration_periods=terms.periods,
        redeem_by_time=optional_time(terms.redeem_by),
        max_redemptions=terms.max_redemptions or 0,
        max_redemptions_per_customer=terms.max_per_customer or 0,
        plan_codes=terms.plan_codes,
        item_codes=terms.item_codes,
    )


def coupon_to_pb(coupon: Coupon) -> pb.Coupon:
    return pb.Coupon(
        coupon_id=coupon_text(coupon.id),
        code=coupon.code,
        terms=coupon_terms_to_pb(coupon.terms),
        redemptions=coupon.redeemed,
        metadata=coupon.metadata,
        archive_time=optional_time(coupon.archived_at),
        etag=etag_of(coupon.version),
        create_time=time_to_pb(coupon.created_at),
        update_time=time_to_pb(coupon.updated_at),
    )


def redemption_to_pb(redemption: Redemption) -> pb.CouponRedemption:
    return pb.CouponRedemption(
        redemption_id=redemption_text(redemption.id),
        coupon_id=coupon_text(redemption.coupon_id),
        customer_id=customer_text(redemption.customer_id),
        subscription_id=subscription_text(redemption.subscription_id),
        redeem_time=time_to_pb(redemption.redeemed_at),
    )
