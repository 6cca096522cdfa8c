"""What a line of the table of bad input is made of: the case, kinds of refusal, and requests that are nearly good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from tests.e2e.contract import Json
from tests.e2e.spine import FEE, METERED, MONTHLY, PARTY, SELLER

Rest = tuple[int, str]
GUARD: Rest = (400, "INVALID_JSON")
EDGE: Rest = (400, "BAD_REQUEST")
NO_FORM: Rest = (0, "")
KEYLESS = "keyless"
HTTP = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.NOT_FOUND: 404,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.ABORTED: 409,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One bad request and its refusal. `who` calls: admin, viewer, customer.

    `field` is among the violations. `rest` is what REST answers where it differs: GUARD (refused as JSON already), EDGE
    (refused by the translation), NO_FORM (cannot be said in REST). `key`: an idempotency key of its own, or KEYLESS.
    """

    name: str
    rpc: str
    request: Json
    code: StatusCode
    reason: str
    field: str = ""
    rest: Rest | None = None
    who: str = "admin"
    key: str = ""

    @property
    def http(self) -> Rest:
        return self.rest or (HTTP[self.code], self.reason)


def bad(name: str, rpc: str, request: Json, field: str, **more: Any) -> Case:
    """`field` breaks a rule of the contract."""
    return Case(name, rpc, request, StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED", field, **more)


def invalid(name: str, rpc: str, request: Json, reason: str, field: str = "", **more: Any) -> Case:
    """Can never succeed, for a `reason` of the domain."""
    return Case(name, rpc, request, StatusCode.INVALID_ARGUMENT, reason, field, **more)


def lost(name: str, rpc: str, request: Json, what: str, **more: Any) -> Case:
    """There is no such thing for this caller."""
    return Case(name, rpc, request, StatusCode.NOT_FOUND, f"{what}_NOT_FOUND", **more)


def unfit(name: str, rpc: str, request: Json, reason: str) -> Case:
    """Not in this state."""
    return Case(name, rpc, request, StatusCode.FAILED_PRECONDITION, reason)


def taken(name: str, rpc: str, request: Json, reason: str) -> Case:
    return Case(name, rpc, request, StatusCode.ALREADY_EXISTS, reason)


def stale(name: str, rpc: str, request: Json) -> Case:
    return Case(name, rpc, request, StatusCode.ABORTED, "ETAG_MISMATCH")


def denied(name: str, rpc: str, request: Json, who: str) -> Case:
    return Case(name, rpc, request, StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", who=who)


def plan(**changes: Any) -> Json:
    return {"code": "fresh", "name": "Fresh", **changes}


def renamed(**changes: Any) -> Json:
    return {"plan_id": "$plan", "name": "x", "update_mask": "name", **changes}


def version(**changes: Any) -> Json:
    return {"plan_id": "$plan", "currency_code": "EUR", "interval": MONTHLY, "items": [FEE], **changes}


def item(**changes: Any) -> Json:
    return version(items=[{**FEE, **changes}])


def flat(amount: str) -> Json:
    return item(price={"flat": {"amount": amount}})


def tiers(*found: Json) -> Json:
    return version(items=[{**METERED, "price": {"graduated": {"tiers": list(found)}}}])


def tier(up_to: str = "", price: str = "1") -> Json:
    return {"up_to": up_to, "unit_amount": price}


def migrated(**changes: Any) -> Json:
    return {"from_plan_version_ids": ["$version"], "to_plan_version_id": "$draft", **changes}


def buyer(**changes: Any) -> Json:
    return {"party": PARTY, "currency_code": "EUR", **changes}


def address(**changes: Any) -> Json:
    return buyer(party={**PARTY, "address": {**PARTY["address"], **changes}})


def order(**changes: Any) -> Json:
    return {"customer_id": "$customer", "plan_version_id": "$version", **changes}


def seats(code: str, quantity: str, count: int = 1) -> Json:
    return order(quantities=[{"code": code, "quantity": quantity}] * count)


def meter(**changes: Any) -> Json:
    return {"code": "fresh", "name": "Fresh", "aggregation": "METER_AGGREGATION_SUM", **changes}


def paid(minor: int, currency: str = "EUR", invoice_id: str = "$open") -> Json:
    amount = {"currency_code": currency, "amount_minor": str(minor)}
    return {"invoice_id": invoice_id, "reference": "bank", "amount": amount}


def exempt(end: str) -> Json:
    who = {"customer_id": "$customer", "country_code": "FR", "certificate_number": "C-1"}
    return {**who, "start_time": "2026-03-01T00:00:00Z", "end_time": end}


def registered(**changes: Any) -> Json:
    scheme = {"scheme": "REGISTRATION_SCHEME_DOMESTIC", "start_time": "2026-01-01T00:00:00Z"}
    return {"seller_id": "$seller", "country_code": "FR", **scheme, **changes}


def ended(what: str, end: str, owner: str = "", **changes: Any) -> Json:
    return {f"{what}_id": f"${owner}{what}", "end_time": end, **changes}


def seller(**changes: Any) -> Json:
    return {**SELLER, "number_prefix": "FRESH", **changes}


def seated(country: str) -> Json:
    return seller(party={**PARTY, "address": {"country_code": country}})


def footer(**changes: Any) -> Json:
    return {"seller_id": "$seller", "footer": "x", "update_mask": "footer", **changes}


def card(**changes: Any) -> Json:
    return {"customer_id": "$customer", "token": "tok_succeeds", **changes}


def relabelled(label: str) -> Json:
    return {"payment_method_id": "$method", "label": label, "update_mask": "label"}


def event(n: int) -> Json:
    return {"id": f"e{n}", "source": "e2e", "meter_code": "calls", "value": "1", "subscription_id": "$subscription"}
