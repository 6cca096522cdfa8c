"""Section E, and the shares of D: periods asked of POST /v1/billing_schedules:preview."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from billing_kernel.period import zone_of

from tests.acceptance import cycle_cases, zone_cases
from tests.acceptance.api import Api, minor, ratio
from tests.acceptance.cycle_cases import CycleCase
from tests.acceptance.period_cases import BY_DAYS, CASES, PeriodCase
from tests.acceptance.prices import Json
from tests.acceptance.shop import interval
from tests.acceptance.zone_cases import ZoneCase


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_periods(api: Api, case: PeriodCase) -> None:
    answer = await api.call("POST", "/v1/billing_schedules:preview", _request(case))
    periods = [each["period"] for each in answer["periods"]]
    assert [_day(each["start"], case.zone) for each in periods][: len(case.starts)] == list(case.starts)
    assert [_day(each["end"], case.zone) for each in periods][: len(case.ends)] == list(case.ends)
    for before, after in pairwise(periods):
        assert before["end"] == after["start"]
    if case.total:
        assert ratio(answer["total_share"]) == Fraction(case.total)
    if case.first_amount is not None:
        assert minor(answer["periods"][0]["amount"]) == case.first_amount


@pytest.mark.parametrize("case", cycle_cases.CASES, ids=lambda case: case.id)
async def test_cycles(api: Api, case: CycleCase) -> None:
    request: Json = {
        "start_time": _instant(case.start, case.zone),
        "time_zone": case.zone,
        "interval": interval(case.every),
        "alignment": case.alignment,
        "proration": case.proration or {"basis": BY_DAYS},
        "periods": case.periods,
    }
    if case.end:
        request["end_time"] = _instant(case.end, case.zone)
    answer = await api.call("POST", "/v1/billing_schedules:preview", request)
    assert ratio(answer["total_share"]) == Fraction(case.total)
    assert sum(ratio(each["share"]) for each in answer["periods"]) == Fraction(case.total)


@pytest.mark.parametrize("case", zone_cases.CASES, ids=lambda case: case.id)
async def test_zones(api: Api, case: ZoneCase) -> None:
    request: Json = {"start_time": case.start, "time_zone": case.zone, "interval": interval(case.every), "periods": 6}
    if case.alignment is not None:
        request["alignment"] = case.alignment
    answer = await api.call("POST", "/v1/billing_schedules:preview", request)
    ends = [each["period"]["end"] for each in answer["periods"]]
    assert [_moment(each) for each in ends[: len(case.ends)]] == [_moment(f"{each}+00:00") for each in case.ends]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _request(case: PeriodCase) -> Json:
    request: dict[str, Any] = {
        "start_time": _instant(case.start, case.zone),
        "time_zone": case.zone,
        "interval": interval(case.every),
        "alignment": case.alignment,
        "proration": {"basis": BY_DAYS},
        "periods": 6,
    }
    if case.end:
        request["end_time"] = _instant(case.end, case.zone)
    if case.from_:
        request["from_time"] = _instant(case.from_, case.zone)
    if case.amount is not None:
        request["amount"] = {"currency_code": "USD", "amount_minor": case.amount}
    return request


def _instant(day: str, zone: str) -> str:
    return datetime.fromisoformat(day).replace(tzinfo=zone_of(zone)).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _day(instant: str, zone: str) -> str:
    local = datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(zone_of(zone))
    assert (local.hour, local.minute) == (0, 0)
    return local.date().isoformat()
