"""Section D: previews of ends of real subscriptions, and an end that makes what its preview said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.cancelation_cases import CASES, CancelationCase
from tests.acceptance.change_cases import DAYS, INCLUSIVE, NONE
from tests.acceptance.prices import Json, flat


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_cancelation(api: Api, case: CancelationCase) -> None:
    fee = shop.item("fee", flat(case.fee), timing=case.timing)
    terms = {"alignment": case.alignment, "proration": _proration(case)}
    version = await shop.plan(api, [fee], every=case.every, currency="USD", **terms)
    subscription = await shop.subscribe(api, version, case.start, zone=case.zone)
    path = f"/v1/subscriptions/{subscription['subscription_id']}"
    answer = await api.call("POST", f"{path}:preview_cancelation", _request(case))
    assert [minor(each["amount"]) for each in answer.get("charges", [])] == list(case.lines)
    assert answer["effective_time"] == shop.instant(case.on or case.at)
    for each in answer.get("charges", []):
        assert each["reason"] == "CHARGE_REASON_CANCELATION"
        assert ("credit_of" in each) == (minor(each["amount"]) < 0)
    stored = (await api.get(path))["subscription"]
    assert stored["etag"] == subscription["etag"], "a preview writes nothing"


@pytest.mark.parametrize(("basis", "days_back"), [(DAYS, 16), (INCLUSIVE, 15), (NONE, 0)])
async def test_the_end_gives_back_what_its_preview_said(api: Api, basis: str, days_back: int) -> None:
    """Of thirty days fourteen are over; the fifteenth runs."""
    version = await shop.plan(api, [shop.item("fee", flat("30"))], every=("DAY", 30))
    begun = datetime.now(UTC).date() - timedelta(days=14)
    path = f"/v1/subscriptions/{(await shop.subscribe(api, version, begun.isoformat()))['subscription_id']}"
    order = {"cancel_at": "CANCEL_AT_NOW", "credit": True, "proration": {"basis": basis}}
    said = await api.call("POST", f"{path}:preview_cancelation", order)
    made = await api.call("POST", f"{path}:cancel", order)
    late = (datetime.fromisoformat(made["subscription"]["cancel_time"]).date() - begun).days - 14
    assert sum(minor(each["amount"]) for each in made.get("charges", [])) == -100 * max(days_back - late, 0)
    assert late or [each["amount"] for each in said.get("charges", [])] == [each["amount"] for each in made["charges"]]
    assert made["subscription"]["state"] == "SUBSCRIPTION_STATE_CANCELED"


def _request(case: CancelationCase) -> Json:
    request: Json = {
        "cancel_at": "CANCEL_AT_ON_DATE" if case.on else "CANCEL_AT_NOW",
        "credit": case.credit,
        "proration": _proration(case),
        "settlement": case.settlement,
        "at_time": shop.instant(case.at),
    }
    return {**request, "effective_time": shop.instant(case.on)} if case.on else request


def _proration(case: CancelationCase) -> Json:
    if not case.nominal_days:
        return {"basis": case.basis}
    denominator = "PRORATION_DENOMINATOR_NOMINAL_DAYS"
    return {"basis": case.basis, "denominator": denominator, "nominal_days": case.nominal_days}
