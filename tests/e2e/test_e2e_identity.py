"""Who is not let in: bad tokens, services at the edge, users at internal methods, headers that claim to be."""

from __future__ import annotations

import httpx
import pytest
from grpc import StatusCode

from tests.e2e import tokens
from tests.e2e.answers import of_response
from tests.e2e.mesh import SERVICES, Mesh
from tests.e2e.rows import Unmoved
from tests.e2e.ways import Direct, Rest, headers
from tests.e2e.world import World

FORGED = (
    "none, basic, not a token, expired, not yet, without end, alg none, alg None, HS256 with the public key, "
    "HS256 with nothing, RS512, another key, another key that names itself, without a key id and another key, "
    "changed claims, no signature, another issuer, another audience, another audience list, audience of a service"
).split(", ")
UNFIT = (
    "no tenant, tenant of no uuid, no role, role unknown, role of a service, customer without an id, "
    "customer of another type, subject with NUL"
).split(", ")
SPOOFED = {
    "x-tenant-id": "$",
    "x-user-id": "root",
    "x-customer-id": "cus_01h455vb4pex5vsknk084sn02q",
    "x-role": "billing_admin",
    "x-jwt-payload": "eyJyb2xlIjoiYmlsbGluZ19hZG1pbiJ9",
    "x-forwarded-client-cert": "By=spiffe://billing/invoicing",
    "x-forwarded-for": "127.0.0.1",
    "x-envoy-original-path": "/v1/plans",
    "x-message": "none",
    "x-http-method-override": "DELETE",
}
CLOCK = "/billing.common.v1.ClockService/GetClock"
RENEWALS = "/billing.subscriptions.v1.RenewalsService/RunRenewals"


@pytest.fixture(scope="session")
def refused_tokens(mesh: Mesh, world: World) -> dict[str, str]:
    """Authorization headers by what is wrong with them."""
    forged, unfit = tokens.forged(mesh, world.tenant), tokens.unfit(mesh, world.tenant)
    assert (set(forged), set(unfit)) == (set(FORGED), set(UNFIT))
    return {**forged, **unfit}


@pytest.mark.parametrize("way", ["direct", "grpc", "grpc-web", "rest"])
@pytest.mark.parametrize("name", [*FORGED, *UNFIT])
async def test_bad_tokens(name: str, way: str, ways: dict, refused_tokens: dict[str, str], unmoved: Unmoved):
    given = {"authorization": refused_tokens[name]} if refused_tokens[name] else {}
    answer = await ways[way].answer("CreatePlan", {"code": "forged", "name": "Forged"}, given)
    assert (answer.code, answer.leak) == (StatusCode.UNAUTHENTICATED, ""), answer.text
    assert answer.http in (0, 401)
    if way in ("direct", "rest"):
        assert answer.reason == "UNAUTHENTICATED"
    await unmoved.check()


@pytest.mark.parametrize("way", ["grpc", "grpc-web", "rest"])
async def test_tokens_of_services_end_at_the_edge(way: str, ways: dict, mesh: Mesh, world: World, unmoved: Unmoved):
    token = tokens.of_service(mesh, world.tenant, "subscriptions")
    answer = await ways[way].answer("CreatePlan", {"code": "svc", "name": "n"}, headers(token))
    assert answer.code is StatusCode.UNAUTHENTICATED
    await unmoved.check()


@pytest.mark.parametrize("service", SERVICES)
async def test_internal_methods_are_for_services(service: str, direct: Direct, mesh: Mesh, world: World):
    async def code(token: str) -> tuple[StatusCode, str]:
        answer = await direct.bytes(service, CLOCK, b"", headers(token))
        return answer.code, answer.reason

    peer = "tax" if service == "invoicing" else "invoicing"
    assert await code(world.tokens["admin"]) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert (await code(tokens.of_service(mesh, world.tenant, service, peer)))[0] is StatusCode.OK
    other = tokens.of_service(mesh, world.tenant, peer, peer)
    assert await code(other) == (StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", [CLOCK, RENEWALS, "/grpc.health.v1.Health/Check"])
async def test_internal_methods_have_no_route(path: str, edge: Direct, mesh: Mesh, world: World, unmoved: Unmoved):
    for token in (world.tokens["admin"], tokens.of_service(mesh, world.tenant, "subscriptions")):
        answer = await edge.bytes("subscriptions", path, b"", headers(token))
        assert answer.code in (StatusCode.UNIMPLEMENTED, StatusCode.NOT_FOUND, StatusCode.UNAUTHENTICATED)
    await unmoved.check()


@pytest.mark.parametrize("name", SPOOFED)
@pytest.mark.parametrize("way", ["direct", "grpc", "rest"])
async def test_headers_name_nobody(name: str, way: str, ways: dict, world: World, unmoved: Unmoved):
    value = str(world.neighbour) if SPOOFED[name] == "$" else SPOOFED[name]
    theirs = {"customer_id": world.ids["other.customer"]}
    answer = await ways[way].answer("GetCustomer", theirs, {**headers(world.tokens["admin"]), name: value})
    assert (answer.code, answer.reason) == (StatusCode.NOT_FOUND, "CUSTOMER_NOT_FOUND")
    request = {"code": "spoofed", "name": "Spoofed"}
    answer = await ways[way].answer("CreatePlan", request, {**headers(world.tokens["viewer"]), name: value})
    assert (answer.code, answer.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    await unmoved.check()


async def test_the_guard_cannot_be_talked_out_of_it(rest: Rest, world: World, unmoved: Unmoved):
    given = {**headers(world.tokens["admin"]), "x-message": "none", "content-type": "application/json"}
    answer = await rest.send("POST", "/v1/plans", given, content=b'{"code": "g", "name": "n", "nope": 1}')
    assert (answer.http, answer.reason) == (400, "INVALID_JSON")
    await unmoved.check()


async def test_tokens_are_not_taken_from_queries_or_cookies(http: httpx.AsyncClient, world: World):
    token = world.tokens["admin"]
    for query, cookie in (({"access_token": token}, {}), ({}, {"cookie": f"access_token={token}"})):
        answer = of_response(await http.get("/v1/plans", params=query, headers=cookie))
        assert (answer.http, answer.reason) == (401, "UNAUTHENTICATED")
