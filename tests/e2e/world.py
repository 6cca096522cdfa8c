"""Two tenants that have been through a whole month: what the tables of bad input aim at, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tests.e2e import spine
from tests.e2e.contract import Json
from tests.e2e.mesh import Mesh
from tests.e2e.ways import Caller, Way

OTHER = "other."


@dataclass(frozen=True, slots=True)
class World:
    """`ids` by word: "customer" is ours, "other.customer" the neighbour's. `tokens` by who is calling."""

    tenant: UUID
    neighbour: UUID
    ids: Mapping[str, str]
    tokens: Mapping[str, str]

    def fill(self, value: Any) -> Any:
        """The same request with "$word" replaced by the id of that name."""
        if isinstance(value, dict):
            return {name: self.fill(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, str) and value.startswith("$"):
            return self.ids[value[1:]]
        return value


async def build(mesh: Mesh, way: Way) -> World:
    tenant, neighbour = uuid4(), uuid4()
    calls = [Caller(way, mesh.token(each)) for each in (tenant, neighbour)]
    ours, theirs = await asyncio.gather(*(_live(call) for call in calls))
    ids = {**ours, **{f"{OTHER}{word}": each for word, each in theirs.items()}}
    tokens = {
        "admin": calls[0].token,
        "neighbour": calls[1].token,
        "viewer": mesh.token(tenant, "billing_viewer"),
        "customer": mesh.token(tenant, "customer", ours["customer"]),
    }
    return World(tenant, neighbour, ids, tokens)


async def _live(call: Caller) -> dict[str, str]:
    """One tenant: a customer who pays by card, one who is sent invoices, a draft version, a month that is billed."""
    sold = await spine.sign_up(call)
    ids = dict(sold.ids)
    ids |= await _more(call, ids, spine.rfc3339(sold.start))
    await spine.use(call, sold)
    ids["run"] = (await spine.bill(call))["run_id"]
    ids["invoice"] = (await spine.paid_invoices(call, sold, 2))[0]["invoice_id"]
    sent = (await call("ListInvoices", customer_id=ids["sender"], state="INVOICE_STATE_OPEN"))["invoices"]
    ids["open"] = sent[0]["invoice_id"]
    ids["payment"] = (await call("ListPayments", invoice_id=ids["invoice"]))["payments"][0]["payment_id"]
    return ids


async def _more(call: Caller, ids: Mapping[str, str], start: str) -> dict[str, str]:
    buyer: Json = {"party": spine.PARTY, "currency_code": "EUR", "collection_method": "COLLECTION_METHOD_SEND"}
    sender = (await call("CreateCustomer", **buyer))["customer"]["customer_id"]
    order = {"plan_version_id": ids["version"], "start_time": start}
    sold = (await call("CreateSubscription", customer_id=sender, **order))["subscription"]["subscription_id"]
    version = {"plan_id": ids["plan"], "currency_code": "EUR", "interval": spine.MONTHLY, "items": [spine.FEE]}
    draft = (await call("CreatePlanVersion", **version))["plan_version"]["plan_version_id"]
    since = {"country_code": "DE", "certificate_number": "X-1", "start_time": start}
    exempt = (await call("CreateExemption", customer_id=sender, **since))["exemption"]["exemption_id"]
    return {"sender": sender, "sent": sold, "draft": draft, "exemption": exempt, **await _shelf(call)}


async def _shelf(call: Caller) -> dict[str, str]:
    """A product, a feature, an add-on and a coupon."""
    content = {name: value for name, value in spine.FEE.items() if name != "code"} | {"currency_code": "EUR"}
    terms = {"name": "Spring", "percent": "10", "duration": "COUPON_DURATION_ONCE"}
    return {
        "product": (await call("CreateProduct", code="suite", name="Suite"))["product"]["product_id"],
        "feature": (await call("CreateFeature", code="sso", name="Single sign-on"))["feature"]["feature_id"],
        "add_on": (await call("CreateAddOn", code="support", content=content))["add_on"]["add_on_id"],
        "coupon": (await call("CreateCoupon", code="spring", terms=terms))["coupon"]["coupon_id"],
    }
