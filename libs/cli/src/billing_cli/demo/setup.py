"""The opening of the demo, by REST: the clock, the seller, the plan, the customers and their subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass

from billing_cli.demo import cast
from billing_cli.demo.cast import CUSTOMERS, Customer
from billing_cli.demo.months import Calendar
from billing_cli.options import rfc3339
from billing_cli.rest import Json, RestClient

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Member:
    """A customer of the cast with its ids."""

    customer: Customer
    customer_id: str
    subscription_id: str


async def open_books(client: RestClient, calendar: Calendar, say: Say) -> list[Member]:
    """Sets everything up; `say` hears of each step. Raises RestError."""
    await client.post("/v1/test_clock", {"now": rfc3339(calendar.opening)})
    say(f"test clock at {calendar.opening:%d %b %Y}")
    await _seller(client, calendar, say)
    version_id = await _plan(client, say)
    return [await _sign_up(client, customer, version_id, calendar, say) for customer in CUSTOMERS]


async def _seller(client: RestClient, calendar: Calendar, say: Say) -> None:
    seller = (await client.post("/v1/sellers", cast.SELLER))["seller"]
    start = rfc3339(calendar.opening.replace(month=1, day=1))
    for registration in cast.REGISTRATIONS:
        body = {"seller_id": seller["seller_id"], "start_time": start, **registration}
        await client.post("/v1/tax/registrations", body)
    say(f"seller {cast.SELLER['party']['company']}, registered in DE and for the EU One Stop Shop")


async def _plan(client: RestClient, say: Say) -> str:
    """Id of the published version."""
    meter = {"code": cast.METER, "name": "API calls", "unit": "calls", "aggregation": "METER_AGGREGATION_SUM"}
    await client.post("/v1/meters", meter)
    plan = (await client.post("/v1/plans", {"code": cast.PLAN, "name": "Cloud API"}))["plan"]
    version = {
        "currency_code": cast.CURRENCY,
        "interval": {"unit": "INTERVAL_UNIT_MONTH", "count": 1},
        "items": list(cast.PLAN_ITEMS),
    }
    made = (await client.post(f"/v1/plans/{plan['plan_id']}/versions", version))["plan_version"]
    version_id = str(made["plan_version_id"])
    await client.post(f"/v1/plan_versions/{version_id}:publish", {})
    say("plan Cloud API: EUR 49.00 a month; calls: 10,000 free, 90,000 at 0.002, then 0.001")
    return version_id


async def _sign_up(client: RestClient, customer: Customer, version_id: str, calendar: Calendar, say: Say) -> Member:
    made: Json = await client.post("/v1/customers", customer_body(customer))
    customer_id = str(made["customer"]["customer_id"])
    await client.post("/v1/payment_methods", {"customer_id": customer_id, "token": customer.card})
    order = {
        "customer_id": customer_id,
        "plan_version_id": version_id,
        "external_id": f"{customer.external_id}-cloud",
        "start_time": rfc3339(calendar.boundary(0, customer.zone)),
    }
    started: Json = await client.post("/v1/subscriptions", order)
    say(f"{customer.external_id}: {customer.role}")
    return Member(customer, customer_id, str(started["subscription"]["subscription_id"]))


def customer_body(customer: Customer) -> Json:
    """What POST /v1/customers takes."""
    return {
        "external_id": customer.external_id,
        "party": customer.party,
        "tax_ids": list(customer.tax_ids),
        "currency_code": cast.CURRENCY,
        "time_zone": customer.zone,
        "collection_method": "COLLECTION_METHOD_CHARGE",
        "net_terms_days": 14,
    }
