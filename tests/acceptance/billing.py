"""Invoices as they come out of billing runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.acceptance.api import Api
from tests.acceptance.prices import Json

PATIENCE = 60.0


async def run(api: Api) -> None:
    """Bills all that is due now."""
    await api.post("/v1/billing_runs", as_of=datetime.now(UTC).isoformat().replace("+00:00", "Z"))


async def invoices_of(api: Api, customer_id: str, count: int) -> list[Json]:
    """The invoices of the customer, once there are `count`."""
    listed: list[Json] = []
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        listed = (await api.get(f"/v1/invoices?customer_id={customer_id}")).get("invoices", [])
        if len(listed) >= count:
            break
        await asyncio.sleep(0.2)
    assert len(listed) == count, f"{len(listed)} invoices instead of {count}"
    return [(await api.get(f"/v1/invoices/{each['invoice_id']}"))["invoice"] for each in listed]
