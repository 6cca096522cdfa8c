"""Calls between services: token, deadline, trace, retries and refusals."""

import grpc
import pytest
from billing_kernel.errors import Kind
from billing_runtime import channel as outgoing
from billing_runtime import deadline, tracing
from billing_runtime.call import Call, Role, calling
from billing_runtime.channel import Channels, derived_key, translate
from billing_runtime.keys import KeysRefused, read_signing_key
from billing_runtime.remote_errors import PeerFailed, PeerUnavailable, RemoteRefusal
from billing_runtime.service_token import Minter
from billing_runtime.settings import SettingsRefused


@pytest.fixture
def call(contract):
    made = Call(contract.tenant, "user:alice", Role.BILLING_ADMIN, correlation_id="c-1", causation_id="e-1")
    with calling(made):
        yield made


@pytest.fixture
async def channels(world, ring):
    made = Channels(ring.settings(), {"TAX_ADDRESS": f"127.0.0.1:{world.running.port}"})
    yield made
    await made.close()


def _get(channels, m, contract, method="Get"):
    kind = "unary_stream" if method == "Watch" else "unary_unary"
    return getattr(channels.channel("tax"), kind)(
        f"/{contract.service}/{method}", m.Request.SerializeToString, m.Response.FromString
    )


async def test_call_carries_tenant_actor_cause_and_trace(channels, world, m, contract, call):
    given = tracing.Tracing("caller", 0).enter("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    await _get(channels, m, contract, "Inside")(m.Request(text="x"), timeout=5)
    (seen,) = world.echo.seen
    assert (seen.tenant_id, seen.actor, seen.role) == (call.tenant_id, "user:alice", Role.SERVICE)
    assert (seen.correlation_id, seen.causation_id, seen.traceparent) == ("c-1", "e-1", given)


async def test_stream_is_read(channels, m, contract, call):
    answers = [answer.text async for answer in _get(channels, m, contract, "Watch")(m.Request(text="n"), timeout=5)]
    assert answers == ["n0", "n1", "n2"]


async def test_refusal_arrives_as_it_was(channels, m, contract, call):
    with pytest.raises(RemoteRefusal) as refused:
        await _get(channels, m, contract)(m.Request(text="refuse"), timeout=5)
    error = refused.value
    assert (error.kind, error.reason, error.message) == (Kind.PRECONDITION, "ECHO_REFUSED", "not now")
    assert dict(error.facts) == {"state": "closed"}
    assert [(v.field, v.rule) for v in error.violations] == [("text", "echo.text")]
    assert not error.transient


async def test_late_refusal_of_a_stream(channels, m, contract, call):
    answers = _get(channels, m, contract, "Watch")(m.Request(text="late"), timeout=5)
    assert [(await anext(answers)).text, (await anext(answers)).text] == ["late0", "late1"]
    with pytest.raises(RemoteRefusal) as refused:
        await anext(answers)
    assert refused.value.kind is Kind.NOT_FOUND


async def test_bug_over_there_is_not_retried_for_ever(channels, m, contract, call):
    with pytest.raises(PeerFailed) as failed:
        await _get(channels, m, contract)(m.Request(text="bug"), timeout=5)
    assert (failed.value.kind, failed.value.transient) == (Kind.UNAVAILABLE, False)


async def test_nobody_there_is_transient(ring, m, contract, call):
    channels = Channels(ring.settings(), {"TAX_ADDRESS": "127.0.0.1:1"})
    with pytest.raises(PeerUnavailable) as failed:
        await _get(channels, m, contract)(m.Request(text="x"), timeout=2)
    assert failed.value.transient
    await channels.close()


async def test_deadline_is_demanded_and_inherited(channels, world, m, contract, call):
    ask = _get(channels, m, contract)
    with pytest.raises(AssertionError, match="deadline"):
        await ask(m.Request(text="x"))
    deadline.set_remaining(4.0)
    assert int((await ask(m.Request())).text) <= 4
    assert int((await ask(m.Request(), timeout=2)).text) <= 2
    deadline.set_remaining(0.0)
    with pytest.raises(outgoing.DeadlineExceeded):
        await ask(m.Request(text="x"), timeout=5)


async def test_call_outside_of_any_context_is_a_bug(channels, m, contract):
    with pytest.raises(LookupError):
        await _get(channels, m, contract)(m.Request(text="x"), timeout=5)


def test_address_and_key_are_demanded(ring):
    with pytest.raises(SettingsRefused, match="USAGE_ADDRESS"):
        Channels(ring.settings(), {}).channel("usage")
    with pytest.raises(KeysRefused):
        Channels(ring.settings(service_key="/nowhere"), {"TAX_ADDRESS": "127.0.0.1:1"}).channel("tax")


def test_tokens_are_kept_by_audience_tenant_actor_and_cause(ring, contract):
    settings = ring.settings()
    minter = Minter(read_signing_key(settings.service_key, settings.service_jwks))
    first = minter.token("tax", contract.tenant, "user:a", "e-1")
    assert minter.token("tax", contract.tenant, "user:a", "e-1") == first
    others = {
        minter.token("usage", contract.tenant, "user:a", "e-1"),
        minter.token("tax", contract.customer, "user:a", "e-1"),
        minter.token("tax", contract.tenant, "user:b", "e-1"),
        minter.token("tax", contract.tenant, "user:a", "e-2"),
    }
    assert len(others | {first}) == 5


def test_only_reads_are_retried():
    config = outgoing._retries("tax")
    names = {name["method"] for entry in config["methodConfig"] for name in entry["name"]}
    assert names
    assert not {name for name in names if name.startswith(("Create", "Update", "Delete"))}


@pytest.mark.parametrize(
    ("code", "kind", "transient"),
    [
        (grpc.StatusCode.UNAVAILABLE, Kind.UNAVAILABLE, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Kind.DEADLINE, True),
        (grpc.StatusCode.UNAUTHENTICATED, Kind.UNAVAILABLE, True),
        (grpc.StatusCode.CANCELLED, Kind.UNAVAILABLE, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, True),
        (grpc.StatusCode.UNIMPLEMENTED, Kind.UNAVAILABLE, False),
        (grpc.StatusCode.PERMISSION_DENIED, Kind.UNAVAILABLE, False),
        (grpc.StatusCode.INTERNAL, Kind.UNAVAILABLE, False),
    ],
)
def test_bare_codes(code, kind, transient):
    refusal = translate(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata()))
    assert (refusal.kind, refusal.transient) == (kind, transient)


@pytest.mark.parametrize(
    ("text", "transient"),
    [
        ("Concurrent RPC limit exceeded!", True),
        ("CLIENT: Received message larger than max (5000000 vs. 4194304)", False),
        ("SERVER: Received message larger than max (5000000 vs. 4194304)", False),
        ("CLIENT: Sent message larger than max (5000000 vs. 4194304)", False),
    ],
)
def test_a_busy_peer_is_asked_again_and_a_message_that_is_too_large_is_not(text, transient):
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    refusal = translate(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), text))
    assert refusal.transient == transient


def test_derived_keys_repeat():
    assert derived_key("e-1", "settle") == derived_key("e-1", "settle") != derived_key("e-1", "refund")
