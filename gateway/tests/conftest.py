"""A real Envoy before one small gRPC server that stands for all five services."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from billing_devstack import envoy, keys, ports
from billing_gateway import edge
from billing_gateway.contract import committed
from billing_gateway.settings import AREAS, EdgeSettings
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

TENANT = "01900000-0000-7000-8000-000000000001"
ORIGIN = "https://app.billing.test"
TENANT_RATE = 1000


@dataclass
class Upstream(grpc.GenericRpcHandler):
    """Answers every unary method with `answers[path]`: bytes, or (code, details bytes). Remembers what came."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, Any], bytes]] = field(default_factory=list)

    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method

        async def answer(raw: bytes, context: Any) -> bytes:
            self.seen.append((path, dict(context.invocation_metadata()), raw))
            found = self.answers.get(path, b"")
            if isinstance(found, tuple):
                code, message, details = found
                await context.abort(code, message, (("grpc-status-details-bin", details),))
            return found

        return grpc.unary_unary_rpc_method_handler(answer)


@cache
def mint(folder: Path, role: str, tenant: str, **options: Any) -> str:
    """Loading an RSA key is slow: one token for the same wish."""
    return keys.mint_user_token(keys.Keys(folder), role, tenant, "alice", **options)


@dataclass(frozen=True)
class World:
    url: str
    folder: Path
    admin: int
    ring: keys.Keys
    upstream: Upstream
    target: str

    def token(self, tenant: str = TENANT, role: str = "billing_admin", **options: Any) -> str:
        return mint(self.ring.folder, role, tenant, **options)

    def bearer(self, **options: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**options)}"}


def settings(folder: Path, **changes: Any) -> EdgeSettings:
    """Complete settings with keys of the test's own."""
    base: dict[str, Any] = {
        "user_jwks": keys.ensure(folder / "keys").user_jwks,
        "user_issuer": keys.USER_ISSUER,
        "user_audience": keys.USER_AUDIENCE,
    }
    return EdgeSettings(**(base | changes))


@pytest.fixture(scope="session")
def contract():
    return committed()


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("settings")
    return lambda **changes: settings(folder, **changes)


@pytest_asyncio.fixture(scope="session")
async def upstream_server() -> AsyncIterator[tuple[str, Upstream]]:
    upstream = Upstream()
    server = grpc.aio.server()
    live: Any = health.aio.HealthServicer()
    await live.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(live, server)
    server.add_generic_rpc_handlers((upstream,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", upstream
    await server.stop(0)


@pytest_asyncio.fixture(scope="session")
async def edges(tmp_path_factory: pytest.TempPathFactory, upstream_server: Any):
    """Starts edges with changed settings; all are stopped at the end."""
    address, upstream = upstream_server
    running: list[envoy.Envoy] = []

    async def start(tamper: Callable[[Path], None] = lambda folder: None, **changes: Any) -> World:
        folder = tmp_path_factory.mktemp("edge")
        chosen = ports.choose_all({"edge": 0, "admin": 0})
        services = {f"{area}_address": address for area in AREAS}
        own = {"edge_address": chosen["edge"].address, "edge_admin_address": chosen["admin"].address}
        limits = {"edge_tenant_rate_per_s": TENANT_RATE, "edge_cors_origins": (ORIGIN,)}
        config = edge.write(settings(folder, **{**services, **own, **limits, **changes}), folder / "out")
        tamper(config.parent)
        running.append(envoy.start(config, chosen["admin"].number, folder / "edge.log"))
        ring, url = keys.Keys(folder / "keys"), f"http://{chosen['edge'].address}"
        return World(url, folder / "out", chosen["admin"].number, ring, upstream, chosen["edge"].address)

    yield start
    for each in running:
        each.stop()


async def wait_ready(world: World) -> None:
    """Until every service is known to answer."""
    async with httpx.AsyncClient(base_url=world.url) as client:
        for _ in range(200):
            if (await client.get("/readyz")).status_code == 200:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the services stay unhealthy")


@pytest.fixture(scope="session")
def ready():
    return wait_ready


@pytest_asyncio.fixture(scope="session")
async def world(edges: Any) -> World:
    made = await edges()
    await wait_ready(made)
    return made


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the edge, without a token."""
    world.upstream.seen.clear()
    world.upstream.answers.clear()
    async with httpx.AsyncClient(base_url=world.url, timeout=20) as client:
        yield client
