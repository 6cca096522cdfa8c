"""What several callers do at once: the last coupon, one subscription, one idempotency key, the billing run."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.billing import invoices_of, run
from tests.acceptance.change_cases import DAYS
from tests.acceptance.prices import Json, flat, per_unit
from tests.acceptance.refusals import ahead, seats

CALLERS = 10


async def together(api: Api, path: str, bodies: list[Json]) -> list[Any]:
    return list(await asyncio.gather(*(api.send("POST", path, body) for body in bodies)))


async def coupon(api: Api, **terms: Any) -> tuple[str, str]:
    """Its code and its id."""
    code = shop.code("coupon")
    body = {"name": "Ten off", "percent": "10", "duration": "COUPON_DURATION_ONCE", **terms}
    return code, (await api.post("/v1/coupons", code=code, terms=body))["coupon"]["coupon_id"]


@pytest.mark.parametrize("left", [1, 3])
async def test_the_last_coupons_are_redeemed_once(api: Api, left: int) -> None:
    code, coupon_id = await coupon(api, max_redemptions=left)
    version = await shop.plan(api, [shop.item("fee", flat("10"))])
    sold = [await shop.subscribe(api, version, ahead(0)[:10]) for _ in range(CALLERS)]
    calls = (
        api.send("POST", f"/v1/subscriptions/{each['subscription_id']}:redeem_coupon", {"coupon_code": code})
        for each in sold
    )
    answers = await asyncio.gather(*calls)
    assert Counter(each.status_code for each in answers) == {200: left, 400: CALLERS - left}
    assert all("COUPON_EXHAUSTED" in each.text for each in answers if each.status_code == 400)
    listed = (await api.get(f"/v1/coupons/{coupon_id}/redemptions"))["redemptions"]
    assert (await api.get(f"/v1/coupons/{coupon_id}"))["coupon"]["redemptions"] == len(listed) == left
    stored = [await api.get(f"/v1/subscriptions/{each['subscription_id']}") for each in sold]
    assert sum(len(each["subscription"].get("coupons", [])) for each in stored) == left


@pytest.mark.parametrize("limit", ["max_redemptions", "max_redemptions_per_customer"])
async def test_starts_that_name_the_last_coupon(api: Api, limit: str) -> None:
    code, _ = await coupon(api, **{limit: 1})
    version = await shop.plan(api, [shop.item("fee", flat("10"))])
    buyer = (await shop.customer(api))["customer_id"]
    body = {"customer_id": buyer, "plan_version_id": version["plan_version_id"], "coupon_codes": [code]}
    answers = await together(api, "/v1/subscriptions", [body] * CALLERS)
    assert Counter(each.status_code for each in answers) == {200: 1, 400: CALLERS - 1}
    assert len((await api.get(f"/v1/subscriptions?customer_id={buyer}"))["subscriptions"]) == 1


async def test_changes_at_once_go_one_after_the_other(api: Api) -> None:
    version = await shop.plan(api, [shop.item("seats", per_unit("10"), kind="SEAT")])
    sold = await shop.subscribe(api, version, ahead(0)[:10], **seats("1"))
    path = f"/v1/subscriptions/{sold['subscription_id']}"
    order = {"when": "CHANGE_WHEN_NOW", "proration": {"basis": DAYS}}
    wanted = [{"change": seats(str(number)), **order} for number in range(2, 2 + CALLERS)]
    answers = await together(api, f"{path}:change", wanted)
    assert {each.status_code for each in answers} == {200}
    stored = (await api.get(path))["subscription"]
    quantity = int(stored["items"][0]["quantity"])
    made = [minor(each["amount"]) for answer in answers for each in answer.json().get("charges", [])]
    whole = (await api.get(f"{path}/changes"))["changes"]
    assert [each["kind"] for each in whole] == ["CREATED", "STARTED"] + ["QUANTITY_CHANGED"] * CALLERS
    assert sum(made) == 1000 * (quantity - 1)


async def test_of_changes_that_read_the_same_etag_one_is_made(api: Api) -> None:
    version = await shop.plan(api, [shop.item("seats", per_unit("10"), kind="SEAT")])
    sold = await shop.subscribe(api, version, ahead(0)[:10], **seats("1"))
    path = f"/v1/subscriptions/{sold['subscription_id']}"
    await api.post(f"{path}:change", change=seats("2"))
    etag = (await api.get(path))["subscription"]["etag"]
    wanted = [{"change": seats(str(number)), "etag": etag} for number in range(3, 3 + CALLERS)]
    answers = await together(api, f"{path}:change", wanted)
    assert Counter(each.status_code for each in answers) == {200: 1, 409: CALLERS - 1}
    assert all("ETAG_MISMATCH" in each.text for each in answers if each.status_code == 409)


async def test_one_idempotency_key_changes_once(api: Api) -> None:
    version = await shop.plan(api, [shop.item("seats", per_unit("10"), kind="SEAT")])
    sold = await shop.subscribe(api, version, ahead(0)[:10], **seats("1"))
    path = f"/v1/subscriptions/{sold['subscription_id']}"
    headers = {"authorization": f"Bearer {api.token}", "idempotency-key": str(uuid4())}

    async def call(quantity: str) -> Any:
        return await api.http.post(f"{path}:change", json={"change": seats(quantity)}, headers=headers)

    answers = [*await asyncio.gather(*(call("5") for _ in range(CALLERS))), await call("5")]
    assert {each.status_code for each in answers} <= {200, 409}
    assert all("IDEMPOTENCY_KEY_IN_FLIGHT" in each.text for each in answers if each.status_code == 409)
    assert len({each.text for each in answers if each.status_code == 200}) == 1
    assert (await call("6")).status_code == 409
    kinds = [each["kind"] for each in (await api.get(f"{path}/changes"))["changes"]]
    assert kinds.count("QUANTITY_CHANGED") == 1


async def test_changes_race_the_billing_run(seller: Api) -> None:
    """Three weeks at 10.00, and an upgrade to 30.00 with one day of seven left: in whatever order, once."""
    week = ("DAY", 7)
    small, large = [await shop.plan(seller, [shop.item("fee", flat(each))], every=week) for each in ("10", "30")]
    begun = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    sold = [await shop.subscribe(seller, small, begun) for _ in range(CALLERS)]
    order = {
        "change": {"plan_version_id": large["plan_version_id"]},
        "proration": {"basis": DAYS},
        "settlement": "SETTLEMENT_AT_ONCE",
    }
    calls = (seller.send("POST", f"/v1/subscriptions/{each['subscription_id']}:change", order) for each in sold)
    runs = asyncio.gather(run(seller), run(seller))
    answers = await asyncio.gather(*calls)
    await runs
    assert {each.status_code for each in answers} == {200}
    await run(seller)
    for each, answer in zip(sold, answers, strict=True):
        charges = [minor(line["amount"]) for line in answer.json()["charges"]]
        billed = await invoices_of(seller, each["customer_id"], 4)
        lines = [int(line["amount_minor"]) for invoice in billed for line in invoice["lines"]]
        assert sorted(lines) == sorted([1000, 1000, 1000, *charges])
        kinds = [
            one["kind"] for one in (await seller.get(f"/v1/subscriptions/{each['subscription_id']}/changes"))["changes"]
        ]
        assert kinds == ["CREATED", "STARTED", "RENEWED", "RENEWED", "UPGRADE"]
