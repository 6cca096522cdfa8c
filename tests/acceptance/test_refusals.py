"""Each refusal is a 4xx that gives its reason and names the field, and nothing is half done."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance import refusal_cases, refusal_life_cases, shop
from tests.acceptance.api import Api
from tests.acceptance.prices import Json, flat, per_unit
from tests.acceptance.refusals import RefusalCase, Shelf, ahead, seats

CASES = refusal_cases.CASES + refusal_life_cases.CASES
assert len({case.id for case in CASES}) == len(CASES)
FOREVER = "COUPON_DURATION_FOREVER"
SEATS = shop.item("seats", per_unit("10"), kind="SEAT", min_quantity="2", max_quantity="50")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelf(api: Api) -> Shelf:
    """Seats that wait for a change in ten days, in a subscription that ends in twenty."""
    sold = await shop.plan(api, [SEATS, shop.item("fee", flat("5"))], every=("MONTH", 6))
    archived = await shop.plan(api, [shop.item("fee", flat("50"))])
    await api.post(f"/v1/plan_versions/{archived['plan_version_id']}:archive")
    draft = await api.post(f"/v1/plans/{sold['plan_id']}/versions", **_draft())
    coupons = await _coupons(api)
    buyer = await shop.customer(api)
    subscription = await shop.subscribe(api, sold, ahead(0)[:10], coupon_codes=[coupons["redeemed"]], **seats("3"))
    found = Shelf(
        customer_id=buyer["customer_id"],
        plan_id=sold["plan_id"],
        sold=sold["plan_version_id"],
        dollars=(await shop.plan(api, [shop.item("fee", flat("5"))], currency="USD"))["plan_version_id"],
        draft=draft["plan_version"]["plan_version_id"],
        archived=archived["plan_version_id"],
        coupons=coupons,
        subscription_id=subscription["subscription_id"],
    )
    waits = {"change": seats("9"), "when": "CHANGE_WHEN_ON_DATE", "effective_time": ahead(10)}
    await api.call("POST", f"{found.path}:change", waits)
    await api.post(f"{found.path}:cancel", cancel_at="CANCEL_AT_ON_DATE", effective_time=ahead(20))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_refusal(api: Api, shelf: Shelf, case: RefusalCase) -> None:
    before = await _state(api, shelf)
    answer = await api.send(case.method, case.path(shelf), case.body(shelf))
    details = {each["@type"].rpartition(".")[2]: each for each in answer.json().get("details", [])}
    assert (answer.status_code, details["ErrorInfo"]["reason"]) == (case.status, case.reason), answer.text
    fields = [each["field"] for each in details.get("BadRequest", {}).get("field_violations", [])]
    assert case.field in fields or not case.field, fields
    assert await _state(api, shelf) == before, "nothing is half done"


async def _state(api: Api, shelf: Shelf) -> list[Any]:
    """All that a refused call could have touched."""
    return [
        (await api.get(shelf.path))["subscription"],
        (await api.get(f"{shelf.path}/changes"))["changes"],
        (await api.get(f"/v1/subscriptions?customer_id={shelf.customer_id}")).get("subscriptions", []),
        (await api.get(f"/v1/plans/{shelf.plan_id}/versions")).get("plan_versions", []),
        [each["redemptions"] for each in (await api.get("/v1/coupons"))["coupons"]],
    ]


async def _coupons(api: Api) -> dict[str, str]:
    wanted: dict[str, Json] = {
        "expired": {"percent": "10", "redeem_by_time": "2020-01-01T00:00:00Z"},
        "exhausted": {"percent": "10", "max_redemptions": 1},
        "dollars": {"amounts": [{"currency_code": "USD", "amount_minor": 500}]},
        "another-plan": {"percent": "10", "plan_codes": []},
        "another-item": {"percent": "10", "item_codes": ["another"]},
        "redeemed": {"percent": "10"},
    }
    other = await api.post("/v1/plans", code=shop.code("another"), name="Another")
    draft = {**_draft(), "items": [shop.item("another", flat("5"))]}
    await api.post(f"/v1/plans/{other['plan']['plan_id']}/versions", **draft)
    wanted["another-plan"]["plan_codes"] = [other["plan"]["code"]]
    found = {}
    for name, terms in wanted.items():
        found[name] = shop.code(name)
        await api.post("/v1/coupons", code=found[name], terms={"name": name, "duration": FOREVER, **terms})
    last = await shop.plan(api, [shop.item("fee", flat("5"))])
    await shop.subscribe(api, last, ahead(0)[:10], coupon_codes=[found["exhausted"]])
    return found


def _draft() -> Json:
    return {"currency_code": "EUR", "interval": shop.interval(("MONTH", 1)), "items": [shop.item("fee", flat("5"))]}
