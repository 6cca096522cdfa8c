"""The real server with its pipeline on a free port and its own database; the other services are fakes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from billing.common.v1 import clock_service_pb2_grpc
from billing.invoicing.v1 import (
    account_credits_service_pb2_grpc,
    billing_runs_service_pb2_grpc,
    invoices_service_pb2_grpc,
    sellers_service_pb2_grpc,
    test_clocks_service_pb2_grpc,
)
from billing_devstack import keys as issuer
from billing_invoicing.main import SERVICE_NAMES, World, add_servicers
from billing_invoicing.rpc.invoices import Printing
from billing_invoicing.storage.rehydrate import REHYDRATE
from billing_kernel.ids import encode, uuid7
from billing_runtime.keys import read_signing_key
from billing_runtime.service import Built, Service, start
from billing_runtime.service_token import mint_service_token
from billing_runtime.settings import RuntimeSettings, Secret
from google.rpc import error_details_pb2, status_pb2

STUBS = {
    "sellers": sellers_service_pb2_grpc.SellersServiceStub,
    "runs": billing_runs_service_pb2_grpc.BillingRunsServiceStub,
    "invoices": invoices_service_pb2_grpc.InvoicesServiceStub,
    "account_credits": account_credits_service_pb2_grpc.AccountCreditsServiceStub,
    "clocks": test_clocks_service_pb2_grpc.TestClocksServiceStub,
    "clock": clock_service_pb2_grpc.ClockServiceStub,
}


@dataclass(frozen=True)
class Refusal:
    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Client:
    """`await client.invoices.GetInvoice(request)`: with the caller's token, a deadline and a fresh idempotency key."""

    channel: grpc.aio.Channel
    token: str

    def __getattr__(self, service: str) -> Any:
        return _Service(STUBS[service](self.channel), self.token)


@dataclass(frozen=True)
class _Service:
    stub: Any
    token: str

    def __getattr__(self, method: str) -> Any:
        def ask(request: Any, key: str | None = None) -> Any:
            metadata = [("authorization", f"Bearer {self.token}")]
            metadata += [("idempotency-key", str(uuid7()) if key is None else key)] if key != "" else []
            return getattr(self.stub, method)(request, metadata=metadata, timeout=10)

        return ask


@dataclass(frozen=True)
class Keyring:
    keys: issuer.Keys

    def user(self, tenant_id: UUID, role: str = "billing_admin", customer_id: UUID | None = None) -> str:
        customer = encode("cus", customer_id) if customer_id else None
        return issuer.mint_user_token(self.keys, role, tenant_id, "alice", customer)

    def peer(self, tenant_id: UUID) -> str:
        key = read_signing_key(str(self.keys.service_key("invoicing")), str(self.keys.service_jwks))
        return mint_service_token(key, audience="invoicing", tenant_id=tenant_id, actor="user:alice", cause="test")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(issuer.ensure(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="session")
def standing_world() -> World:
    from invoicing_fakes import FakeBlobs, FakeClocks, FakePrinter, FakeRenewals, FakeRetries, fake_peers

    printer = FakePrinter()
    return World(fake_peers(), FakeRenewals(), FakeClocks(), FakeRetries(), Printing(FakeBlobs(), printer.render))


@pytest.fixture
def world(standing_world: World) -> World:
    """The fakes, as new."""
    peers = standing_world.peers
    for fake in (peers.ratings, peers.taxes, peers.parties, standing_world.renewals, standing_world.clocks):
        fake.__init__()  # type: ignore[misc]
    return standing_world


@pytest.fixture
def peers(world: World) -> Any:
    """What the server asks is what the consumers of these tests ask."""
    return world.peers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def channel(
    service_database: Callable[..., Any], keyring: Keyring, standing_world: World
) -> AsyncIterator[grpc.aio.Channel]:
    settings = RuntimeSettings(
        database_url=Secret(service_database("invoicing", "billing_invoicing").database_url),
        grpc_address="127.0.0.1:0",
        user_jwks=str(keyring.keys.user_jwks),
        user_issuer=issuer.USER_ISSUER,
        user_audience=issuer.USER_AUDIENCE,
        service_jwks=str(keyring.keys.service_jwks),
        service_key=str(keyring.keys.service_key("invoicing")),
        drain_s=1.0,
        drain_notice_s=0.0,
    )

    def build(parts: Any) -> Built:
        return Built(partial(add_servicers, parts.database, standing_world), SERVICE_NAMES, rehydrate=REHYDRATE)

    running = await start(Service("invoicing", "billing_invoicing", settings, build), "serve", {})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as opened:
        yield opened
    await running.stop()


@pytest.fixture
def client_of(channel: grpc.aio.Channel, keyring: Keyring) -> Callable[..., Client]:
    """client_of(tenant_id, role, customer_id) -> Client"""
    return lambda tenant_id, *who: Client(channel, keyring.user(tenant_id, *who))


@pytest.fixture
def admin(client_of: Callable[..., Client], tenant_id: UUID, world: World) -> Client:
    return client_of(tenant_id)


@pytest.fixture
def stranger(client_of: Callable[..., Client]) -> Client:
    """The admin of another tenant."""
    return client_of(uuid7())


@pytest.fixture
def viewer(client_of: Callable[..., Client], tenant_id: UUID) -> Client:
    return client_of(tenant_id, "billing_viewer")


@pytest.fixture
def peer(channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    """Another service of the mesh."""
    return Client(channel, keyring.peer(tenant_id))


@pytest.fixture(scope="session")
def refused() -> Callable[[Any], Any]:
    """`await refused(call)`: the refusal of a call that must fail."""

    async def refusal(call: Any) -> Refusal:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
        return _refusal(raised.value)

    return refusal


def _refusal(error: grpc.aio.AioRpcError) -> Refusal:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(details).details:
        _ = detail.Unpack(info) or detail.Unpack(bad)
    return Refusal(error.code(), info.reason, tuple(violation.field for violation in bad.field_violations))
