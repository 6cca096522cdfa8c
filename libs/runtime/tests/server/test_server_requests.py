"""What reaches a handler, what does not, and how each error leaves."""

import asyncio

import grpc
import pytest
from billing_runtime.access import AccessUndeclared
from billing_runtime.pipeline.mount import NotServable, mount
from billing_runtime.pipeline.stages import ACCEPTED_MAX
from google.rpc import error_details_pb2, status_pb2


async def refusal(awaitable):
    """(code, message, ErrorInfo, field violations) of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await awaitable
    error = raised.value
    status = None
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        _ = detail.Unpack(info) or detail.Unpack(bad)
    return error.code(), error.details(), info, list(bad.field_violations)


MALFORMED = {
    "random": b"\xff\xfe\xfd\x00\x13",
    "truncated": b"\x0a\x50abc",
    "invalid utf-8": b"\x0a\x02\xc3\x28",
    "deeply nested groups": b"\x0b" * 10_000,
    "deeply nested": b"",
    "unknown field": b"\xf8\x07\x01",
    "unknown field inside": b"\x1a\x06\x0a\x01a\xf8\x07\x01",
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("method", ["Get", "Watch"])
async def test_malformed_bytes_are_invalid(world, ring, case, method):
    body = MALFORMED[case]
    if case == "deeply nested":
        for _ in range(300):
            body = b"\x2a" + _varint(len(body)) + body
    bearer = ("authorization", f"Bearer {ring.user_token()}")
    code, message, info, _ = await refusal(world.raw(method, body, bearer))
    assert (code, info.reason, info.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST", "billing")
    assert "Request" not in message
    assert "testing" not in message


def _varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])


@pytest.mark.parametrize(
    ("request_fields", "path", "rule"),
    [
        ({"text": "x" * 21}, "text", "string.max_len"),
        ({"text": "a\x00b"}, "text", "string.no_control_characters"),
        ({"text": "a\x7fb"}, "text", "string.no_control_characters"),
        ({"text": "a\x85b"}, "text", "string.no_control_characters"),
        ({"text": "a\rb"}, "text", "string.no_control_characters"),
        ({"color": 99}, "color", "enum.known"),
        ({"color": -1}, "color", "enum.known"),
        ({"items": [{"name": "a"}, {"name": ""}]}, "items[1].name", "string.min_len"),
        ({"items": [{"name": "a"}, {"name": "\x01"}]}, "items[1].name", "string.no_control_characters"),
        ({"nested": {"nested": {"text": "\x00"}}}, "nested.nested.text", "string.no_control_characters"),
        ({"nested": {"text": "y" * 21}}, "nested.text", "string.max_len"),
        ({"labels": {"k\x00": "v"}}, "labels[#0]", "string.no_control_characters"),
        ({"labels": {"k": "v\x1b"}}, "labels[#0]", "string.no_control_characters"),
    ],
)
async def test_rules_of_fields(world, ring, request_fields, path, rule):
    code, _, info, violations = await refusal(world.ask("Get", ring.user_token(), **request_fields))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert [(violation.field, violation.reason) for violation in violations] == [(path, rule)]
    assert world.echo.seen == []


@pytest.mark.parametrize(
    "request_fields",
    [
        {"text": "tab\tand\nline"},
        {"text": "žluťoučký 🐎"},
        {"batch": [{"name": ""}, {"name": "\x00"}], "text": "x"},
        {"color": 1, "text": "x", "labels": {"a": "b"}},
    ],
)
async def test_good_requests_pass(world, ring, request_fields):
    assert (await world.ask("Get", ring.user_token(), **request_fields)).text == request_fields["text"]


async def test_what_comes_again_is_judged_again_unless_it_was_good(world, ring):
    for _ in range(3):
        assert (await world.ask("Get", ring.user_token(), text="again")).text == "again"
        code, _, info, _ = await refusal(world.ask("Get", ring.user_token(), text="again\x00"))
        assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert len(world.echo.seen) == 3


async def test_more_good_requests_than_are_remembered(world, ring):
    texts = [f"text {number}" for number in range(ACCEPTED_MAX + 20)]
    for text in (*texts, texts[0], texts[-1]):
        assert (await world.ask("Get", ring.user_token(), text=text)).text == text


async def test_many_violations_still_fit_into_an_answer(world, ring):
    many = [{"name": ""}] * 2000
    code, _, info, violations = await refusal(world.ask("Get", ring.user_token(), items=many))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert violations[0].field == "items[0].name"
    assert 10 < len(violations) < 200


async def test_bug_leaks_nothing(world, ring, capsys):
    code, message, info, _ = await refusal(world.ask("Get", ring.user_token(), text="bug"))
    assert (code, message, info.reason) == (grpc.StatusCode.INTERNAL, "internal error", "INTERNAL")
    assert set(info.metadata) == {"error_id"}
    assert len(info.metadata["error_id"]) == 32


async def test_database_text_does_not_leak(world, ring):
    code, message, info, _ = await refusal(world.ask("Get", ring.user_token(), text="range"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "accounts" not in message
    assert "accounts" not in str(info)


async def test_refusal_keeps_reason_facts_and_violations(world, ring):
    code, message, info, violations = await refusal(world.ask("Get", ring.user_token(), text="refuse"))
    assert (code, message, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "not now", "ECHO_REFUSED")
    assert dict(info.metadata) == {"state": "closed"}
    assert [(v.field, v.description, v.reason) for v in violations] == [("text", "is refused", "echo.text")]


async def test_own_abort_passes(world, ring):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await world.ask("Get", ring.user_token(), text="abort")
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.DATA_LOSS, "by hand")


@pytest.mark.parametrize(("timeout", "least", "most"), [(None, 29, 30), (7, 6, 7), (100_000, 899, 900)])
async def test_every_call_has_a_deadline(world, ring, timeout, least, most):
    answer = await world.ask("Get", ring.user_token(), timeout=timeout)
    assert least <= int(answer.text) <= most


async def test_deadline_of_the_caller_ends_the_work(world, ring):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await world.ask("Get", ring.user_token(), text="wait", timeout=0.2)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_default_deadline_ends_the_work(world, ring, monkeypatch):
    handler = asyncio.timeout
    monkeypatch.setattr("billing_runtime.pipeline.stages.asyncio.timeout", lambda _limit: handler(0.05))
    code, _, info, _ = await refusal(world.ask("Get", ring.user_token(), text="wait", timeout=None))
    assert (code, info.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_stream_comes_in_order(world, ring):
    call = world.channel.unary_stream(world.path("Watch"))
    bearer = ("authorization", f"Bearer {ring.user_token()}")
    body = world.m.Request(text="n").SerializeToString()
    answers = [world.m.Response.FromString(raw).text async for raw in call(body, metadata=[bearer], timeout=5)]
    assert answers == ["n0", "n1", "n2"]


async def test_stream_may_fail_late(world, ring):
    call = world.channel.unary_stream(world.path("Watch"))
    bearer = ("authorization", f"Bearer {ring.user_token()}")
    stream = call(world.m.Request(text="late").SerializeToString(), metadata=[bearer], timeout=5)
    first, second = await stream.read(), await stream.read()
    assert first != second
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream.read()
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_large_message_is_refused(world, ring):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await world.ask("Get", ring.user_token(), text="x" * (5 << 20))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_unknown_method(world):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await world.raw("Nothing", b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


KEY = "idempotency-key"


async def test_key_becomes_part_of_the_call(world, ring, contract):
    for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
        await world.ask("Create", ring.user_token(), (KEY, "k-1"), text="x", labels=labels)
    first, second = (call.idempotency for call in world.echo.seen)
    assert (first.tenant_id, first.principal, first.key) == (contract.tenant, "user:alice", "k-1")
    assert first.method == f"{contract.service}/Create"
    assert len(first.request_hash) == 32
    assert first == second


async def test_other_request_has_other_hash(world, ring):
    for text in ("x", "y"):
        await world.ask("Create", ring.user_token(), (KEY, "k-1"), text=text)
    assert len({call.idempotency.request_hash for call in world.echo.seen}) == 2


async def test_key_of_a_service_belongs_to_the_service(world, ring):
    await world.ask("Create", ring.peer_token(), (KEY, "event/step"), text="x")
    assert world.echo.seen[0].idempotency.principal == "service:caller"


async def test_first_answer_comes_again(world, ring):
    assert (await world.ask("Create", ring.user_token(), (KEY, "k"), text="replay")).text == "first"


async def test_key_is_optional_or_required(world, ring):
    await world.ask("Create", ring.user_token(), text="x")
    assert world.echo.seen[0].idempotency is None
    code, _, info, _ = await refusal(world.ask("Pay", ring.user_token(), text="x"))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REQUIRED")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_bad_keys_are_refused(world, ring, key):
    code, _, info, _ = await refusal(world.ask("Create", ring.user_token(), (KEY, key), text="x"))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID")


async def test_read_ignores_the_key(world, ring):
    await world.ask("Get", ring.user_token(), (KEY, "k"), text="x")
    assert world.echo.seen[0].idempotency is None


@pytest.mark.parametrize("name", ["missing", "partial"])
async def test_undeclared_access_refuses_the_start(contract, name):
    partial = type(contract.read)(permission="x.read", audience=contract.read.audience)
    file = contract.file_of({"Get": None if name == "missing" else partial}, name=name)
    contract.messages_of(file)

    def add(server):
        handlers = {"Get": grpc.unary_unary_rpc_method_handler(None)}
        server.add_registered_method_handlers(f"{file.package}.EchoService", handlers)

    with pytest.raises(AccessUndeclared):
        mount(grpc.aio.server(), None, add)


async def test_streams_of_requests_refuse_the_start(m, contract):
    def add(server):
        server.add_registered_method_handlers(contract.service, {"Get": grpc.stream_unary_rpc_method_handler(None)})

    with pytest.raises(NotServable):
        mount(grpc.aio.server(), None, add)


async def test_audit_line_names_no_content(world, ring, contract):
    from structlog.testing import capture_logs

    with capture_logs() as lines:
        await world.ask("Create", ring.user_token(), ("x-correlation-id", "c-1"), text="private")
        with pytest.raises(grpc.aio.AioRpcError):
            await world.ask("Create", ring.user_token(role="billing_viewer"), text="private")
        await world.ask("Get", ring.user_token(), text="quiet")
    audits = [line for line in lines if line["event"] == "audit"]
    assert [line["outcome"] for line in audits] == ["OK", "PERMISSION_DENIED"]
    assert (audits[0]["actor"], audits[0]["tenant_id"], audits[0]["correlation_id"]) == (
        "user:alice",
        str(contract.tenant),
        "c-1",
    )
    assert "private" not in str(audits)
