"""The real service on a free port, with its own PostgreSQL database and keys; usage stands behind its port."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from billing.common.v1 import clock_service_pb2_grpc
from billing.subscriptions.v1 import (
    add_ons_service_pb2_grpc,
    catalog_service_pb2_grpc,
    coupons_service_pb2_grpc,
    customers_service_pb2_grpc,
    entitlements_service_pb2_grpc,
    features_service_pb2_grpc,
    imports_service_pb2_grpc,
    migrations_service_pb2_grpc,
    plans_service_pb2_grpc,
    prices_service_pb2_grpc,
    products_service_pb2_grpc,
    renewals_service_pb2_grpc,
    subscriptions_service_pb2_grpc,
)
from billing_devstack import keys as issuer
from billing_kernel.errors import DomainError
from billing_kernel.ids import encode
from billing_runtime.database import Database
from billing_runtime.keys import read_signing_key
from billing_runtime.service import Parts, Service, start
from billing_runtime.service_token import mint_service_token
from billing_runtime.settings import RuntimeSettings, Secret
from billing_subscriptions.config import Settings
from billing_subscriptions.domain.entitlement import Use
from billing_subscriptions.main import assemble
from google.rpc import error_details_pb2, status_pb2

STUBS = {
    "customers": customers_service_pb2_grpc.CustomersServiceStub,
    "plans": plans_service_pb2_grpc.PlansServiceStub,
    "subscriptions": subscriptions_service_pb2_grpc.SubscriptionsServiceStub,
    "renewals": renewals_service_pb2_grpc.RenewalsServiceStub,
    "imports": imports_service_pb2_grpc.ImportsServiceStub,
    "entitlements": entitlements_service_pb2_grpc.EntitlementsServiceStub,
    "add_ons": add_ons_service_pb2_grpc.AddOnsServiceStub,
    "catalog": catalog_service_pb2_grpc.CatalogServiceStub,
    "coupons": coupons_service_pb2_grpc.CouponsServiceStub,
    "features": features_service_pb2_grpc.FeaturesServiceStub,
    "prices": prices_service_pb2_grpc.PricesServiceStub,
    "products": products_service_pb2_grpc.ProductsServiceStub,
    "migrations": migrations_service_pb2_grpc.MigrationsServiceStub,
    "clock": clock_service_pb2_grpc.ClockServiceStub,
}


@dataclass(frozen=True)
class Client:
    """Stubs of a caller: `await client.plans("GetPlan", request, key="k")`; every call carries token and deadline."""

    channel: grpc.aio.Channel
    token: str

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.call, name)

    def call(self, stub: str, method: str, request: Any, key: str | None = None) -> Any:
        metadata = [("authorization", f"Bearer {self.token}")]
        if key:
            metadata.append(("idempotency-key", key))
        return getattr(STUBS[stub](self.channel), method)(request, metadata=metadata, timeout=20)


@dataclass
class FakeMeters:
    """`codes`: the meters that exist; `asked`: what was asked."""

    codes: frozenset[str] = frozenset({"api_calls"})
    asked: list[frozenset[str]] = field(default_factory=list)

    async def known(self, codes: frozenset[str]) -> frozenset[str]:
        self.asked.append(codes)
        return codes & self.codes


@dataclass
class FakeUsage:
    """`used`: how much of each meter; `refusal`: what it raises instead; `asked`: what was asked."""

    used: dict[str, int] = field(default_factory=dict)
    refusal: DomainError | None = None
    asked: list[Any] = field(default_factory=list)

    async def measure(self, subscription_ids: Sequence[UUID], wanted: Any) -> dict[Any, Use]:
        self.asked.append((subscription_ids, wanted))
        if self.refusal is not None:
            raise self.refusal
        return {each: Use(Fraction(self.used.get(each[0], 0))) for each in wanted}


@dataclass(frozen=True)
class Refusal:
    code: str
    reason: str
    fields: Sequence[str]


@dataclass(frozen=True)
class Keyring:
    keys: issuer.Keys

    def user(self, tenant_id: UUID, role: str = "billing_admin", customer_id: UUID | None = None) -> str:
        customer = encode("cus", customer_id) if customer_id else None
        return issuer.mint_user_token(self.keys, role, tenant_id, "alice", customer)

    def peer(self, tenant_id: UUID) -> str:
        key = read_signing_key(str(self.keys.service_key("invoicing")), str(self.keys.service_jwks))
        return mint_service_token(key, audience="subscriptions", tenant_id=tenant_id, actor="user:alice", cause="test")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(issuer.ensure(tmp_path_factory.mktemp("subscriptions-keys")))


@pytest.fixture(scope="session")
def meters() -> FakeMeters:
    return FakeMeters()


@pytest.fixture(scope="session")
def usage() -> FakeUsage:
    return FakeUsage()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def channel(
    service_database: Callable[..., Any], keyring: Keyring, meters: FakeMeters, usage: FakeUsage
) -> AsyncIterator[grpc.aio.Channel]:
    settings = RuntimeSettings(
        database_url=Secret(service_database("subscriptions", "billing_subscriptions").database_url),
        grpc_address="127.0.0.1:0",
        user_jwks=str(keyring.keys.user_jwks),
        user_issuer=issuer.USER_ISSUER,
        user_audience=issuer.USER_AUDIENCE,
        service_jwks=str(keyring.keys.service_jwks),
        service_key=str(keyring.keys.service_key("subscriptions")),
        drain_s=1.0,
        drain_notice_s=0.0,
    )

    def build(parts: Parts) -> Any:
        return assemble(parts.database, meters, Settings("127.0.0.1:1"), usage)

    running = await start(Service("subscriptions", "billing_subscriptions", settings, build), "serve", {})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as opened:
        yield opened
    await running.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("subscriptions", "billing_subscriptions").database_url, pool_max=4)
    yield opened
    await opened.close()


@pytest.fixture
def admin(channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    return Client(channel, keyring.user(tenant_id))


@pytest.fixture
def peer(channel: grpc.aio.Channel, keyring: Keyring, tenant_id: UUID) -> Client:
    """The invoicing service."""
    return Client(channel, keyring.peer(tenant_id))


@pytest.fixture
def client_of(channel: grpc.aio.Channel, keyring: Keyring) -> Callable[..., Client]:
    """client_of(tenant_id, role, customer_id) -> Client"""
    return lambda tenant_id, *who: Client(channel, keyring.user(tenant_id, *who))


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
    return Refusal(error.code().name, info.reason, tuple(violation.field for violation in bad.field_violations))
