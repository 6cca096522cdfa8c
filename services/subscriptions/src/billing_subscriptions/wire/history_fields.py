"""What the history keeps of a subscription -> fields named and written as in its message, with the ids of the wire."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from billing_subscriptions.wire.ids import (
    coupon_text,
    customer_text,
    item_text,
    plan_item_text,
    plan_text,
    price_text,
    redemption_text,
    scheduled_text,
    seller_text,
    subscription_text,
    version_text,
)

Shape = Callable[[Any], Any]
Shapes = Mapping[str, tuple[str, Shape]]  # key of the history -> key of the message, and what becomes of the value


def told(column: str, before: object, after: object) -> tuple[str, object, object]:
    """(name, before, after) of a column as callers know it."""
    name, shape = FIELDS.get(column, (column, _same))
    return name, _or_none(shape, before), _or_none(shape, after)


def _or_none(shape: Shape, value: object) -> object:
    return None if value is None else shape(value)


def _same(value: Any) -> Any:
    return value


def _object(shapes: Shapes, given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `shapes` that hold something, in their order."""
    found = ((name, given.get(key), shape) for key, (name, shape) in shapes.items())
    return {name: shape(value) for name, value, shape in found if value not in (None, "", [], {})}


def _each(shape: Shape) -> Shape:
    return lambda values: [shape(value) for value in values]


def _id(text: Callable[[UUID], str]) -> Shape:
    return lambda value: text(UUID(value))


def _money(given: Any) -> dict[str, Any]:
    return {"currency_code": given[0], "amount_minor": given[1]}


def _period(given: Any) -> dict[str, Any]:
    return {"start_time": given[0], "end_time": given[1]}


def _kept(*names: str) -> dict[str, tuple[str, Shape]]:
    return {name: (name, _same) for name in names}


def _other_price(given: Any) -> dict[str, Any]:
    currency, price_id, price = given
    return {"currency_code": currency, "price_id": price_text(UUID(price_id)), "price": price}


_PLAN_ITEM: Shapes = {
    "plan_item_id": ("plan_item_id", _id(plan_item_text)),
    **_kept("code", "name", "kind", "timing", "price"),
    "price_id": ("price_id", _id(price_text)),
    **_kept("meter_code", "tax_category", "tax_behavior", "product_code", "min_quantity", "max_quantity"),
    "prices": ("prices", _each(_other_price)),
}
_ITEM: Shapes = {
    "id": ("subscription_item_id", _id(item_text)),
    "plan_item_id": ("plan_item_id", _id(plan_item_text)),
    **_kept("code", "quantity", "add_on_code"),
    "since": ("window_start_time", _same),
}
_CHANGE: Shapes = {
    "plan_version_id": ("plan_version_id", _id(version_text)),
    **_kept("quantities", "add_ons", "remove_codes"),
    "overrides": ("price_overrides", _same),
}
_SCHEDULED: Shapes = {
    "id": ("scheduled_change_id", _id(scheduled_text)),
    "at": ("effective_time", _same),
    "change": ("change", partial(_object, _CHANGE)),
    **_kept("proration", "settlement", "phase_code"),
}
_PAUSE: Shapes = {
    "since": ("start_time", _same),
    "resume_at": ("resume_time", _same),
    **_kept("billing", "proration", "settlement"),
}
_COUPON: Shapes = {
    "redemption_id": ("redemption_id", _id(redemption_text)),
    "coupon_id": ("coupon_id", _id(coupon_text)),
    "code": ("coupon_code", _same),
    "redeemed_at": ("redeem_time", _same),
    **_kept("periods_left", "percent"),
    "amount": ("amount", _money),
    **_kept("item_codes"),
}
_CHARGE: Shapes = {
    "id": ("charge_id", _same),
    "subscription_item_id": ("subscription_item_id", _id(item_text)),
    "item": ("code", lambda item: item["code"]),
    **_kept("description"),
    "service_period": ("service_period", _period),
    "priced": ("amount", lambda priced: _money(priced["rounded"])),
    "credit_of": ("credit_of", lambda given: {"charge_id": given[0], "share": given[1]}),
    **_kept("reason", "proration"),
}
_CANCELATION: Shapes = {"at": ("effective_time", _same), **_kept("credit", "proration", "settlement")}


def _item(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an item was billed for in advance is the machinery's own."""
    found, own = _object(_ITEM, given), given.get("own")
    if own:
        found |= {"own_item": _object(_PLAN_ITEM, own["item"]), "own_periods_left": own["periods_left"] or 0}
    return found


FIELDS: Shapes = {
    "subscription_id": ("subscription_id", _id(subscription_text)),
    "customer_id": ("customer_id", _id(customer_text)),
    "plan_id": ("plan_id", _id(plan_text)),
    "plan_version_id": ("plan_version_id", _id(version_text)),
    "currency": ("currency_code", _same),
    "zone": ("time_zone", _same),
    "anchor_at": ("anchor_time", _same),
    "cycle_start_at": ("cycle_start_time", _same),
    "started_at": ("start_time", _same),
    "period_start": ("current_period.start_time", _same),
    "period_end": ("current_period.end_time", _same),
    "trial_end_at": ("trial_end_time", _same),
    "ends_at": ("end_time", _same),
    "planned_end_at": ("planned_end_time", _same),
    "cancelation": ("cancelation", partial(_object, _CANCELATION)),
    "canceled_at": ("cancel_time", _same),
    "next_due_at": ("next_due_time", _same),
    "items": ("items", _each(_item)),
    "scheduled": ("scheduled_changes", _each(partial(_object, _SCHEDULED))),
    "pause": ("pause", partial(_object, _PAUSE)),
    "coupons": ("coupons", _each(partial(_object, _COUPON))),
    "pending": ("pending_charges", _each(partial(_object, _CHARGE))),
    "expires_at": ("incomplete_expire_time", _same),
    "billed_from": ("billed_from_time", _same),
    "backdated_until": ("backdated_until_time", _same),
    "seller_id": ("seller_id", _id(seller_text)),
}
