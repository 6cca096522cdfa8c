"""The real service on a free port, with its own PostgreSQL database and keys."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from billing.common.v1 import clock_service_pb2_grpc
from billing.usage.v1 import meters_service_pb2_grpc, rating_service_pb2_grpc, usage_service_pb2_grpc
from billing_devstack import keys as issuer
from billing_kernel.ids import encode
from billing_runtime.keys import read_signing_key
from billing_runtime.service import start
from billing_runtime.service_token import mint_service_token
from billing_runtime.settings import RuntimeSettings, Secret
from billing_usage.main import service
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Client:
    """Stubs of a caller: every call carries its token, a deadline and, with `key=`, an idempotency key."""

    channel: grpc.aio.Channel
    token: str

    def _options(self, key: str | None) -> dict[str, Any]:
        metadata = [("authorization", f"Bearer {self.token}")]
        return {"metadata": [*metadata, ("idempotency-key", key)] if key else metadata, "timeout": 10}

    async def usage(self, method: str, request: Any) -> Any:
        stub = usage_service_pb2_grpc.UsageServiceStub(self.channel)
        return await getattr(stub, method)(request, **self._options(None))

    async def rate(self, request: Any) -> list[Any]:
        stub = rating_service_pb2_grpc.RatingServiceStub(self.channel)
        return [answer async for answer in stub.BatchRateUsage(request, **self._options(None))]

    async def meters(self, method: str, request: Any, key: str | None = None) -> Any:
        stub = meters_service_pb2_grpc.MetersServiceStub(self.channel)
        return await getattr(stub, method)(request, **self._options(key))

    async def clock(self, method: str, request: Any) -> Any:
        return await getattr(clock_service_pb2_grpc.ClockServiceStub(self.channel), method)(
            request, **self._options(None)
        )


@dataclass(frozen=True)
class Refusal:
    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Keyring:
    keys: issuer.Keys

    def user(self, tenant_id: UUID, role: str = "billing_admin", customer_id: UUID | None = None) -> str:
        customer = encode("cus", customer_id) if customer_id else None
        return issuer.mint_user_token(self.keys, role, tenant_id, "alice", customer)

    def peer(self, tenant_id: UUID) -> str:
        key = read_signing_key(str(self.keys.service_key("invoicing")), str(self.keys.service_jwks))
        return mint_service_token(key, audience="usage", tenant_id=tenant_id, actor="user:alice", cause="test")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(issuer.ensure(tmp_path_factory.mktemp("keys")))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def usage_channel(usage_url: str, keyring: Keyring) -> AsyncIterator[grpc.aio.Channel]:
    settings = RuntimeSettings(
        database_url=Secret(usage_url),
        grpc_address="127.0.0.1:0",
        user_jwks=str(keyring.keys.user_jwks),
        user_issuer=issuer.USER_ISSUER,
        user_audience=issuer.USER_AUDIENCE,
        service_jwks=str(keyring.keys.service_jwks),
        service_key=str(keyring.keys.service_key("usage")),
        drain_s=1.0,
        drain_notice_s=0.0,
    )
    running = await start(service(settings), "serve", {"EVENT_AGE_MAX_DAYS": "3650", "RATED_EVENTS_MAX": "300"})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel
    await running.stop()


@pytest.fixture
def admin(usage_channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    return Client(usage_channel, keyring.user(tenant_id))


@pytest.fixture
def viewer(usage_channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    return Client(usage_channel, keyring.user(tenant_id, "billing_viewer"))


@pytest.fixture
def peer(usage_channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    """The invoicing service."""
    return Client(usage_channel, keyring.peer(tenant_id))


@pytest.fixture
def client_of(usage_channel: grpc.aio.Channel, keyring: Keyring) -> Callable[..., Client]:
    """client_of(tenant_id, role, customer_id) -> Client"""
    return lambda tenant_id, *who: Client(usage_channel, keyring.user(tenant_id, *who))


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
