"""Section B: the minimum commitment of a whole plan, billed for real and read from the invoices."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.acceptance import shop
from tests.acceptance.api import Api
from tests.acceptance.commitment_cases import CASES, CommitmentCase
from tests.acceptance.prices import Json, flat

SELLER: Json = {
    "party": {**shop.PARTY, "company": "Nordlicht Software GmbH"},
    "tax_ids": [{"type": "TAX_ID_TYPE_EU_VAT", "value": "DE136695976"}],
    "time_zone": "UTC",
    "number_prefix": "AC",
}
INCLUSIVE = {"basis": "PRORATION_BASIS_BY_DAYS_INCLUSIVE"}
PATIENCE = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def billed(api: Api) -> dict[str, Json]:
    """The subscriptions of all cases, by case, billed by one run."""
    await api.call("POST", "/v1/sellers", SELLER)
    sold = {case.id: await _sold(api, case) for case in CASES}
    await api.post("/v1/billing_runs", as_of=shop.midnight("2023-06-01"))
    return sold


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_minimum_commitment_is_filled_up(api: Api, billed: dict[str, Json], case: CommitmentCase) -> None:
    invoices = await _invoices(api, billed[case.id]["customer_id"], len(case.invoices))
    assert [_parts(each) for each in invoices] == list(case.invoices)
    for invoice in invoices:
        assert int(invoice["net_minor"]) == sum(_parts(invoice))


async def _sold(api: Api, case: CommitmentCase) -> Json:
    version = await shop.plan(
        api,
        [shop.item("fee", flat("1000"), timing=case.timing)],
        every=case.every,
        alignment=case.alignment,
        proration=INCLUSIVE,
        minimum_commitments=[{"amount": {"currency_code": "EUR", "amount_minor": case.commitment}}],
    )
    return await shop.subscribe(api, version, case.start, end_time=shop.instant(case.end))


def _parts(invoice: Json) -> tuple[int, int]:
    """The fee, and what was filled up."""
    fees = [int(line["amount_minor"]) for line in invoice["lines"] if line["code"] == "fee"]
    rest = [int(line["amount_minor"]) for line in invoice["lines"] if line["code"] != "fee"]
    return sum(fees), sum(rest)


async def _invoices(api: Api, customer_id: str, count: int) -> list[Json]:
    """The invoices of the customer in order of what they bill, once there are `count`."""
    found: list[Json] = []
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        listed = (await api.get(f"/v1/invoices?customer_id={customer_id}")).get("invoices", [])
        if len(listed) >= count:
            found = [(await api.get(f"/v1/invoices/{each['invoice_id']}"))["invoice"] for each in listed]
            break
        await asyncio.sleep(0.2)
    assert len(found) == count, f"{len(found)} invoices instead of {count}"
    return sorted(found, key=_order)


def _order(invoice: Json) -> tuple[str, bool]:
    """By what they bill; the fee ahead comes before what fills it up."""
    return min(line["service_period"]["end"] for line in invoice["lines"]), _parts(invoice)[0] == 0
