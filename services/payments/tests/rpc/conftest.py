"""The real service on a free port, with its own PostgreSQL database and keys."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from billing.common.v1 import clock_service_pb2_grpc
from billing.payments.v1 import payment_methods_service_pb2_grpc, payments_service_pb2_grpc
from billing_devstack import keys as issuer
from billing_kernel.ids import encode
from billing_payments.config import PaymentsSettings
from billing_payments.main import service
from billing_runtime.keys import read_signing_key
from billing_runtime.service import start
from billing_runtime.service_token import mint_service_token
from billing_runtime.settings import RuntimeSettings, Secret
from google.rpc import error_details_pb2, status_pb2

STUBS = {
    "methods": payment_methods_service_pb2_grpc.PaymentMethodsServiceStub,
    "payments": payments_service_pb2_grpc.PaymentsServiceStub,
    "clock": clock_service_pb2_grpc.ClockServiceStub,
}


@dataclass(frozen=True)
class Client:
    """Stubs of a caller: every call carries its token, a deadline and, with `key`, an idempotency key."""

    channel: grpc.aio.Channel
    token: str

    async def __call__(self, service_name: str, method: str, request: Any, key: str | None = None) -> Any:
        metadata = [("authorization", f"Bearer {self.token}")]
        if key is not None:
            metadata.append(("idempotency-key", key))
        return await getattr(STUBS[service_name](self.channel), method)(request, metadata=metadata, timeout=10)


@dataclass(frozen=True)
class Refusal:
    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Keyring:
    keys: issuer.Keys

    def user(self, tenant_id: UUID, role: str = "billing_admin", customer_id: UUID | None = None) -> str:
        customer = encode("cus", customer_id) if customer_id else None
        return issuer.mint_user_token(self.keys, role, tenant_id, "alice", customer)

    def peer(self, tenant_id: UUID) -> str:
        key = read_signing_key(str(self.keys.service_key("invoicing")), str(self.keys.service_jwks))
        return mint_service_token(key, audience="payments", tenant_id=tenant_id, actor="user:alice", cause="test")


@pytest.fixture(scope="session")
def payments_keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(issuer.ensure(tmp_path_factory.mktemp("keys")))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def payments_channel(
    service_database: Callable[..., Any], payments_keyring: Keyring
) -> AsyncIterator[grpc.aio.Channel]:
    keys = payments_keyring.keys
    settings = RuntimeSettings(
        database_url=Secret(service_database("payments", "billing_payments").database_url),
        grpc_address="127.0.0.1:0",
        user_jwks=str(keys.user_jwks),
        user_issuer=issuer.USER_ISSUER,
        user_audience=issuer.USER_AUDIENCE,
        service_jwks=str(keys.service_jwks),
        service_key=str(keys.service_key("payments")),
        drain_s=1.0,
        drain_notice_s=0.0,
    )
    running = await start(service(settings, PaymentsSettings()), "serve", {})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel
    await running.stop()


@pytest.fixture
def client_of(payments_channel: grpc.aio.Channel, payments_keyring: Keyring) -> Callable[..., Client]:
    """client_of(tenant_id, role, customer_id) -> Client"""
    return lambda tenant_id, *who: Client(payments_channel, payments_keyring.user(tenant_id, *who))


@pytest.fixture
def admin(client_of: Callable[..., Client], tenant_id: UUID) -> Client:
    return client_of(tenant_id)


@pytest.fixture
def viewer(client_of: Callable[..., Client], tenant_id: UUID) -> Client:
    return client_of(tenant_id, "billing_viewer")


@pytest.fixture
def peer(payments_channel: grpc.aio.Channel, payments_keyring: Keyring, tenant_id: UUID) -> Client:
    """The invoicing service."""
    return Client(payments_channel, payments_keyring.peer(tenant_id))


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
    fields = tuple(violation.field for violation in bad.field_violations)
    return Refusal(error.code(), info.reason, fields, f"{error.details()} {info} {bad}")
