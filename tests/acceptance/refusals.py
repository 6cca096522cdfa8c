"""What a refusal is asked for: a call, the reason, and the field it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance import shop
from tests.acceptance.prices import Json, flat

NOWHERE = "01m83a3q65fz99pnw38m4dqg7m"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the cases name: ids of plan versions, codes of coupons, a customer, a subscription."""

    customer_id: str
    plan_id: str
    sold: str
    dollars: str
    draft: str
    archived: str
    coupons: dict[str, str]
    subscription_id: str

    @property
    def path(self) -> str:
        return f"/v1/subscriptions/{self.subscription_id}"


Body = Callable[[Shelf], Json]


@dataclass(frozen=True, slots=True)
class RefusalCase:
    id: str
    method: str
    path: Callable[[Shelf], str]
    body: Body
    reason: str
    field: str
    status: int = 400


def ahead(days: int) -> str:
    at = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return at.isoformat().replace("+00:00", "Z")


def seats(number: str) -> Json:
    return {"quantities": [{"code": "seats", "quantity": number}]}


def version(id_: str, reason: str, field: str, **changes: Any) -> RefusalCase:
    items = [shop.item("fee", flat("1"))]
    body = {"currency_code": "EUR", "interval": shop.interval(("MONTH", 1)), "items": items, **changes}
    return RefusalCase(id_, "POST", lambda of: f"/v1/plans/{of.plan_id}/versions", lambda _: body, reason, field)


def price(id_: str, price: Json, field: str, reason: str = "INVALID_PRICE") -> tuple[RefusalCase, RefusalCase]:
    metered = shop.item("calls", price, kind="METERED", timing="ARREARS", meter_code="calls")
    previewed = {"price": price, "currency_code": "EUR", "quantity": "5"}
    return (
        version(id_, reason, f"items[0].{field}", items=[metered]),
        RefusalCase(f"{id_}-preview", "POST", lambda _: "/v1/prices:preview", lambda _: previewed, reason, field),
    )


def create(id_: str, reason: str, field: str, body: Body | None = None, status: int = 400, **more: Any) -> RefusalCase:
    def built(of: Shelf) -> Json:
        asked = {"customer_id": of.customer_id, "plan_version_id": of.sold, **seats("3"), **more}
        return {**asked, **(body(of) if body else {})}

    return RefusalCase(f"create-{id_}", "POST", lambda _: "/v1/subscriptions", built, reason, field, status)


def change(id_: str, reason: str, field: str, body: Body, status: int = 400) -> tuple[RefusalCase, ...]:
    return tuple(call(id_, verb, reason, field, body, status) for verb in ("change", "preview_change"))


def call(id_: str, verb: str, reason: str, field: str, body: Body, status: int = 400) -> RefusalCase:
    return RefusalCase(f"{verb}-{id_}", "POST", lambda of: f"{of.path}:{verb}", body, reason, field, status)


def schedule(id_: str, reason: str, field: str, *phases: tuple[str, int, Body], status: int = 400) -> RefusalCase:
    def built(of: Shelf) -> Json:
        listed = [{"code": code, "start_time": ahead(days), "change": change(of)} for code, days, change in phases]
        return {"phases": listed}

    return RefusalCase(f"schedule-{id_}", "PUT", lambda of: f"{of.path}/schedule", built, reason, field, status)


def redeem(name: str, reason: str) -> RefusalCase:
    """Of one of the shelf's coupons."""
    return call(name, "redeem_coupon", reason, "coupon_code", lambda of: {"coupon_code": of.coupons[name]})


def on_date(date: Callable[[], str], **more: Any) -> Body:
    return lambda _: {"change": seats("4"), "when": "CHANGE_WHEN_ON_DATE", "effective_time": date(), **more}
