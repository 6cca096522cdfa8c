"""Items, add-ons and prices of one subscription alone: what one more, one less or another price makes."""

from __future__ import annotations

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.change_cases import DAYS, INCLUSIVE, NONE, SECONDS
from tests.acceptance.ladder_cases import POLAR_INCLUDED
from tests.acceptance.prices import Json, flat, per_unit
from tests.acceptance.refusals import seats

NOW = "CHANGE_WHEN_NOW"
FEE, SEATS = shop.item("fee", flat("40")), shop.item("seats", per_unit("10"), kind="SEAT")


async def asked(api: Api, items: list[Json], change: Json, basis: str, at: str = "2024-03-15") -> list[int]:
    """The amounts of a change to three seats of the items, sold from 1 March 2024."""
    version = await shop.plan(api, items)
    more = seats("3") if SEATS in items else {}
    sold = await shop.subscribe(api, version, "2024-03-01", **more)
    order = {"change": change, "when": NOW, "proration": {"basis": basis}, "at_time": shop.instant(at)}
    answer = await api.call("POST", f"/v1/subscriptions/{sold['subscription_id']}:preview_change", order)
    return [minor(each["amount"]) for each in answer.get("charges", [])]


@pytest.mark.parametrize(("basis", "made"), [(INCLUSIVE, [-2194]), (DAYS, [-2194]), (SECONDS, [-2194]), (NONE, [])])
async def test_an_item_removed(api: Api, basis: str, made: list[int]) -> None:
    assert await asked(api, [FEE, SEATS], {"remove_codes": ["fee"]}, basis) == made


@pytest.mark.parametrize(("basis", "made"), [(INCLUSIVE, [1371]), (DAYS, [1371]), (SECONDS, [1371]), (NONE, [])])
async def test_an_add_on_added(api: Api, basis: str, made: list[int]) -> None:
    code = shop.code("support")
    content = {key: value for key, value in shop.item(code, flat("25")).items() if key != "code"}
    await api.post("/v1/add_ons", code=code, content={**content, "currency_code": "EUR"})
    assert await asked(api, [FEE], {"add_ons": [{"add_on_code": code}]}, basis) == made


async def test_an_add_on_that_is_charged_once_is_not_prorated(api: Api) -> None:
    code = shop.code("setup")
    content = {key: value for key, value in shop.item(code, flat("25")).items() if key != "code"}
    await api.post(
        "/v1/add_ons", code=code, content={**content, "currency_code": "EUR", "recurrence": "ADD_ON_RECURRENCE_ONCE"}
    )
    assert await asked(api, [FEE], {"add_ons": [{"add_on_code": code}]}, DAYS) == [2500]


async def test_a_price_for_one_subscription_alone(api: Api) -> None:
    cheaper = {"price_overrides": [{"code": "fee", "price": flat("20")}]}
    assert await asked(api, [FEE, SEATS], cheaper, DAYS) == [-2194, 1097]


async def test_seats_of_graduated_tiers(api: Api) -> None:
    """Polar: a hundred seats become 143, the fee stays as it is."""
    version = await shop.plan(api, [FEE, shop.item("seats", POLAR_INCLUDED, kind="SEAT")])
    sold = await shop.subscribe(api, version, "2024-01-01", **seats("100"))
    order = {"change": seats("143"), "at_time": shop.instant("2024-01-16")}
    answer = await api.call("POST", f"/v1/subscriptions/{sold['subscription_id']}:preview_change", order)
    assert [minor(each["amount"]) for each in answer["charges"]] == [-51613, 90452]


@pytest.mark.parametrize(("number", "made"), [("3", [-2194, 10968, 384]), ("6", [-2194, 10968, -1645, 3290, 384])])
async def test_another_plan_with_other_seats_and_one_more_item(api: Api, number: str, made: list[int]) -> None:
    dear = await shop.plan(api, [shop.item("fee", flat("200")), SEATS, shop.item("extra", flat("7"))])
    change = {"plan_version_id": dear["plan_version_id"], **seats(number)}
    assert await asked(api, [FEE, SEATS], change, DAYS) == made


async def test_seats_under_a_maximum(api: Api) -> None:
    capped = shop.item("seats", per_unit("10", maximum_amount="60"), kind="SEAT")
    version = await shop.plan(api, [capped], every=("DAY", 30))
    sold = await shop.subscribe(api, version, "2024-03-01", **seats("5"))
    order = {"change": seats("10"), "at_time": shop.instant("2024-03-16"), "proration": {"basis": DAYS}}
    answer = await api.call("POST", f"/v1/subscriptions/{sold['subscription_id']}:preview_change", order)
    assert [minor(each["amount"]) for each in answer["charges"]] == [-2500, 3000]
