"""Section B: the minimum commitment of a whole plan, billed for real and read from the invoices."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.acceptance import shop
from tests.acceptance.api import Api
from tests.acceptance.billing import invoices_of
from tests.acceptance.commitment_cases import CASES, CommitmentCase
from tests.acceptance.prices import Json, flat

INCLUSIVE = {"basis": "PRORATION_BASIS_BY_DAYS_INCLUSIVE"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def billed(seller: Api) -> dict[str, Json]:
    """The subscriptions of all cases, by case, billed by one run."""
    sold = {case.id: await _sold(seller, case) for case in CASES}
    await seller.post("/v1/billing_runs", as_of=shop.midnight("2023-06-01"))
    return sold


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_minimum_commitment_is_filled_up(seller: Api, billed: dict[str, Json], case: CommitmentCase) -> None:
    invoices = await invoices_of(seller, billed[case.id]["customer_id"], len(case.invoices))
    invoices.sort(key=_order)
    assert [_parts(each) for each in invoices] == list(case.invoices)
    for invoice in invoices:
        taxed = "total_minor" if case.tax == "INCLUSIVE" else "net_minor"
        assert int(invoice[taxed]) == sum(_parts(invoice))


async def _sold(api: Api, case: CommitmentCase) -> Json:
    behavior = f"TAX_BEHAVIOR_{case.tax}"
    version = await shop.plan(
        api,
        [shop.item("fee", flat("1000"), timing=case.timing, tax_behavior=behavior)],
        every=case.every,
        alignment=case.alignment,
        proration=INCLUSIVE,
        minimum_commitments=[
            {"amount": {"currency_code": "EUR", "amount_minor": case.commitment}, "tax_behavior": behavior}
        ],
    )
    return await shop.subscribe(api, version, case.start, end_time=shop.instant(case.end))


def _parts(invoice: Json) -> tuple[int, int]:
    """The fee, and what was filled up."""
    fees = [int(line["amount_minor"]) for line in invoice["lines"] if line["code"] == "fee"]
    rest = [int(line["amount_minor"]) for line in invoice["lines"] if line["code"] != "fee"]
    return sum(fees), sum(rest)


def _order(invoice: Json) -> tuple[str, bool]:
    """By what they bill; the fee ahead comes before what fills it up."""
    return min(line["service_period"]["end"] for line in invoice["lines"]), _parts(invoice)[0] == 0
