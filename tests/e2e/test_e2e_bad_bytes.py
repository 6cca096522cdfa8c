"""Bytes that are no message and bodies that are no JSON: refused before anything looks at them."""

from __future__ import annotations

import httpx
import pytest
from grpc import StatusCode

from tests.e2e.answers import of_response
from tests.e2e.bad_bytes import BODIES, CLOUD_BODIES, MALFORMED, MIB, PATHS, Sent
from tests.e2e.contract import rpc
from tests.e2e.rows import Unmoved
from tests.e2e.ways import Direct, headers
from tests.e2e.world import World


@pytest.mark.parametrize("way", ["direct", "grpc"])
@pytest.mark.parametrize(("name", "raw"), [line[1:] for line in MALFORMED], ids=[line[0] for line in MALFORMED])
async def test_malformed_messages(way: str, name: str, raw: bytes, ways: dict, world: World, unmoved: Unmoved):
    answer = await ways[way].send(rpc(name), raw, headers(world.tokens["admin"], rpc(name)))
    assert (answer.code, answer.reason, answer.leak) == (StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST", "")
    await unmoved.check()


@pytest.mark.parametrize("way", ["direct", "grpc"])
async def test_message_of_5_mib(way: str, ways: dict[str, Direct], world: World, unmoved: Unmoved):
    called = rpc("CreatePlan")
    raw = called.encode({"code": "large", "name": "x" * (5 * MIB)})
    answer = await ways[way].send(called, raw, headers(world.tokens["admin"], called))
    assert (answer.code, answer.leak) == (StatusCode.RESOURCE_EXHAUSTED, "")
    await unmoved.check()


@pytest.mark.parametrize("sent", [*BODIES, *PATHS, *CLOUD_BODIES], ids=lambda sent: sent.name)
async def test_rest(sent: Sent, http: httpx.AsyncClient, world: World, unmoved: Unmoved):
    given = {"authorization": f"Bearer {world.tokens['admin']}", "idempotency-key": "bytes", **sent.headers}
    if sent.content or sent.verb == "POST":
        given["content-type"] = sent.media
    target = httpx.URL(str(http.base_url)).copy_with(raw_path=sent.path.encode())
    answer = of_response(await http.request(sent.verb, target, headers=given, content=sent.content or None))
    assert (answer.http, answer.reason, answer.leak) == (sent.status, sent.reason, ""), answer.text[:400]
    assert not sent.field or sent.field in answer.fields
    await unmoved.check()
