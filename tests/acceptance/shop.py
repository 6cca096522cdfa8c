"""Plans, customers and subscriptions that the cases need, made by REST."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.acceptance.api import Api
from tests.acceptance.prices import Json

PARTY: Json = {
    "name": "Ada Král",
    "email": "ada@example.com",
    "address": {"line1": "Hlavní 1", "city": "Berlin", "postal_code": "10115", "country_code": "DE"},
}


def code(word: str) -> str:
    return f"{word}-{uuid4().hex[:10]}"


def midnight(day: str) -> str:
    return f"{day}T00:00:00Z"


def instant(text: str) -> str:
    """A day's UTC midnight, or the time that it names: "2024-03-16T04:00"."""
    if "T" not in text:
        return midnight(text)
    return f"{text}{':00' if text.count(':') == 1 else ''}Z"


def interval(every: tuple[str, int]) -> Json:
    unit, count = every
    return {"unit": f"INTERVAL_UNIT_{unit}", "count": count}


def item(word: str, price: Json, *, kind: str = "FLAT", timing: str = "ADVANCE", **more: Any) -> Json:
    return {
        "code": word,
        "name": word.title(),
        "kind": f"PLAN_ITEM_KIND_{kind}",
        "timing": f"CHARGE_TIMING_{timing}",
        "price": price,
        "tax_category": "digital_service",
        "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
        **more,
    }


async def plan(
    api: Api, items: list[Json], *, every: tuple[str, int] = ("MONTH", 1), currency: str = "EUR", **terms: Any
) -> Json:
    """A published version of a new plan."""
    made = (await api.post("/v1/plans", code=code("plan"), name="Plan"))["plan"]
    path = f"/v1/plans/{made['plan_id']}/versions"
    body = {"currency_code": currency, "interval": interval(every), "items": items, "terms": terms}
    draft = (await api.post(path, **body))["plan_version"]
    found: Json = (await api.post(f"/v1/plan_versions/{draft['plan_version_id']}:publish"))["plan_version"]
    return found


async def customer(api: Api, *, currency: str = "EUR", zone: str = "UTC", **more: Any) -> Json:
    body = {
        "party": PARTY,
        "currency_code": currency,
        "time_zone": zone,
        "collection_method": "COLLECTION_METHOD_SEND",
        "net_terms_days": 14,
        **more,
    }
    found: Json = (await api.post("/v1/customers", **body))["customer"]
    return found


async def subscribe(api: Api, version: Json, start: str, *, zone: str = "UTC", **more: Any) -> Json:
    """A subscription of a new customer, from an instant on."""
    buyer = await customer(api, currency=version["currency_code"], zone=zone)
    body = {"customer_id": buyer["customer_id"], "plan_version_id": version["plan_version_id"], **more}
    found: Json = (await api.post("/v1/subscriptions", start_time=instant(start), **body))["subscription"]
    return found
