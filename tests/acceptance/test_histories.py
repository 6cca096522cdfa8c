"""Odd lives: changes on boundaries, pauses across periods, ends and changes in every order, large and small plans."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.change_cases import DAYS, INCLUSIVE, MONTH, NONE, SECONDS, YEAR
from tests.acceptance.period_cases import CALENDAR
from tests.acceptance.prices import Json, flat, per_unit
from tests.acceptance.refusals import ahead, seats

BY_DAYS: Json = {"proration": {"basis": DAYS}}
NOW = "CHANGE_WHEN_NOW"


async def fee(api: Api, price: str, every: tuple[str, int] = MONTH, **more: Any) -> str:
    version = await shop.plan(api, [shop.item("fee", flat(price))], every=every, **more)
    return str(version["plan_version_id"])


async def sold(api: Api, version_id: str, start: str, **more: Any) -> str:
    """The path of a subscription."""
    buyer = await shop.customer(api)
    body = {"customer_id": buyer["customer_id"], "plan_version_id": version_id, "start_time": shop.instant(start)}
    made = await api.post("/v1/subscriptions", **body, **more)
    return f"/v1/subscriptions/{made['subscription']['subscription_id']}"


def to(version_id: str, **more: Any) -> Json:
    return {"change": {"plan_version_id": version_id}, **more}


def amounts(answer: Json) -> list[int]:
    return [minor(each["amount"]) for each in answer.get("charges", [])]


def reason(answer: Any) -> str:
    return str(answer.json()["details"][0]["reason"])


@pytest.mark.parametrize("at", ["2025-06-01", "2025-07-01"])
@pytest.mark.parametrize(
    ("basis", "made"), [(SECONDS, [-1000, 3000]), (DAYS, [-1000, 3000]), (INCLUSIVE, [-1000, 3000]), (NONE, [])]
)
async def test_a_change_at_the_very_instant_of_a_boundary(api: Api, at: str, basis: str, made: list[int]) -> None:
    path, dear = await sold(api, await fee(api, "10"), "2025-06-01"), await fee(api, "30")
    order = to(dear, when=NOW, proration={"basis": basis}, at_time=shop.instant(at))
    assert amounts(await api.call("POST", f"{path}:preview_change", order)) == made


async def test_a_change_on_the_date_of_a_boundary_makes_the_regular_charge_alone(api: Api) -> None:
    path, dear = await sold(api, await fee(api, "10"), "2025-06-01"), await fee(api, "30")
    on = {"when": "CHANGE_WHEN_ON_DATE", "effective_time": shop.instant("2025-07-01")}
    answer = await api.call("POST", f"{path}:preview_change", to(dear, at_time=shop.instant("2025-06-15"), **on))
    assert amounts(answer) == [3000]


@pytest.mark.parametrize(("billing", "held"), [("VOID", []), ("BILL", []), ("HOLD", [1000, 1000])])
async def test_a_pause_across_two_ends_and_its_end(api: Api, billing: str, held: list[int]) -> None:
    """Days at 10.00 from midnight on, paused with the second for two days and a half."""
    path, dear = await sold(api, await fee(api, "10", ("DAY", 1)), ahead(0)[:10]), await fee(api, "30", ("DAY", 1))
    times = {"effective_time": ahead(1), "resume_time": ahead(3).replace("T00", "T12")}
    await api.post(f"{path}:pause", billing=f"PAUSE_BILLING_{billing}", when="CHANGE_WHEN_ON_DATE", **times)
    end = {"cancel_at": "CANCEL_AT_ON_DATE", "effective_time": ahead(6)}
    inside = await api.call("POST", f"{path}:preview_cancelation", {**end, "at_time": ahead(2)})
    assert inside["subscription"]["state"] == "SUBSCRIPTION_STATE_PAUSED"
    assert [minor(each["amount"]) for each in inside["subscription"]["pending_charges"]] == held
    behind = await api.call("POST", f"{path}:preview_change", to(dear, when=NOW, at_time=ahead(4), **BY_DAYS))
    assert behind["subscription"]["state"] == "SUBSCRIPTION_STATE_ACTIVE"
    assert amounts(behind) == [-1000, 3000]


async def test_a_pause_and_a_resume_at_once_cost_nothing(api: Api) -> None:
    path = await sold(api, await fee(api, "10", ("DAY", 30), proration={"basis": DAYS}), ahead(-10)[:10])
    paused = await api.post(f"{path}:pause", billing="PAUSE_BILLING_VOID")
    resumed = await api.post(f"{path}:resume")
    assert amounts(paused) == [-each for each in amounts(resumed)] == [-667]


async def test_a_change_while_it_is_paused_counts_from_its_end_on(api: Api) -> None:
    path = await sold(api, await fee(api, "10", ("DAY", 30), proration={"basis": DAYS}), ahead(-15)[:10])
    dear = await fee(api, "30", ("DAY", 30), proration={"basis": DAYS})
    await api.post(f"{path}:pause", billing="PAUSE_BILLING_VOID")
    assert amounts(await api.post(f"{path}:change", **to(dear))) == []
    assert amounts(await api.post(f"{path}:resume")) == [1500]


async def test_a_cancelation_while_it_is_paused_gives_nothing_back_twice(api: Api) -> None:
    path = await sold(api, await fee(api, "10"), ahead(0)[:10])
    await api.post(f"{path}:pause", billing="PAUSE_BILLING_VOID")
    canceled = await api.post(f"{path}:cancel", cancel_at="CANCEL_AT_NOW", credit=True)
    assert (amounts(canceled), canceled["subscription"]["state"]) == ([], "SUBSCRIPTION_STATE_CANCELED")
    for verb in ("undo_cancel", "resume", "pause"):
        body = {"billing": "PAUSE_BILLING_VOID"} if verb == "pause" else {}
        refused = await api.send("POST", f"{path}:{verb}", body)
        assert (refused.status_code, reason(refused)) == (400, "SUBSCRIPTION_CANCELED")


async def test_what_may_still_change_once_an_end_is_planned(api: Api) -> None:
    path, dear = await sold(api, await fee(api, "10"), ahead(0)[:10]), await fee(api, "30")
    await api.post(f"{path}:cancel", cancel_at="CANCEL_AT_PERIOD_END")
    refused = await api.send("POST", f"{path}:change", to(dear, when="CHANGE_WHEN_PERIOD_END"))
    assert (refused.status_code, reason(refused)) == (400, "SCHEDULED_CHANGE_CONFLICT")
    assert amounts(await api.post(f"{path}:change", **to(dear, when=NOW, **BY_DAYS))) == [-1000, 3000]
    yearly = await fee(api, "100", YEAR)
    changed = (await api.post(f"{path}:change", **to(yearly, when=NOW, **BY_DAYS)))["subscription"]
    assert changed["end_time"] == changed["current_period"]["end"], "it still ends with its period"
    assert changed["cancel_at_period_end"]
    undone = (await api.post(f"{path}:undo_cancel"))["subscription"]
    assert "end_time" not in undone


async def test_an_upgrade_in_the_trial_charges_nothing_before_its_end(api: Api) -> None:
    path = await sold(api, await fee(api, "10", ("DAY", 30)), ahead(0)[:10], trial_days=14)
    changed = await api.post(f"{path}:change", **to(await fee(api, "30", ("DAY", 30)), when=NOW))
    assert (amounts(changed), changed["subscription"]["state"]) == ([], "SUBSCRIPTION_STATE_TRIALING")
    later = await api.call("POST", f"{path}:preview_cancelation", _ended(ahead(15)))
    assert amounts(later) == [-2900]


async def test_a_trial_that_is_canceled_costs_nothing(api: Api) -> None:
    path = await sold(api, await fee(api, "10"), ahead(0)[:10], trial_days=14)
    assert amounts(await api.call("POST", f"{path}:preview_cancelation", _ended(ahead(3)))) == []


async def test_seats_in_arrears_are_charged_window_by_window(api: Api) -> None:
    version = await shop.plan(
        api, [shop.item("seats", per_unit("10"), kind="SEAT", timing="ARREARS")], every=("DAY", 30)
    )
    path = await sold(api, version["plan_version_id"], ahead(-15)[:10], **seats("2"))
    more = await api.post(f"{path}:change", change=seats("8"), **BY_DAYS)
    assert amounts(more) == [1000]
    end = await api.call("POST", f"{path}:preview_cancelation", _ended(ahead(9)))
    assert amounts(end) == [2400]


@pytest.mark.parametrize(("currency", "price"), [("JPY", "1000"), ("KWD", "10.005"), ("EUR", "0.01")])
async def test_seats_that_come_and_go_on_one_day_cost_nothing(api: Api, currency: str, price: str) -> None:
    version = await shop.plan(
        api, [shop.item("seats", per_unit(price), kind="SEAT")], every=("DAY", 30), currency=currency
    )
    sub = await shop.subscribe(api, version, ahead(-11)[:10], **seats("3"))
    path, made = f"/v1/subscriptions/{sub['subscription_id']}", list[int]()
    for number in ("7", "2", "11", "1", "0", "3"):
        made += amounts(await api.post(f"{path}:change", change=seats(number), when=NOW, **BY_DAYS))
    assert made
    assert sum(made) == 0


async def test_a_plan_of_a_hundred_items_and_one_that_costs_nothing(api: Api) -> None:
    plans = [
        await shop.plan(api, [shop.item(f"item-{number}", flat(str(number + more))) for number in range(100)])
        for more in (0, 1)
    ]
    path = await sold(api, plans[0]["plan_version_id"], ahead(0)[:10])
    assert (
        sum(amounts(await api.post(f"{path}:change", **to(plans[1]["plan_version_id"], when=NOW, **BY_DAYS)))) == 10000
    )
    free = await sold(api, await fee(api, "0"), ahead(0)[:10])
    assert amounts(await api.post(f"{free}:cancel", cancel_at="CANCEL_AT_NOW", credit=True)) == []


async def test_what_lies_too_far_behind_waits_for_the_renewals(api: Api) -> None:
    path = await sold(api, await fee(api, "10", ("DAY", 1)), ahead(-60)[:10])
    for verb, body in (("change", to(await fee(api, "30"))), ("cancel", {"cancel_at": "CANCEL_AT_NOW"})):
        refused = await api.send("POST", f"{path}:{verb}", body)
        assert (refused.status_code, reason(refused)) == (400, "RENEWALS_BEHIND")
    assert (await api.get(f"{path}/changes"))["changes"][-1]["kind"] == "CREATED"


@pytest.mark.parametrize(
    ("alignment", "end", "made"),
    [({}, "2025-06-16", [-500, 12000]), (CALENDAR, "2025-01-01", [-500, 6525])],
)
async def test_another_interval_lies_where_its_version_aligns_it(
    api: Api, alignment: Json, end: str, made: list[int]
) -> None:
    path = await sold(api, await fee(api, "10", alignment=alignment), "2024-06-01")
    yearly = await fee(api, "120", YEAR, alignment=alignment)
    answer = await api.call("POST", f"{path}:preview_change", to(yearly, at_time=shop.instant("2024-06-16"), **BY_DAYS))
    assert (amounts(answer), answer["subscription"]["current_period"]["end"]) == (made, shop.instant(end))


async def test_an_anchor_on_the_leap_day_is_remembered(api: Api) -> None:
    path = await sold(api, await fee(api, "10"), "2024-02-29")
    yearly = await fee(api, "100", YEAR)
    waits = {"when": "CHANGE_WHEN_PERIOD_END", "at_time": shop.instant("2025-02-10")}
    answer = await api.call("POST", f"{path}:preview_change", to(yearly, **waits))
    assert answer["effective_time"] == shop.instant("2025-02-28")
    assert answer["charges"][0]["service_period"]["end"] == shop.instant("2026-02-28")


async def test_a_schedule_moves_prices_and_seats_in_its_order(api: Api) -> None:
    items = [[shop.item("seats", per_unit(price), kind="SEAT")] for price in ("10", "20")]
    cheap, dear = [await shop.plan(api, each, every=("DAY", 30)) for each in items]
    path = await sold(api, cheap["plan_version_id"], ahead(0)[:10], **seats("5"))
    phases = [
        {"code": "more", "start_time": ahead(15), "change": seats("8"), **BY_DAYS},
        {"code": "dear", "start_time": ahead(30), "change": {"plan_version_id": dear["plan_version_id"]}},
    ]
    scheduled = (await api.call("PUT", f"{path}/schedule", {"phases": phases}))["subscription"]
    assert [each["phase_code"] for each in scheduled["scheduled_changes"]] == ["more", "dear"]
    end = await api.call("POST", f"{path}:preview_cancelation", _ended(ahead(45)))
    assert amounts(end) == [-8000]
    replaced = (await api.call("PUT", f"{path}/schedule", {"phases": []}))["subscription"]
    assert not replaced.get("scheduled_changes")


def _ended(at: str) -> Json:
    return {"cancel_at": "CANCEL_AT_NOW", "credit": True, "proration": {"basis": DAYS}, "at_time": at}
