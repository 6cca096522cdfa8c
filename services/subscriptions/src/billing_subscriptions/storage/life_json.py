"""What a subscription remembers besides plain values <-> JSON in columns, and in its history."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_kernel.proration import Basis, Denominator, Proration
from billing_pricing import price_from_json, price_to_object

from billing_subscriptions.domain.policy import Settlement
from billing_subscriptions.domain.subscription import (
    AppliedCoupon,
    Cancelation,
    Change,
    Covered,
    OwnItem,
    Pause,
    PauseBilling,
    PriceOverride,
    ScheduledChange,
    SubscriptionItem,
)
from billing_subscriptions.storage.plan_rows import plan_item_from_json, plan_item_to_json

Json = dict[str, Any]
Given = Mapping[str, Any]


def item_to_json(item: SubscriptionItem) -> Json:
    """What most items never have is left out: a month's end reads and compares them all."""
    found: Json = {"id": str(item.id), "plan_item_id": str(item.plan_item_id), "code": item.code}
    if item.quantity is not None:
        found["quantity"] = format_decimal(item.quantity)
    if item.since is not None:
        found["since"] = item.since.isoformat()
    if item.covered is not None:
        found["covered"] = _covered_to_json(item.covered)
    if item.own is not None:
        found["own"] = _own_to_json(item.own)
    if item.add_on_code:
        found["add_on_code"] = item.add_on_code
    if item.tiers_from is not None:
        found["tiers_from"] = item.tiers_from.isoformat()
    if item.once:
        found["once"] = True
    return found


def item_from_json(given: Given, currency: str) -> SubscriptionItem:
    quantity = given.get("quantity")
    if len(given) == 4 and quantity is not None:
        return SubscriptionItem(UUID(given["id"]), _sold(given["plan_item_id"]), given["code"], decimal(quantity))
    covered, own = given.get("covered"), given.get("own")
    return SubscriptionItem(
        id=UUID(given["id"]),
        plan_item_id=UUID(given["plan_item_id"]),
        code=given["code"],
        quantity=None if quantity is None else decimal(quantity),
        since=instant(given.get("since")),
        covered=_covered_from_json(covered) if covered else None,
        own=_own_from_json(own, currency) if own else None,
        add_on_code=given.get("add_on_code", ""),
        tiers_from=instant(given.get("tiers_from")),
        once=given.get("once", False),
    )


@lru_cache(maxsize=4096)
def _sold(plan_item_id: str) -> UUID:
    """What is sold is sold to many."""
    return UUID(plan_item_id)


def _own_to_json(own: OwnItem) -> Json:
    return {
        "item": plan_item_to_json(own.item),
        "periods_left": own.periods_left,
        "then": _own_to_json(own.then) if own.then else None,
    }


def _own_from_json(given: Given, currency: str) -> OwnItem:
    then = given["then"]
    item = plan_item_from_json(given["item"], currency)
    return OwnItem(item, given["periods_left"], _own_from_json(then, currency) if then else None)


def _covered_to_json(covered: Covered) -> Json:
    return {
        "charge_id": str(covered.charge_id),
        "span": span_to_json(covered.span),
        "price_id": str(covered.price_id),
        "quantity": format_decimal(covered.quantity),
        "amount": money_to_json(covered.amount),
        "share": str(covered.share),
        "credited": money_to_json(covered.credited),
    }


def _covered_from_json(given: Given) -> Covered:
    return Covered(
        UUID(given["charge_id"]),
        span_from_json(given["span"]),
        UUID(given["price_id"]),
        decimal(given["quantity"]),
        money_from_json(given["amount"]),
        Fraction(given["share"]),
        money_from_json(given["credited"]),
    )


def scheduled_to_json(scheduled: ScheduledChange) -> Json:
    return {
        "id": str(scheduled.id),
        "at": scheduled.at.isoformat(),
        "change": change_to_json(scheduled.change),
        "proration": proration_to_json(scheduled.proration),
        "settlement": scheduled.settlement.value if scheduled.settlement else None,
        "phase_code": scheduled.phase_code,
    }


def scheduled_from_json(given: Given) -> ScheduledChange:
    return ScheduledChange(
        UUID(given["id"]),
        datetime.fromisoformat(given["at"]),
        change_from_json(given["change"]),
        proration_from_json(given["proration"]),
        Settlement(given["settlement"]) if given["settlement"] else None,
        given["phase_code"],
    )


def change_to_json(change: Change) -> Json:
    return {
        "plan_version_id": str(change.plan_version_id) if change.plan_version_id else None,
        "quantities": {code: format_decimal(quantity) for code, quantity in change.quantities.items()},
        "add_ons": {code: format_decimal(quantity) for code, quantity in change.add_ons.items()},
        "remove_codes": list(change.remove_codes),
        "overrides": [
            {"code": each.code, "price": price_to_object(each.price), "periods": each.periods}
            for each in change.overrides
        ],
    }


def change_from_json(given: Given) -> Change:
    overrides = (
        PriceOverride(each["code"], price_from_json(each["price"]), each["periods"]) for each in given["overrides"]
    )
    return Change(
        UUID(given["plan_version_id"]) if given["plan_version_id"] else None,
        {code: decimal(quantity) for code, quantity in given["quantities"].items()},
        {code: decimal(quantity) for code, quantity in given["add_ons"].items()},
        tuple(given["remove_codes"]),
        tuple(overrides),
    )


def pause_to_json(pause: Pause | None) -> Json | None:
    if pause is None:
        return None
    found: Json = {
        "since": pause.since.isoformat(),
        "resume_at": pause.resume_at.isoformat() if pause.resume_at else None,
        "billing": pause.billing.value,
    }
    if pause.proration is not None:
        found["proration"] = proration_to_json(pause.proration)
    if pause.settlement is not None:
        found["settlement"] = pause.settlement.value
    return found


def pause_from_json(given: Given | None) -> Pause | None:
    if given is None:
        return None
    settlement = given.get("settlement")
    return Pause(
        datetime.fromisoformat(given["since"]),
        instant(given["resume_at"]),
        PauseBilling(given["billing"]),
        proration_from_json(given.get("proration")),
        Settlement(settlement) if settlement else None,
    )


def cancelation_to_json(cancelation: Cancelation | None) -> Json | None:
    if cancelation is None:
        return None
    return {
        "at": cancelation.at.isoformat(),
        "credit": cancelation.credit,
        "proration": proration_to_json(cancelation.proration),
        "settlement": cancelation.settlement.value if cancelation.settlement else None,
    }


def cancelation_from_json(given: Given | None) -> Cancelation | None:
    if given is None:
        return None
    settlement = given.get("settlement")
    return Cancelation(
        datetime.fromisoformat(given["at"]).astimezone(UTC),
        given["credit"],
        proration_from_json(given.get("proration")),
        Settlement(settlement) if settlement else None,
    )


def coupon_to_json(coupon: AppliedCoupon) -> Json:
    return {
        "redemption_id": str(coupon.redemption_id),
        "coupon_id": str(coupon.coupon_id),
        "code": coupon.code,
        "redeemed_at": coupon.redeemed_at.isoformat(),
        "periods_left": coupon.periods_left,
        "percent": None if coupon.percent is None else format_decimal(coupon.percent),
        "amount": money_to_json(coupon.amount) if coupon.amount else None,
        "item_codes": list(coupon.item_codes),
    }


def coupon_from_json(given: Given) -> AppliedCoupon:
    return AppliedCoupon(
        UUID(given["redemption_id"]),
        UUID(given["coupon_id"]),
        given["code"],
        datetime.fromisoformat(given["redeemed_at"]),
        given["periods_left"],
        None if given["percent"] is None else decimal(given["percent"]),
        money_from_json(given["amount"]) if given["amount"] else None,
        tuple(given["item_codes"]),
    )


def proration_to_json(rule: Proration | None) -> Json | None:
    if rule is None:
        return None
    return {"basis": rule.basis.value, "denominator": rule.denominator.value, "nominal_days": rule.nominal_days}


def proration_from_json(given: Given | None) -> Proration | None:
    if given is None:
        return None
    return Proration(Basis(given["basis"]), Denominator(given["denominator"]), given["nominal_days"])


def money_to_json(money: Money) -> list[object]:
    return [money.currency, money.minor]


def money_from_json(given: list[Any]) -> Money:
    return Money(given[0], given[1])


def span_to_json(span: Period) -> list[str]:
    return [span.start.isoformat(), span.end.isoformat()]


def span_from_json(given: list[str]) -> Period:
    return Period(datetime.fromisoformat(given[0]), datetime.fromisoformat(given[1]))


def instant(given: str | None) -> datetime | None:
    return None if given is None else datetime.fromisoformat(given)


@lru_cache(maxsize=4096)
def decimal(text: str) -> Fraction:
    return Fraction(int(text)) if text.isdigit() else parse_decimal(text)
