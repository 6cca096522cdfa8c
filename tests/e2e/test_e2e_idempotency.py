"""The Idempotency-Key header through the edge: one effect, one answer, byte for byte."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.e2e.answers import of_response
from tests.e2e.mesh import Mesh
from tests.e2e.rows import Ledger, changes
from tests.e2e.spine import PARTY
from tests.e2e.ways import Caller, Rest

AT_ONCE = 12
BUYER = {"party": PARTY, "currency_code": "EUR"}


async def post(http: httpx.AsyncClient, token: str, key: str, body: dict) -> httpx.Response:
    given = {"authorization": f"Bearer {token}", "idempotency-key": key}
    return await http.post("/v1/customers", json=body, headers=given)


async def customers(rest: Rest, token: str) -> int:
    return len((await Caller(rest, token)("ListCustomers")).get("customers", []))


async def test_the_same_key_gives_the_same_bytes(http: httpx.AsyncClient, rest: Rest, admin_token: str):
    first, second = [await post(http, admin_token, "key-1", BUYER) for _ in range(2)]
    assert (first.status_code, second.content) == (200, first.content)
    assert await customers(rest, admin_token) == 1


async def test_spelling_is_not_part_of_the_request(http: httpx.AsyncClient, admin_token: str):
    first = await post(http, admin_token, "key-1", BUYER)
    camel = {"currencyCode": "EUR", "party": PARTY, "netTermsDays": 0}
    assert (await post(http, admin_token, "key-1", camel)).content == first.content


async def test_another_body_is_refused(http: httpx.AsyncClient, admin_token: str, ledger: Ledger):
    await post(http, admin_token, "key-1", BUYER)
    before = await ledger.settled()
    answer = of_response(await post(http, admin_token, "key-1", {**BUYER, "net_terms_days": 7}))
    assert (answer.http, answer.reason, answer.leak) == (409, "IDEMPOTENCY_KEY_REUSED", "")
    assert changes(before, await ledger.rows()) == {}


async def test_at_once_there_is_one_effect(http: httpx.AsyncClient, rest: Rest, admin_token: str):
    sent = await asyncio.gather(*(post(http, admin_token, "key-1", BUYER) for _ in range(AT_ONCE)))
    good = {response.content for response in sent if response.status_code == 200}
    refused = [of_response(response) for response in sent if response.status_code != 200]
    assert {(answer.http, answer.reason) for answer in refused} <= {(409, "IDEMPOTENCY_KEY_IN_FLIGHT")}
    assert len(good) == 1
    assert await customers(rest, admin_token) == 1


async def test_a_refused_request_does_not_use_up_its_key(http: httpx.AsyncClient, admin_token: str):
    refused = await post(http, admin_token, "key-1", {**BUYER, "currency_code": "ZZZ"})
    assert refused.status_code == 400
    assert (await post(http, admin_token, "key-1", BUYER)).status_code == 200


@pytest.mark.parametrize("other", ["tenant", "user"])
async def test_keys_are_private(other: str, http: httpx.AsyncClient, mesh: Mesh):
    tenant = uuid4()
    owners = [mesh.token(tenant), mesh.token(uuid4() if other == "tenant" else tenant)]
    first, second = [await post(http, token, "key-1", BUYER) for token in owners]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["customer"]["customer_id"] != second.json()["customer"]["customer_id"]
