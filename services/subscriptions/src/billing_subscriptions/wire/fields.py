"""Refusals of the rules name fields of their own; here they become fields of the request that was sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from billing_kernel.errors import DomainError, Violation

Name = Callable[[str], str]
_SAME: Mapping[str, str] = {}
RULES = {"day": "alignment.anchor_day", "month": "alignment.anchor_month", "nominal_days": "proration.nominal_days"}
CHANGED = ("quantities", "add_ons", "remove_codes", "price_overrides")
OF_START = {
    "CUSTOMER_NOT_FOUND": "customer_id",
    "CUSTOMER_ARCHIVED": "customer_id",
    "PLAN_NOT_FOUND": "plan_code",
    "PLAN_VERSION_NOT_FOUND": "plan_version_id",
    "PLAN_VERSION_NOT_PUBLISHED": "plan_version_id",
    "PLAN_VERSION_ARCHIVED": "plan_version_id",
    "CURRENCY_MISMATCH": "currency_code",
    "EXTERNAL_ID_TAKEN": "external_id",
    "START_TOO_OLD": "start_time",
    "INVALID_PERIOD": "start_time",
    "COUPON_NOT_FOUND": "coupon_codes",
    "COUPON_EXPIRED": "coupon_codes",
    "COUPON_EXHAUSTED": "coupon_codes",
    "COUPON_NOT_APPLICABLE": "coupon_codes",
    "COUPON_APPLIED": "coupon_codes",
}
OF_START_PREVIEWED = {reason: f"subscription.{field}" for reason, field in OF_START.items()}
OF_CHANGE = {
    "PLAN_VERSION_NOT_FOUND": "change.plan_version_id",
    "CURRENCY_MISMATCH": "change.plan_version_id",
}
OF_COUPON = dict.fromkeys(
    (
        "COUPON_NOT_FOUND",
        "COUPON_EXPIRED",
        "COUPON_EXHAUSTED",
        "COUPON_NOT_APPLICABLE",
        "COUPON_APPLIED",
        "CURRENCY_MISMATCH",
    ),
    "coupon_code",
)


@contextmanager
def named(name: Name, reasons: Mapping[str, str] = _SAME) -> Iterator[None]:
    """Refusals with their fields as `name` calls them; one that names none names that of its reason."""
    try:
        yield
    except DomainError as refusal:
        found = tuple(replace(each, field=name(each.field)) for each in refusal.violations)
        if not found and refusal.reason in reasons:
            found = (Violation(reasons[refusal.reason], refusal.message, refusal.reason.lower()),)
        refusal.violations = found
        raise


def of_start(field: str) -> str:
    return RULES.get(field, field)


def of_change(field: str) -> str:
    """A part of a change lies in the change."""
    return f"change.{field}" if field.startswith(CHANGED) else RULES.get(field, field)


def of_quantity(field: str) -> str:
    """The one quantity of a call of its own."""
    return {"quantities[0]": "item.quantity", "quantities[0].code": "item.code"}.get(field, field)


def within(prefix: str, name: Name) -> Name:
    """The fields of a message that is the field `prefix` of the request."""
    return lambda field: f"{prefix}.{name(field)}"
