"""Charges, credits, discounts and commitments -> their messages."""

from collections.abc import Iterable
from fractions import Fraction

from billing.common.v1 import money_pb2, ratio_pb2
from billing.subscriptions.v1 import charge_pb2
from billing_kernel.decimals import format_decimal
from billing_kernel.money import ExactAmount, Money

from billing_subscriptions.domain.charges import Charge, ChargeReason, Commitment, Priced
from billing_subscriptions.domain.subscription import AppliedCoupon
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import coupon_text, item_text, price_text, redemption_text
from billing_subscriptions.wire.plan_items import KINDS, TAX_BEHAVIORS
from billing_subscriptions.wire.policies import CHANGE_WHENS, SETTLEMENTS
from billing_subscriptions.wire.times import optional_time, period_to_pb, time_to_pb

REASONS = EnumTable(charge_pb2.ChargeReason, ChargeReason, "CHARGE_REASON_", zero=ChargeReason.REGULAR)


def charge_to_pb(charge: Charge) -> charge_pb2.Charge:
    item, priced = charge.item, charge.priced
    message = charge_pb2.Charge(
        charge_id=str(charge.id),
        kind=KINDS.to_pb(item.kind),
        subscription_item_id=item_text(charge.subscription_item_id),
        code=item.code,
        description=charge.description,
        service_period=period_to_pb(charge.service_period),
        price_id=price_text(item.price_id),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
        supply_time=time_to_pb(charge.supply_at),
        reason=REASONS.to_pb(charge.reason),
        proration=charge.proration,
        tiers_from_time=optional_time(charge.tiers_from),
    )
    if charge.when is not None:
        message.when = CHANGE_WHENS.to_pb(charge.when)
    if charge.settlement is not None:
        message.settlement = SETTLEMENTS.to_pb(charge.settlement)
    if priced is not None:
        _add_price(message, priced)
    if charge.credit_of is not None:
        message.credit_of.charge_id = str(charge.credit_of.charge_id)
        message.credit_of.share.CopyFrom(ratio_to_pb(charge.credit_of.share))
    if charge.limits_share is not None:
        message.limits_share.CopyFrom(ratio_to_pb(charge.limits_share))
    return message


def charges_to_pb(charges: Iterable[Charge]) -> list[charge_pb2.Charge]:
    return [charge_to_pb(each) for each in charges]


def net_of(charges: Iterable[Charge], currency: str) -> money_pb2.Money:
    """What charges and credits come to, metered ones aside. Raises AmountOverflow."""
    minor = sum(each.priced.rounded.minor for each in charges if each.priced is not None)
    return money_to_pb(Money(currency, minor))


def discount_to_pb(coupon: AppliedCoupon) -> charge_pb2.Discount:
    message = charge_pb2.Discount(
        redemption_id=redemption_text(coupon.redemption_id),
        coupon_id=coupon_text(coupon.coupon_id),
        coupon_code=coupon.code,
        item_codes=sorted(coupon.item_codes),
    )
    if coupon.percent is not None:
        message.percent = format_decimal(coupon.percent)
    elif coupon.amount is not None:
        message.amount.CopyFrom(money_to_pb(coupon.amount))
    return message


def commitment_to_pb(commitment: Commitment) -> charge_pb2.Commitment:
    return charge_pb2.Commitment(
        charge_id=str(commitment.charge_id),
        description=commitment.description,
        service_period=period_to_pb(commitment.service_period),
        amount=money_to_pb(commitment.amount),
        exact_amount=exact_to_pb(commitment.exact),
        billed=money_to_pb(commitment.billed),
        explanation=commitment.explanation,
        tax_category=commitment.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(commitment.tax_behavior),
        supply_time=time_to_pb(commitment.supply_at),
    )


def money_to_pb(money: Money) -> money_pb2.Money:
    return money_pb2.Money(currency_code=money.currency, amount_minor=money.minor)


def exact_to_pb(exact: ExactAmount) -> money_pb2.ExactAmount:
    value = exact.value
    return money_pb2.ExactAmount(
        currency_code=exact.currency, numerator=str(value.numerator), denominator=str(value.denominator)
    )


def ratio_to_pb(share: Fraction) -> ratio_pb2.Ratio:
    return ratio_pb2.Ratio(numerator=str(share.numerator), denominator=str(share.denominator))


def _add_price(message: charge_pb2.Charge, priced: Priced) -> None:
    message.quantity = format_decimal(priced.quantity)
    message.unit_amount = "" if priced.unit_amount is None else format_decimal(priced.unit_amount)
    message.exact_amount.CopyFrom(exact_to_pb(priced.exact))
    message.amount.CopyFrom(money_to_pb(priced.rounded))
    message.explanation = priced.explanation
