"""Section D: previews of changes to real subscriptions; then the call itself must make what its preview said."""

from __future__ import annotations

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.change_cases import CASES, ChangeCase
from tests.acceptance.prices import Json, flat, per_unit


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_change(api: Api, case: ChangeCase) -> None:
    subscription, change = await (_seats if case.seats else _plans)(api, case)
    answer = await api.post(
        f"/v1/subscriptions/{subscription['subscription_id']}:preview_change",
        change=change,
        when="CHANGE_WHEN_NOW",
        proration=_proration(case),
        settlement=case.settlement,
        at_time=shop.instant(case.at),
    )
    charges = answer.get("charges", [])
    amounts = [minor(each["amount"]) for each in charges if "amount" in each]
    assert sum(each for each in amounts if each < 0) == case.credit
    assert sum(each for each in amounts if each > 0) == case.charge
    for each in charges:
        assert each["reason"] != "CHARGE_REASON_UNSPECIFIED"
        assert ("credit_of" in each) == (minor(each["amount"]) < 0)
    if case.every_after is not None:
        assert answer["subscription"]["current_period"]["start"] == shop.instant(case.at)
    stored = await api.get(f"/v1/subscriptions/{subscription['subscription_id']}")
    assert stored["subscription"]["etag"] == subscription["etag"], "a preview writes nothing"


async def _plans(api: Api, case: ChangeCase) -> tuple[Json, Json]:
    terms = {"alignment": case.alignment}
    fees = [[shop.item("fee", flat(price), timing=case.timing)] for price in (case.before, case.after)]
    before = await shop.plan(api, fees[0], every=case.every, currency=case.currency, **terms)
    every = case.every_after or case.every
    after = await shop.plan(api, fees[1], every=every, currency=case.currency, **terms)
    subscription = await shop.subscribe(api, before, case.start, zone=case.zone)
    return subscription, {"plan_version_id": after["plan_version_id"]}


async def _seats(api: Api, case: ChangeCase) -> tuple[Json, Json]:
    assert case.seats is not None
    before, after = case.seats
    seats = shop.item("seats", per_unit(case.before), kind="SEAT", timing=case.timing)
    version = await shop.plan(api, [seats], every=case.every, currency=case.currency)
    quantities = [{"code": "seats", "quantity": before}]
    subscription = await shop.subscribe(api, version, case.start, quantities=quantities)
    return subscription, {"quantities": [{"code": "seats", "quantity": after}]}


def _proration(case: ChangeCase) -> Json:
    if not case.nominal_days:
        return {"basis": case.basis}
    denominator = "PRORATION_DENOMINATOR_NOMINAL_DAYS"
    return {"basis": case.basis, "denominator": denominator, "nominal_days": case.nominal_days}
