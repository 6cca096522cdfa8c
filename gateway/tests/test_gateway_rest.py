"""REST through a real Envoy: what arrives, what comes back, and the one shape of errors."""

import asyncio
import json

import grpc
import pytest
from billing.subscriptions.v1 import customers_service_pb2
from google.api import httpbody_pb2
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

GET_CUSTOMER = "/billing.subscriptions.v1.CustomersService/GetCustomer"
JSON = {"content-type": "application/json"}


def shape(answer):
    """(HTTP status, gRPC code, reason) of an error, which must have the one shape."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert set(body) == {"code", "message", "details"}
    assert body["message"]
    return answer.status_code, body["code"], body["details"][0]["reason"]


async def test_a_call_arrives_and_its_answer_comes_back(world, http):
    answer = customers_service_pb2.GetCustomerResponse()
    answer.customer.customer_id, answer.customer.external_id = "cus_1", "é"
    world.upstream.answers[GET_CUSTOMER] = answer.SerializeToString()
    got = await http.get("/v1/customers/cus_1", headers=world.bearer())
    assert got.json()["customer"]["customer_id"] == "cus_1"
    assert got.json()["customer"]["external_id"] == "é"
    path, metadata, raw = world.upstream.seen[0]
    assert (path, raw) == (GET_CUSTOMER, b"\x0a\x05cus_1")
    assert metadata["authorization"].startswith("Bearer ")


async def test_queries_become_fields(world, http):
    await http.get("/v1/customers?page_size=7&page_token=a%20b%2Bc", headers=world.bearer())
    request = customers_service_pb2.ListCustomersRequest.FromString(world.upstream.seen[0][2])
    assert (request.page_size, request.page_token) == (7, "a b+c")


async def test_the_idempotency_key_becomes_metadata(world, http):
    await http.post("/v1/customers", content="{}", headers={**world.bearer(), **JSON, "Idempotency-Key": "k-1"})
    assert world.upstream.seen[0][1]["idempotency-key"] == "k-1"


async def test_answers_are_private_and_say_nothing_of_the_inside(world, http):
    answer = await http.get("/v1/customers/cus_1", headers=world.bearer())
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["server"] == "edge"
    assert answer.headers["x-request-id"]
    assert [name for name in answer.headers if name.startswith("x-envoy")] == []


async def test_errors_of_services_keep_their_details(world, http):
    status = status_pb2.Status(code=5, message="no such customer")
    info = error_details_pb2.ErrorInfo(reason="CUSTOMER_NOT_FOUND", domain="billing")
    bad = error_details_pb2.BadRequest(field_violations=[{"field": "a.b", "description": "is bad"}])
    for detail in (info, bad):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    world.upstream.answers[GET_CUSTOMER] = (grpc.StatusCode.NOT_FOUND, "no such customer", status.SerializeToString())
    answer = await http.get("/v1/customers/cus_1", headers=world.bearer())
    assert shape(answer) == (404, 5, "CUSTOMER_NOT_FOUND")
    assert answer.json()["details"][1]["field_violations"][0]["field"] == "a.b"


@pytest.mark.parametrize("size", [10, 3_900_000])
async def test_files_arrive_byte_for_byte(world, http, size):
    file = b"%PDF" + bytes(range(256)) * (size // 256)
    message = httpbody_pb2.HttpBody(content_type="application/pdf", data=file)
    world.upstream.answers["/billing.invoicing.v1.InvoicesService/GetInvoicePdf"] = message.SerializeToString()
    answer = await http.get("/v1/invoices/inv_1/pdf", headers=world.bearer())
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == file


MEDIA = ["application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8", "application/x-ndjson"]


@pytest.mark.parametrize("media", MEDIA)
async def test_cloud_events_arrive_as_they_were_sent(world, http, media):
    raw = b'[{"a":1,"a": 2.0}]\n'
    answer = await http.post("/v1/usage/cloudevents", content=raw, headers={**world.bearer(), "content-type": media})
    assert answer.status_code == 200
    assert raw in world.upstream.seen[0][2]
    assert media.encode() in world.upstream.seen[0][2]


@pytest.mark.parametrize(
    ("verb", "path", "media", "body"),
    [
        ("POST", "/v1/customers", "text/plain", b"{}"),
        ("POST", "/v1/customers", "application/x-www-form-urlencoded", b"a=1"),
        ("POST", "/v1/customers", "application/jsonx", b"{}"),
        ("POST", "/v1/customers", None, b"{}"),
        ("PATCH", "/v1/customers/cus_1", "application/merge-patch+json", b"{}"),
        ("POST", "/v1/usage/cloudevents", "application/json", b"{}"),
        ("POST", "/v1/usage/cloudevents", None, b"{}"),
        ("POST", GET_CUSTOMER, "application/json", b"{}"),
    ],
)
async def test_other_media_types_are_refused(world, http, verb, path, media, body):
    typed = {"content-type": media} if media else {}
    answer = await http.request(verb, path, content=body, headers={**world.bearer(), **typed})
    assert world.upstream.seen == []
    assert shape(answer) == (415, 3, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
)
async def test_spellings_of_json(world, http, media):
    answer = await http.post("/v1/customers", content="{}", headers={**world.bearer(), "content-type": media})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("verb", "path", "status", "reason"),
    [
        ("GET", "/v1/nothing", 404, "NO_SUCH_METHOD"),
        ("GET", "/", 302, ""),
        ("GET", "/v2/customers", 404, "NO_SUCH_METHOD"),
        ("DELETE", "/v1/customers/cus_1", 404, "NO_SUCH_METHOD"),
        ("PUT", "/v1/customers/cus_1", 404, "NO_SUCH_METHOD"),
        ("GET", "/v1/customers?unknown=1", 400, "BAD_REQUEST"),
        ("GET", "/v1/customers?page_size=many", 400, "BAD_REQUEST"),
        ("GET", "/v1/customers/a%2Fb", 400, "BAD_REQUEST"),
        ("GET", "/v1/customers/../../admin", 404, "NO_SUCH_METHOD"),
    ],
)
async def test_paths_that_lead_nowhere(world, http, verb, path, status, reason):
    answer = await http.request(verb, path, headers=world.bearer())
    assert answer.status_code == status
    assert world.upstream.seen == []
    if status == 404:
        assert shape(answer)[2] == reason
    elif status == 400:
        assert answer.json()["details"][0]["reason"] == reason


async def test_a_body_may_not_contradict_the_path(world, http):
    own = {**world.bearer(), **JSON}
    answer = await http.patch("/v1/customers/cus_1", content='{"customer_id":"cus_2"}', headers=own)
    assert shape(answer) == (400, 3, "BAD_REQUEST")


async def test_a_body_where_none_is_taken(world, http):
    answer = await http.request("GET", "/v1/customers/cus_1", content="{}", headers={**world.bearer(), **JSON})
    assert shape(answer) == (400, 3, "INVALID_JSON")
    assert world.upstream.seen == []


async def test_bodies_that_are_too_large(world, http):
    for media, path in (("application/json", "/v1/customers"), ("application/x-ndjson", "/v1/usage/cloudevents")):
        body = b'{"external_id":"' + b"x" * (5 << 20) + b'"}'
        answer = await http.post(path, content=body, headers={**world.bearer(), "content-type": media})
        assert shape(answer) == (413, 3, "BODY_TOO_LARGE")
    assert world.upstream.seen == []


async def test_headers_that_are_too_large_or_ambiguous(world, http):
    answer = await http.get("/v1/customers/cus_1", headers={**world.bearer(), "x-filler": "x" * 9000})
    assert shape(answer) == (431, 3, "HEADERS_TOO_LARGE")
    answer = await http.get("/v1/customers/cus_1", headers={**world.bearer(), "x_tenant_id": "1"})
    assert shape(answer) == (400, 3, "BAD_REQUEST")


async def test_health_and_documents_need_no_token(world, http):
    assert (await http.get("/healthz")).status_code == 200
    assert (await http.get("/readyz")).status_code == 200
    openapi = await http.get("/openapi.json")
    assert openapi.json()["openapi"] == "3.1.0"
    assert openapi.headers["access-control-allow-origin"] == "*"
    page = await http.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'sha256-" in page.headers["content-security-policy"]


async def test_every_call_of_the_document_is_routed_where_the_descriptors_say(world, http, contract):
    """The third set: what the edge really answers."""
    for method in contract.methods:
        for binding in method.bindings:
            world.upstream.seen.clear()
            path = binding.path
            for name in binding.variables:
                path = path.replace(f"{{{name}}}", "x")
            raw = binding.path == "/v1/usage/cloudevents"
            own = {"content-type": "application/x-ndjson" if raw else "application/json"} if binding.body else {}
            sent = {"content": b"{}"} if binding.body else {}
            await http.request(binding.verb.upper(), path, headers={**world.bearer(), **own}, **sent)
            assert [seen[0] for seen in world.upstream.seen] == [method.path]


async def test_the_log_tells_who_and_what_but_no_secret(world, http):
    await http.get("/v1/customers?page_token=private", headers=world.bearer())
    for _ in range(120):
        lines = [json.loads(line) for line in (world.folder / "access.log").read_text().splitlines()]
        found = [line for line in lines if line["path"] == "/v1/customers" and line["method"] == "GET"]
        if found:
            break
        await asyncio.sleep(0.1)
    assert found[0]["user"] == "alice"
    assert found[0]["rpc"].endswith("/ListCustomers")
    assert "private" not in (world.folder / "access.log").read_text()
    assert "eyJ" not in (world.folder / "access.log").read_text()


async def test_a_service_that_is_down(edges, http):
    alone = await edges(tax_address="127.0.0.1:9", edge_tenant_rate_per_s=100)
    own = {"authorization": f"Bearer {alone.token()}"}
    assert shape(await http.get(f"{alone.url}/v1/tax/rates", headers=own)) == (503, 14, "UNAVAILABLE")
    assert (await http.get(f"{alone.url}/healthz")).status_code == 200
    assert (await http.get(f"{alone.url}/readyz")).status_code == 503
