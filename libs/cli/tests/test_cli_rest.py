"""The REST client against a small server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from billing_cli import rest
from billing_cli.rest import RestClient, RestError


class Script:
    """Answers in order, each (status, body); the last one again and again. Remembers the requests."""

    def __init__(self):
        self.answers = []
        self.requests = []

    def take(self, request):
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def server(script):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = script.take((self.command, self.path, dict(self.headers), sent))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
async def client(server):
    async with RestClient(server, "secret", back_off_s=0.001) as made:
        yield made


def refusal(reason, message="no", violations=()):
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": {"now": "later"}}
    bad = {"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": list(violations)}
    return {"code": 3, "message": message, "details": [info, bad] if violations else [info]}


def keys(script):
    return [headers.get("idempotency-key") for _, _, headers, _ in script.requests]


async def test_a_post_carries_token_and_key(script, client):
    script.answers = [(200, {"ok": 1})]
    assert await client.post("/v1/things", {"a": 1}) == {"ok": 1}
    ((method, path, headers, sent),) = script.requests
    assert (method, path, json.loads(sent)) == ("POST", "/v1/things", {"a": 1})
    assert headers["authorization"] == "Bearer secret"
    assert len(headers["idempotency-key"]) == 36


async def test_each_change_has_its_own_key_and_a_read_none(script, client):
    script.answers = [(200, {})]
    await client.post("/v1/a", {})
    await client.post("/v1/b", {})
    await client.post("/v1/a", {}, key="mine")
    await client.get("/v1/a")
    first, second, third, none = keys(script)
    assert first != second
    assert (third, none) == ("mine", None)


@pytest.mark.parametrize(
    "passing",
    [
        (503, {"message": "upstream"}),
        (429, b"slow down"),
        (409, refusal("IDEMPOTENCY_KEY_IN_FLIGHT")),
    ],
)
async def test_what_passes_is_tried_again_with_the_same_key(passing, script, client):
    script.answers = [passing, passing, (200, {"ok": 1})]
    assert await client.post("/v1/a", {}) == {"ok": 1}
    assert len(keys(script)) == 3
    assert len(set(keys(script))) == 1


@pytest.mark.parametrize(
    ("status", "reason"), [(409, "IDEMPOTENCY_KEY_REUSED"), (400, "X"), (401, "Y"), (404, "Z"), (500, "INTERNAL")]
)
async def test_what_stays_is_refused_at_once(status, reason, script, client):
    script.answers = [(status, refusal(reason, "it is so"))]
    with pytest.raises(RestError) as caught:
        await client.post("/v1/a", {})
    assert (caught.value.http_status, caught.value.reason) == (status, reason)
    assert caught.value.message == f"POST /v1/a: {status} {reason} it is so"
    assert caught.value.hint == "now: later"
    assert len(script.requests) == 1


async def test_field_violations_are_named(script, client):
    violation = {"field": "party.name", "description": "is empty"}
    script.answers = [(400, refusal("VALIDATION_FAILED", violations=[violation]))]
    with pytest.raises(RestError) as caught:
        await client.post("/v1/a", {})
    assert "party.name: is empty" in caught.value.hint


async def test_busy_for_good_is_given_up(script, client):
    script.answers = [(503, b"")]
    with pytest.raises(RestError) as caught:
        await client.get("/v1/a")
    assert caught.value.http_status == 503
    assert len(script.requests) == rest.ATTEMPTS


@pytest.mark.parametrize("body", [b"<html>", b""])
async def test_an_answer_without_json_is_refused(body, script, client):
    script.answers = [(200, body)]
    with pytest.raises(RestError, match="NO_JSON"):
        await client.get("/v1/a")


async def test_nobody_listens():
    async with RestClient("http://127.0.0.1:9", "secret", back_off_s=0.001) as client:
        with pytest.raises(RestError, match="does not answer") as caught:
            await client.get("/v1/a")
    assert caught.value.http_status == 0


async def test_pages_are_followed_to_the_end(script, client):
    script.answers = [(200, {"things": [1, 2], "next_page_token": "t"}), (200, {"things": [3]})]
    assert [each async for each in client.pages("/v1/a", "things", state="OPEN")] == [1, 2, 3]
    assert [path for _, path, _, _ in script.requests] == ["/v1/a?state=OPEN", "/v1/a?state=OPEN&page_token=t"]


async def test_bytes_go_out_and_come_back_as_they_are(script, client):
    script.answers = [(200, {"accepted": 1}), (200, b"%PDF-1.7")]
    assert await client.post_bytes("/v1/usage/cloudevents", b"[]", "application/cloudevents-batch+json") == {
        "accepted": 1
    }
    assert await client.download("/v1/invoices/1/pdf") == b"%PDF-1.7"
    _, _, headers, sent = script.requests[0]
    assert (headers["content-type"], sent) == ("application/cloudevents-batch+json", b"[]")
