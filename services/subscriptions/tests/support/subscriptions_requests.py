"""Builders of requests, and the steps that most stories begin with."""

from typing import Any

from billing.common.v1 import clock_service_pb2, party_pb2, period_pb2, price_model_pb2, tax_facts_pb2
from billing.subscriptions.v1 import (
    customers_service_pb2,
    plan_pb2,
    plans_service_pb2,
    subscription_pb2,
    subscriptions_service_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp

PARTY = party_pb2.Party(
    name="Ada Lovelace",
    company="Analytical Engines",
    email="ada@engines.example",
    address=party_pb2.Address(line1="Hauptstr. 1", city="Berlin", postal_code="10115", country_code="DE"),
)
MONTH = period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1)


def stamp(text: str) -> Timestamp:
    """stamp("2026-01-31") or a full RFC 3339 instant"""
    made = Timestamp()
    made.FromJsonString(text if "T" in text else f"{text}T00:00:00Z")
    return made


def create_customer(**changes: Any) -> customers_service_pb2.CreateCustomerRequest:
    return customers_service_pb2.CreateCustomerRequest(**({"party": PARTY, "currency_code": "EUR"} | changes))


def item(code: str, kind: str, price: dict[str, Any], timing: str = "ADVANCE", **changes: Any) -> plan_pb2.PlanItem:
    return plan_pb2.PlanItem(
        code=code,
        name=code.title(),
        kind=f"PLAN_ITEM_KIND_{kind}",
        timing=f"CHARGE_TIMING_{timing}",
        price=price_model_pb2.PriceModel(**price),
        tax_category="digital_service",
        tax_behavior=tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
        **changes,
    )


BASE = item("base", "FLAT", {"flat": {"amount": "49.00"}})
SEATS = item("seats", "SEAT", {"per_unit": {"unit_amount": "10"}})
CALLS = item(
    "calls",
    "METERED",
    {"graduated": {"tiers": [{"up_to": "10000", "unit_amount": "0"}, {"unit_amount": "0.002"}]}},
    "ARREARS",
    meter_code="api_calls",
)


def create_version(plan_id: str, *items: plan_pb2.PlanItem, **changes: Any) -> Any:
    fields = {"plan_id": plan_id, "currency_code": "EUR", "interval": MONTH, "items": items or (BASE, SEATS, CALLS)}
    return plans_service_pb2.CreatePlanVersionRequest(**(fields | changes))


def subscribe(customer_id: str, version_id: str, start: str | None = None, **changes: Any) -> Any:
    fields = {"customer_id": customer_id, "plan_version_id": version_id}
    if start:
        changes["start_time"] = stamp(start)
    return subscriptions_service_pb2.CreateSubscriptionRequest(**(fields | changes))


def quantity(code: str, text: str) -> subscription_pb2.ItemQuantity:
    return subscription_pb2.ItemQuantity(code=code, quantity=text)


async def make_customer(client: Any, **changes: Any) -> Any:
    return (await client.customers("CreateCustomer", create_customer(**changes))).customer


async def make_version(client: Any, *items: plan_pb2.PlanItem, code: str = "pro", **changes: Any) -> Any:
    """A published version of a new plan."""
    plan = (await client.plans("CreatePlan", plans_service_pb2.CreatePlanRequest(code=code, name="Pro"))).plan
    draft = (await client.plans("CreatePlanVersion", create_version(plan.plan_id, *items, **changes))).plan_version
    request = plans_service_pb2.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    return (await client.plans("PublishPlanVersion", request)).plan_version


async def set_clock(peer: Any, to: str) -> None:
    """Makes or moves the test clock of the tenant."""
    await peer.clock("SetClock", clock_service_pb2.SetClockRequest(now=stamp(to), create=True))
