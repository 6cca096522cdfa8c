"""From a seller to a paid invoice with its PDF, on each way through the edge, cent by cent."""

from __future__ import annotations

import io

import pypdf
import pytest

from tests.e2e import spine
from tests.e2e.mesh import Mesh
from tests.e2e.ways import Caller, Way

# EUR 49.00 and 500 calls beyond the free 10,000 at 0.002, 19 % on top.
FIRST = {"net_minor": "4900", "tax_minor": "931", "total_minor": "5831", "due_minor": "0"}
SECOND = {"net_minor": "5000", "tax_minor": "950", "total_minor": "5950", "due_minor": "0"}


@pytest.mark.parametrize("way", ["rest", "grpc", "grpc-web"])
async def test_spine(way: str, ways: dict[str, Way], mesh: Mesh, admin_token: str):
    call = Caller(ways[way], admin_token)
    sold = await spine.sign_up(call)
    said = await spine.use(call, sold)
    assert (said["first"].get("accepted"), said["second"].get("duplicates")) == (1, 1)
    run = await spine.bill(call)
    assert (run["published"], run["settled"], run.get("parked", "0"), run["invoices"]) == ("2", "2", "0", "2")
    first, second = await spine.paid_invoices(call, sold, 2)
    assert {name: first.get(name, "0") for name in FIRST} == FIRST
    assert {name: second.get(name, "0") for name in SECOND} == SECOND
    assert [first["number"], second["number"]] == sorted({first["number"], second["number"]})
    assert first["number"].startswith("NL")
    payments = (await call("ListPayments", invoice_id=second["invoice_id"]))["payments"]
    assert [each["state"] for each in payments] == ["PAYMENT_STATE_SUCCEEDED"]
    await _check_pdf(await spine.pdf(call, second["invoice_id"]), second)


async def _check_pdf(content: bytes, invoice: dict):
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    for wanted in (invoice["number"], "59.50", "Ada Král", "Nordlicht Software GmbH", "API calls"):
        assert wanted in text, f"{wanted} is missing in {text!r}"
