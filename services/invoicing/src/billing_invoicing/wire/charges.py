"""Charges, discounts and commitments of a due, both ways."""

from billing.common.v1 import money_pb2, period_pb2
from billing.subscriptions.v1 import charge_pb2, plan_pb2, policy_pb2
from billing_kernel.decimals import InvalidDecimal, parse_decimal
from billing_kernel.errors import Invalid

from billing_invoicing.domain.due import Charge, Commitment, CreditOf, Discount, Exact
from billing_invoicing.wire.values import (
    BEHAVIORS_TO_PB,
    COUPON,
    ITEM,
    PRICE,
    REDEMPTION,
    behavior_from_pb,
    cached_id_from_pb,
    id_from_pb,
    id_to_pb,
    instant_from_pb,
    instant_to_pb,
    ratio_from_pb,
    ratio_to_pb,
    uuid_from_pb,
)

METERED = plan_pb2.PLAN_ITEM_KIND_METERED
NO_AMOUNT = Exact("0", "1")
_REASONS = {
    number: "" if number == 0 else name.removeprefix("CHARGE_REASON_")
    for name, number in charge_pb2.ChargeReason.items()
}
_WHENS = {
    number: "" if number == 0 else name.removeprefix("CHANGE_WHEN_") for name, number in policy_pb2.ChangeWhen.items()
}
_SETTLEMENTS = {
    number: "" if number == 0 else name.removeprefix("SETTLEMENT_") for name, number in policy_pb2.Settlement.items()
}
_WHEN_NUMBERS = {name: policy_pb2.ChangeWhen.ValueType(number) for number, name in _WHENS.items()}
_SETTLEMENT_NUMBERS = {name: policy_pb2.Settlement.ValueType(number) for number, name in _SETTLEMENTS.items()}
_REASON_NUMBERS = {name: charge_pb2.ChargeReason.ValueType(number) for number, name in _REASONS.items()}


class DueIncomplete(Invalid):
    """A due whose parts do not belong together, or a charge without an amount."""

    reason = "DUE_INCOMPLETE"


def charge_from_pb(charge: charge_pb2.Charge, currency: str) -> Charge:
    """Raises InvalidId, InvalidTime, ValueUnspecified, DueIncomplete."""
    metered = charge.kind == METERED
    if charge.kind == plan_pb2.PLAN_ITEM_KIND_UNSPECIFIED:
        raise DueIncomplete("the kind of a charge is unspecified", facts={"charge_id": charge.charge_id})
    period = charge.service_period
    amount_minor, exact = (0, NO_AMOUNT) if metered else _amount(charge, currency)
    return Charge(
        uuid_from_pb(charge.charge_id, "charge_id"),
        metered,
        id_from_pb(ITEM, charge.subscription_item_id) if metered else None,
        cached_id_from_pb(PRICE, charge.price_id) if metered else None,
        charge.code,
        charge.description,
        instant_from_pb(period.start, "service_period.start"),
        instant_from_pb(period.end, "service_period.end"),
        charge.quantity,
        charge.unit_amount,
        exact,
        amount_minor,
        charge.explanation,
        charge.tax_category,
        behavior_from_pb(charge.tax_behavior),
        instant_from_pb(charge.supply_time, "supply_time"),
        None,
        0,
        _REASONS[charge.reason],
        charge.proration,
        _credit_of(charge) if charge.HasField("credit_of") else None,
        instant_from_pb(charge.tiers_from_time, "tiers_from_time") if charge.HasField("tiers_from_time") else None,
        ratio_from_pb(charge.limits_share) if charge.HasField("limits_share") else None,
        (),
        _WHENS[charge.when],
        _SETTLEMENTS[charge.settlement],
    )


def _credit_of(charge: charge_pb2.Charge) -> CreditOf:
    if charge.kind == METERED:
        raise DueIncomplete("a credit has no amount", facts={"charge_id": charge.charge_id})
    of = charge.credit_of
    return CreditOf(uuid_from_pb(of.charge_id, "credit_of.charge_id"), ratio_from_pb(of.share))


def _amount(charge: charge_pb2.Charge | charge_pb2.Commitment, currency: str) -> tuple[int, Exact]:
    amount, exact = charge.amount, charge.exact_amount
    if amount.currency_code != currency or exact.currency_code != currency:
        raise DueIncomplete("a charge has no amount in the currency of its due", facts={"charge_id": charge.charge_id})
    return amount.amount_minor, Exact(exact.numerator, exact.denominator)


def charge_to_pb(charge: Charge, currency: str) -> charge_pb2.Charge:
    """The inverse of charge_from_pb; a rating is left out, for usage gives it again."""
    made = charge_pb2.Charge(
        charge_id=str(charge.charge_id),
        kind=METERED if charge.metered else plan_pb2.PLAN_ITEM_KIND_FLAT,
        subscription_item_id=id_to_pb(ITEM, charge.item_id),
        price_id=id_to_pb(PRICE, charge.price_id),
        code=charge.code,
        description=charge.description,
        service_period=period_pb2.Period(
            start=instant_to_pb(charge.period_start), end=instant_to_pb(charge.period_end)
        ),
        unit_amount=charge.unit_amount,
        tax_category=charge.tax_category,
        tax_behavior=BEHAVIORS_TO_PB[charge.tax_behavior],
        supply_time=instant_to_pb(charge.supply_at),
        reason=_REASON_NUMBERS[charge.reason],
        proration=charge.proration,
        credit_of=_credit_to_pb(charge.credit_of) if charge.credit_of else None,
        tiers_from_time=instant_to_pb(charge.tiers_from_at),
        limits_share=ratio_to_pb(charge.limits_share),
        when=_WHEN_NUMBERS[charge.when],
        settlement=_SETTLEMENT_NUMBERS[charge.settlement],
    )
    if not charge.metered:
        made.quantity, made.explanation = charge.quantity, charge.explanation
        made.amount.CopyFrom(_money(charge.amount_minor, currency))
        made.exact_amount.CopyFrom(_exact(charge.exact, currency))
    return made


def _credit_to_pb(of: CreditOf) -> charge_pb2.CreditOf:
    return charge_pb2.CreditOf(charge_id=str(of.charge_id), share=ratio_to_pb(of.share))


def discount_from_pb(discount: charge_pb2.Discount, currency: str) -> Discount:
    """Raises InvalidId, DueIncomplete."""
    percent, amount_minor = discount.percent, discount.amount.amount_minor
    if not (_percent_fits(percent) if percent else _takes_off(discount, currency)):
        raise DueIncomplete("a discount takes nothing off", facts={"redemption_id": discount.redemption_id})
    return Discount(
        id_from_pb(REDEMPTION, discount.redemption_id),
        cached_id_from_pb(COUPON, discount.coupon_id),
        discount.coupon_code,
        percent,
        0 if percent else amount_minor,
        tuple(discount.item_codes),
    )


def _percent_fits(text: str) -> bool:
    try:
        return 0 < parse_decimal(text) <= 100
    except InvalidDecimal:
        return False


def _takes_off(discount: charge_pb2.Discount, currency: str) -> bool:
    """Zero: only what credits take back is given again."""
    return discount.amount.currency_code == currency and discount.amount.amount_minor >= 0


def discount_to_pb(discount: Discount, currency: str) -> charge_pb2.Discount:
    """The inverse of discount_from_pb."""
    made = charge_pb2.Discount(
        redemption_id=id_to_pb(REDEMPTION, discount.redemption_id),
        coupon_id=id_to_pb(COUPON, discount.coupon_id),
        coupon_code=discount.coupon_code,
        item_codes=discount.item_codes,
    )
    if discount.percent:
        made.percent = discount.percent
    else:
        made.amount.CopyFrom(_money(discount.amount_minor, currency))
    return made


def commitment_from_pb(commitment: charge_pb2.Commitment, currency: str) -> Commitment:
    """Raises Invalid, InvalidTime, ValueUnspecified, DueIncomplete."""
    amount_minor, exact = _amount(commitment, currency)
    billed = commitment.billed
    if billed.currency_code not in ("", currency):
        raise DueIncomplete("a commitment is in another currency", facts={"charge_id": commitment.charge_id})
    return Commitment(
        uuid_from_pb(commitment.charge_id, "commitment.charge_id"),
        commitment.description,
        instant_from_pb(commitment.service_period.start, "commitment.service_period.start"),
        instant_from_pb(commitment.service_period.end, "commitment.service_period.end"),
        amount_minor,
        exact,
        billed.amount_minor,
        commitment.explanation,
        commitment.tax_category,
        behavior_from_pb(commitment.tax_behavior),
        instant_from_pb(commitment.supply_time, "commitment.supply_time"),
    )


def commitment_to_pb(commitment: Commitment, currency: str) -> charge_pb2.Commitment:
    """The inverse of commitment_from_pb."""
    period = period_pb2.Period(start=instant_to_pb(commitment.period_start), end=instant_to_pb(commitment.period_end))
    return charge_pb2.Commitment(
        charge_id=str(commitment.charge_id),
        description=commitment.description,
        service_period=period,
        amount=_money(commitment.amount_minor, currency),
        exact_amount=_exact(commitment.exact, currency),
        billed=_money(commitment.billed_minor, currency),
        explanation=commitment.explanation,
        tax_category=commitment.tax_category,
        tax_behavior=BEHAVIORS_TO_PB[commitment.tax_behavior],
        supply_time=instant_to_pb(commitment.supply_at),
    )


def _money(amount_minor: int, currency: str) -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, amount_minor=amount_minor)


def _exact(exact: Exact, currency: str) -> money_pb2.ExactAmount:
    return money_pb2.ExactAmount(currency_code=currency, numerator=exact.numerator, denominator=exact.denominator)
