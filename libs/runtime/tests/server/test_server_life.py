"""Start, health, drain, traces and metrics of a running service."""

import asyncio
import urllib.request

import grpc
import pytest
from billing_runtime import logs, tracing
from billing_runtime.authentication import Authenticator
from billing_runtime.health import Check, Health
from billing_runtime.keys import KeySet
from billing_runtime.pipeline.exchange import Surroundings
from billing_runtime.server import AddressTaken, open_server
from billing_runtime.service import Built, Service, run, start
from billing_runtime.settings import Secret, SettingsRefused
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
TRACE = "0af7651916cd43dd8448eb211c80319c"


async def health_of(channel, name=""):
    call = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    return (await call(health_pb2.HealthCheckRequest(service=name), timeout=5)).status


async def test_call_in_flight_finishes_while_probes_fail(open_world, ring):
    world = await open_world(drain_notice_s=0.3)
    slow = asyncio.create_task(world.ask("Get", ring.user_token(), text="wait"))
    await world.echo.entered.wait()
    stopping = asyncio.create_task(world.running.stop())
    await asyncio.sleep(0.05)
    assert await health_of(world.channel) == NOT_SERVING
    assert (await world.ask("Get", ring.user_token(), text="still")).text == "still"
    assert not stopping.done()
    await asyncio.sleep(0.4)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.ask("Get", ring.user_token(), text="late", timeout=1)
    assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    world.echo.gate.set()
    assert (await slow).text == "wait"
    await stopping


async def test_health_follows_its_checks(contract):
    broken: set[str] = set()

    def check(name, decides=True):
        async def probe():
            if name in broken:
                raise ConnectionError(name)

        return Check(name, probe, decides)

    health = Health("tax", [check("database"), check("kafka", decides=False)], failures_max=2)
    server = grpc.aio.server()
    health.add_to(server, [contract.service])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")

    async def seen():
        await health.refresh()
        names = ("", contract.service, "liveness", "check/kafka")
        return [await health_of(channel, name) == SERVING for name in names]

    assert await seen() == [True, True, True, True]
    broken.add("kafka")
    assert [await seen(), await seen()][-1] == [True, True, True, False]
    broken.add("database")
    assert await seen() == [True, True, True, False], "one failure is no outage"
    assert await seen() == [False, False, True, False]
    broken.clear()
    assert await seen() == [True, True, True, True]
    await health.drain()
    assert await seen() == [False, False, False, False]
    await channel.close()
    await server.stop(0)


async def test_reflection_lists_every_service(world, contract):
    call = world.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    stream = call(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5)
    answer = await stream.read()
    names = {service.name for service in answer.list_services_response.service}
    assert names == {contract.service, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_metrics_count_calls_by_method_and_code(world, ring, contract):
    await world.ask("Get", ring.user_token(), text="x")
    with pytest.raises(grpc.aio.AioRpcError):
        await world.ask("Get", "nonsense", text="x")
    url = f"http://127.0.0.1:{world.running.metrics_port}/metrics"
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    for code in ("OK", "UNAUTHENTICATED"):
        assert f'billing_rpc_total{{code="{code}",method="{contract.service}/Get"}}' in page
    assert "billing_rpc_duration_seconds_bucket" in page


@pytest.fixture
async def traced(ring, contract, m):
    """(channel, echo, spans) of a server that exports every sampled span to memory."""
    exporter = InMemorySpanExporter()
    tracer = tracing.Tracing("tax", 1.0, SimpleSpanProcessor(exporter))
    settings = ring.settings()
    users, services = KeySet(settings.user_jwks, "RS256"), KeySet(settings.service_jwks, "ES256")
    judge = Authenticator("tax", users, services, settings.user_issuer, settings.user_audience)
    await judge.open()
    echo = contract.Echo(m)
    health = Health("tax", [])
    server, port = await open_server("127.0.0.1:0", Surroundings(judge, tracer), health, echo.add, [contract.service])
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    yield channel, echo, exporter
    await channel.close()
    await server.stop(0)


async def _ask(channel, ring, contract, m, *metadata):
    bearer = ("authorization", f"Bearer {ring.user_token()}")
    body = m.Request(text="x").SerializeToString()
    await channel.unary_unary(f"/{contract.service}/Get")(body, metadata=[bearer, *metadata], timeout=5)


async def test_sampled_trace_goes_on(traced, ring, contract, m):
    channel, echo, exporter = traced
    await _ask(channel, ring, contract, m, ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"))
    (span,) = exporter.get_finished_spans()
    assert (span.name, f"{span.context.trace_id:032x}") == (f"{contract.service}/Get", TRACE)
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert echo.seen[0].traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"


async def test_unsampled_trace_goes_on_without_span(traced, ring, contract, m):
    channel, echo, exporter = traced
    given = f"00-{TRACE}-b7ad6b7169203331-00"
    await _ask(channel, ring, contract, m, ("traceparent", given))
    assert exporter.get_finished_spans() == ()
    assert echo.seen[0].traceparent == given


async def test_trace_begins_here(traced, ring, contract, m):
    channel, echo, exporter = traced
    await _ask(channel, ring, contract, m)
    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert echo.seen[0].traceparent[3:35] == f"{span.context.trace_id:032x}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "abc",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-b7ad6b7169203331-01",
    ],
)
def test_bad_traceparent_is_dropped(header):
    assert tracing.extract(header) is None


async def test_taken_port_is_refused(world, ring):
    address = f"127.0.0.1:{world.running.port}"
    settings = ring.settings()
    users = KeySet(settings.user_jwks, "RS256")
    judge = Authenticator("tax", users, users, "", "")
    with pytest.raises(AddressTaken):
        await open_server(
            address, Surroundings(judge, tracing.Tracing("tax", 0)), Health("tax", []), lambda _s: None, []
        )


@pytest.mark.parametrize("role", ["relay", "consume", "all"])
async def test_roles_with_kafka_refuse_to_start_without_it(ring, role):
    with pytest.raises(SettingsRefused, match="KAFKA_BOOTSTRAP_SERVERS"):
        await start(Service("tax", "none", ring.settings(), lambda _parts: None), role)


@pytest.mark.parametrize(("role", "said"), [("cook", "role must be one of"), ("migrate", "MIGRATION_DATABASE_URL")])
def test_refused_start_is_a_sentence(ring, capsys, monkeypatch, role, said):
    monkeypatch.setattr(logs, "configure", lambda _level: None)  # the whole test process would log as a service does
    with pytest.raises(SystemExit) as ended:
        run(Service("tax", "none", ring.settings(), lambda _parts: Built(lambda _s: None, ())), role)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


def test_settings_do_not_show_secrets(ring):
    assert "hunter2" not in repr(ring.settings(database_url=Secret("postgresql://a:hunter2@db/x")))
