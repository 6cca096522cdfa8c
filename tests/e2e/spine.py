"""The main flow, told once for all ways in: from a seller to a paid invoice. Times are real; two months lie behind."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.e2e.contract import Json
from tests.e2e.ways import Caller

WAIT_S = 45.0
POLL_S = 0.15
CALLS = "10500"
PARTY: Json = {
    "name": "Ada Král",
    "email": "ada@example.com",
    "address": {"line1": "Hlavní 1", "city": "Berlin", "postal_code": "10115", "country_code": "DE"},
}
SELLER: Json = {
    "party": {**PARTY, "name": "Jette Petersen", "company": "Nordlicht Software GmbH"},
    "tax_ids": [{"type": "TAX_ID_TYPE_EU_VAT", "value": "DE136695976"}],
    "time_zone": "UTC",
    "number_prefix": "NL",
}
FEE: Json = {
    "code": "fee",
    "name": "Monthly fee",
    "kind": "PLAN_ITEM_KIND_FLAT",
    "timing": "CHARGE_TIMING_ADVANCE",
    "price": {"flat": {"amount": "49.00"}},
    "tax_category": "digital_service",
    "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
}
TIERS = [{"up_to": "10000", "unit_amount": "0"}, {"unit_amount": "0.002"}]
METERED: Json = {
    **FEE,
    "code": "calls",
    "name": "API calls",
    "kind": "PLAN_ITEM_KIND_METERED",
    "timing": "CHARGE_TIMING_ARREARS",
    "price": {"graduated": {"tiers": TIERS}},
    "meter_code": "calls",
}
MONTHLY: Json = {"unit": "INTERVAL_UNIT_MONTH", "count": 1}


@dataclass(frozen=True, slots=True)
class Sold:
    """Ids of what one tenant has after its sign-ups, by the word that tests use."""

    ids: dict[str, str]
    start: datetime


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def month_before(now: datetime) -> datetime:
    """The first instant of the month before the one of `now`, UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=1)


async def sign_up(call: Caller, *, currency: str = "EUR") -> Sold:
    """Seller, registration, meter, published plan, customer with a card, subscription since last month's first."""
    start = month_before(datetime.now(UTC))
    seller = (await call("CreateSeller", **SELLER))["seller"]
    since = rfc3339(start - timedelta(days=30))
    scheme = {"country_code": "DE", "scheme": "REGISTRATION_SCHEME_DOMESTIC", "tax_number": "DE136695976"}
    registered = await call("CreateRegistration", seller_id=seller["seller_id"], start_time=since, **scheme)
    aggregation = "METER_AGGREGATION_SUM"
    meter = (await call("CreateMeter", code="calls", name="API calls", unit="calls", aggregation=aggregation))["meter"]
    plan = (await call("CreatePlan", code="cloud", name="Cloud API"))["plan"]
    items = [FEE, METERED]
    made = {"plan_id": plan["plan_id"], "currency_code": currency, "interval": MONTHLY, "items": items}
    version = (await call("CreatePlanVersion", **made))["plan_version"]
    await call("PublishPlanVersion", plan_version_id=version["plan_version_id"])
    buyer = {"party": PARTY, "currency_code": currency, "time_zone": "UTC", "external_id": "ada"}
    customer = (await call("CreateCustomer", **buyer))["customer"]
    card = {"customer_id": customer["customer_id"], "token": "tok_succeeds"}
    method = (await call("CreatePaymentMethod", **card))["payment_method"]
    order = {"plan_version_id": version["plan_version_id"], "start_time": rfc3339(start)}
    sold = await call("CreateSubscription", customer_id=customer["customer_id"], **order)
    ids = {
        "seller": seller["seller_id"],
        "registration": registered["registration"]["registration_id"],
        "meter": meter["meter_id"],
        "plan": plan["plan_id"],
        "version": version["plan_version_id"],
        "customer": customer["customer_id"],
        "method": method["payment_method_id"],
        "subscription": sold["subscription"]["subscription_id"],
    }
    return Sold(ids, start)


async def use(call: Caller, sold: Sold) -> Json:
    """10,500 calls in the first month, sent twice: the second time they are duplicates."""
    event = {
        "id": f"event-{uuid4().hex}",
        "source": "e2e",
        "meter_code": "calls",
        "subscription_id": sold.ids["subscription"],
        "time": rfc3339(sold.start + timedelta(days=3)),
        "value": CALLS,
    }
    await known(call, sold)
    first = await call("IngestEvents", events=[event])
    second = await call("IngestEvents", events=[event])
    return {"first": first, "second": second}


async def known(call: Caller, sold: Sold) -> None:
    """Waits until the usage service has heard of the subscription."""

    async def heard() -> Any:
        try:
            return (await call("GetUsage", subscription_id=sold.ids["subscription"])).get("items")
        except Exception:
            return None

    await until(heard)


async def bill(call: Caller) -> Json:
    """One billing run as of now, waited for."""
    run = (await call("RunBilling", as_of=rfc3339(datetime.now(UTC))))["run"]

    async def complete() -> Any:
        found = (await call("GetBillingRun", run_id=run["run_id"]))["run"]
        return found if found["state"] == "BILLING_RUN_STATE_COMPLETE" else None

    done: Json = await until(complete)
    return done


async def paid_invoices(call: Caller, sold: Sold, count: int) -> list[Json]:
    """The invoices of the subscription, once `count` of them are paid, in the order of their numbers."""

    async def paid() -> Any:
        wanted = {"subscription_id": sold.ids["subscription"], "state": "INVOICE_STATE_PAID"}
        found = (await call("ListInvoices", **wanted)).get("invoices", [])
        return found if len(found) >= count else None

    listed = await until(paid)
    whole = [(await call("GetInvoice", invoice_id=each["invoice_id"]))["invoice"] for each in listed]
    return sorted(whole, key=lambda each: str(each["number"]))


async def pdf(call: Caller, invoice_id: str) -> bytes:
    """The PDF: the body over REST, a google.api.HttpBody over gRPC."""
    answer = await call.whole("GetInvoicePdf", invoice_id=invoice_id)
    return base64.b64decode(answer.body["data"]) if answer.body else answer.raw


async def until(look: Callable[[], Awaitable[Any]], wait_s: float = WAIT_S) -> Any:
    """What `look` finds, as soon as it is something. Raises TimeoutError."""
    deadline = time.monotonic() + wait_s
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came within {wait_s:.0f} s")
        await asyncio.sleep(POLL_S)
    return found
