"""B01: the minimum commitment of a whole plan, billed for real and read from the invoice."""

from __future__ import annotations

import asyncio
from fractions import Fraction

from tests.acceptance import shop
from tests.acceptance.api import Api
from tests.acceptance.prices import Json, flat

SELLER: Json = {
    "party": {**shop.PARTY, "company": "Nordlicht Software GmbH"},
    "tax_ids": [{"type": "TAX_ID_TYPE_EU_VAT", "value": "DE136695976"}],
    "time_zone": "UTC",
    "number_prefix": "AC",
}


async def test_minimum_commitment_is_filled_up(api: Api) -> None:
    await api.call("POST", "/v1/sellers", SELLER)
    fee = shop.item("fee", flat("1000"), timing="ARREARS")
    commitment = {"amount": {"currency_code": "EUR", "amount_minor": 1000000}}
    version = await shop.plan(api, [fee], minimum_commitments=[commitment])
    sold = await shop.subscribe(api, version, "2023-02-04", end_time=shop.midnight("2023-03-04"))
    await api.post("/v1/billing_runs", as_of=shop.midnight("2023-03-05"))
    invoice = await _invoice(api, sold)
    amounts = {line["code"]: int(line["amount_minor"]) for line in invoice["lines"]}
    assert amounts.pop("fee") == 100000
    assert list(amounts.values()) == [900000]
    assert Fraction(int(invoice["net_minor"]), 100) == 10000


async def _invoice(api: Api, sold: Json) -> Json:
    for _ in range(200):
        found = (await api.get(f"/v1/invoices?customer_id={sold['customer_id']}")).get("invoices", [])
        if found:
            return dict((await api.get(f"/v1/invoices/{found[0]['invoice_id']}"))["invoice"])
        await asyncio.sleep(0.2)
    raise AssertionError("no invoice came")
