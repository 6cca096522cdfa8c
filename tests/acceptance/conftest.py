"""One new tenant for all acceptance cases, and one of their own for those that are billed."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.acceptance import shop
from tests.acceptance.api import Api
from tests.acceptance.prices import Json
from tests.e2e.mesh import Mesh

SELLER: Json = {
    "party": {**shop.PARTY, "company": "Nordlicht Software GmbH"},
    "tax_ids": [{"type": "TAX_ID_TYPE_EU_VAT", "value": "DE136695976"}],
    "time_zone": "UTC",
    "number_prefix": "AC",
}


@pytest.fixture(scope="session")
def api(mesh: Mesh, http: httpx.AsyncClient) -> Api:
    return Api(http, mesh.token(uuid4()))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seller(mesh: Mesh, http: httpx.AsyncClient) -> Api:
    """A tenant with a seller: billing runs bill nothing but what the module has sold."""
    found = Api(http, mesh.token(uuid4()))
    await found.call("POST", "/v1/sellers", SELLER)
    return found
