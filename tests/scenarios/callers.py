"""Who calls: typed stubs of every service whose calls carry a token, a deadline and, where wanted, a key."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
from billing.common.v1 import access_pb2, clock_service_pb2_grpc
from billing.invoicing.v1 import (
    billing_runs_service_pb2_grpc,
    invoices_service_pb2_grpc,
    sellers_service_pb2_grpc,
    test_clocks_service_pb2_grpc,
)
from billing.payments.v1 import payment_methods_service_pb2_grpc, payments_service_pb2_grpc
from billing.subscriptions.v1 import (
    coupons_service_pb2_grpc,
    customers_service_pb2_grpc,
    migrations_service_pb2_grpc,
    plans_service_pb2_grpc,
    subscriptions_service_pb2_grpc,
)
from billing.tax.v1 import exemptions_service_pb2_grpc, registrations_service_pb2_grpc, tax_service_pb2_grpc
from billing.usage.v1 import meters_service_pb2_grpc, usage_service_pb2_grpc
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2, status_pb2

from tests.scenarios.servers import NAMES, Servers

DEADLINE_S = 30.0
TokenOf = Callable[[str], str]


class Signed(grpc.aio.UnaryUnaryClientInterceptor):
    """Adds the token, a deadline and a fresh idempotency key to calls that may carry one."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        given = list(details.metadata or ())
        metadata = grpc.aio.Metadata(*given, ("authorization", f"Bearer {self.token}"))
        path = details.method.decode() if isinstance(details.method, bytes) else details.method
        if access_of(path).idempotency == access_pb2.IDEMPOTENCY_MODE_KEY and "idempotency-key" not in dict(given):
            metadata.add("idempotency-key", uuid4().hex)
        signed = details._replace(metadata=metadata, timeout=details.timeout or DEADLINE_S)
        return await continuation(signed, request)


class Caller:
    """Stubs by resource. `token_of(service)` is the token for that service."""

    def __init__(self, servers: Servers, token_of: TokenOf) -> None:
        self.tokens = {name: token_of(name) for name in NAMES}
        self.channels = {
            name: grpc.aio.insecure_channel(servers.address(name), interceptors=[Signed(token)])
            for name, token in self.tokens.items()
        }
        on = self.channels
        self.customers = customers_service_pb2_grpc.CustomersServiceStub(on["subscriptions"])
        self.plans = plans_service_pb2_grpc.PlansServiceStub(on["subscriptions"])
        self.subscriptions = subscriptions_service_pb2_grpc.SubscriptionsServiceStub(on["subscriptions"])
        self.coupons = coupons_service_pb2_grpc.CouponsServiceStub(on["subscriptions"])
        self.migrations = migrations_service_pb2_grpc.MigrationsServiceStub(on["subscriptions"])
        self.meters = meters_service_pb2_grpc.MetersServiceStub(on["usage"])
        self.usage = usage_service_pb2_grpc.UsageServiceStub(on["usage"])
        self.taxes = tax_service_pb2_grpc.TaxServiceStub(on["tax"])
        self.registrations = registrations_service_pb2_grpc.RegistrationsServiceStub(on["tax"])
        self.exemptions = exemptions_service_pb2_grpc.ExemptionsServiceStub(on["tax"])
        self.sellers = sellers_service_pb2_grpc.SellersServiceStub(on["invoicing"])
        self.runs = billing_runs_service_pb2_grpc.BillingRunsServiceStub(on["invoicing"])
        self.invoices = invoices_service_pb2_grpc.InvoicesServiceStub(on["invoicing"])
        self.test_clocks = test_clocks_service_pb2_grpc.TestClocksServiceStub(on["invoicing"])
        self.methods = payment_methods_service_pb2_grpc.PaymentMethodsServiceStub(on["payments"])
        self.payments = payments_service_pb2_grpc.PaymentsServiceStub(on["payments"])
        self.clocks = {
            name: clock_service_pb2_grpc.ClockServiceStub(channel) for name, channel in self.channels.items()
        }

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()


def access_of(path: str) -> access_pb2.Access:
    """The access option of "/package.Service/Method"."""
    method = descriptor_pool.Default().FindMethodByName(path.lstrip("/").replace("/", "."))
    access: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]
    return access


async def refusal(call: Awaitable[Any]) -> tuple[str, str]:
    """(code, reason) with which the call is refused; ("OK", "") when it is not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name, reason_of(error)
    return "OK", ""


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The stable reason of a refusal; empty when it has none."""
    found = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if found is None:
        return ""
    for detail in status_pb2.Status.FromString(found).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
