"""First charges: stubs by every rule, anchors, trials, phases and starts in the past, asked of previews of starts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.acceptance import shop
from tests.acceptance.api import Api, minor
from tests.acceptance.change_cases import DAYS, INCLUSIVE, MONTH, NONE, QUARTER, SECONDS, YEAR
from tests.acceptance.period_cases import CALENDAR, day
from tests.acceptance.prices import Json, flat


@dataclass(frozen=True, slots=True)
class StartCase:
    """A fee paid ahead from `start`: what the first due bills in minor units, and when it falls due."""

    id: str
    start: str
    price: str
    amount: int
    due: str = ""
    every: tuple[str, int] = MONTH
    alignment: Json = field(default_factory=dict)
    basis: str = DAYS
    nominal_days: int = 0
    zone: str = "UTC"
    order: Json = field(default_factory=dict)
    terms: Json = field(default_factory=dict)


def stub(alignment: Json, first: str) -> Json:
    return {**alignment, "first_stub": f"FIRST_STUB_{first}"}


TRIAL = {"trial_days": 14}
HALF_OFF = {"phases": [{"code": "half", "periods": 2, "discount_percent": "50"}]}
CASES = (
    StartCase("kill-bill", "2012-03-02", "599.95", 56124, alignment=day(31)),
    StartCase("kill-bill-annual", "2011-02-01", "365", 1200, every=YEAR, alignment=day(13)),
    StartCase("lago", "2023-02-08", "50", 3750, alignment=CALENDAR, basis=INCLUSIVE),
    StartCase("lago-tokyo", "2023-02-08", "50", 3750, alignment=CALENDAR, basis=INCLUSIVE, zone="Asia/Tokyo"),
    StartCase("lago-west", "2023-02-08", "50", 3929, alignment=CALENDAR, basis=INCLUSIVE, zone="America/Los_Angeles"),
    StartCase("lago-anniversary", "2023-02-08", "50", 5000, basis=INCLUSIVE),
    StartCase("lago-quarter", "2023-02-04", "1000", 62222, every=QUARTER, alignment=CALENDAR, basis=INCLUSIVE),
    StartCase("lago-fixed-charge", "2023-07-19", "15", 629, alignment=CALENDAR, basis=INCLUSIVE),
    StartCase("stripe-anchor", "2025-01-16", "31", 1600, alignment=day(1), basis=SECONDS),
    StartCase("stripe-noon", "2025-01-16T12:00", "31", 1550, alignment=day(1), basis=SECONDS),
    StartCase("stripe-none", "2025-01-16", "31", 3100, alignment=day(1), basis=NONE),
    StartCase("meteroid", "2021-01-10", "31", 2200, alignment=day(1)),
    StartCase("nominal", "2021-01-16", "30", 1600, alignment=day(1), nominal_days=30),
    StartCase("nominal-year", "2021-01-16", "365", 35000, every=YEAR, alignment=day(1), nominal_days=365),
    StartCase("long", "2024-04-01", "31", 4500, alignment=stub(day(15), "LONG")),
    StartCase("free", "2024-04-01", "31", 3100, "2024-04-15", alignment=stub(day(15), "NONE")),
    StartCase("trial", "2024-04-01", "31", 3100, "2024-04-15", order=TRIAL),
    StartCase("trial-and-stub", "2024-04-01", "30", 1600, "2024-04-15", alignment=day(1), order=TRIAL),
    StartCase("phase", "2024-04-01", "31", 1550, terms=HALF_OFF),
    StartCase("phase-and-stub", "2024-04-01", "31", 700, alignment=day(15), terms=HALF_OFF),
    StartCase("free-of-charge", "2024-04-01", "0", 0),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_start(api: Api, case: StartCase) -> None:
    terms = {"alignment": case.alignment, "proration": _proration(case), **case.terms}
    version = await shop.plan(api, [shop.item("fee", flat(case.price))], every=case.every, currency="USD", **terms)
    buyer = await shop.customer(api, currency="USD", zone=case.zone)
    request = {"customer_id": buyer["customer_id"], "plan_version_id": version["plan_version_id"], **case.order}
    subscription = {**request, "start_time": shop.instant(case.start)}
    answer = await api.post("/v1/subscriptions:preview", subscription=subscription)
    assert [minor(each["amount"]) for each in answer["charges"]] == [case.amount]
    assert answer["first_due_time"] == shop.instant(case.due or case.start)
    listed = await api.get(f"/v1/subscriptions?customer_id={buyer['customer_id']}")
    assert not listed.get("subscriptions"), "a preview writes nothing"


def _proration(case: StartCase) -> Json:
    if not case.nominal_days:
        return {"basis": case.basis}
    denominator = "PRORATION_DENOMINATOR_NOMINAL_DAYS"
    return {"basis": case.basis, "denominator": denominator, "nominal_days": case.nominal_days}
