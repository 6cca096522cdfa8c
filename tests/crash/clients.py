"""Stubs of the mesh for one tenant; calls are repeated under the same key while a process is down."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import grpc
from billing.invoicing.v1 import billing_runs_service_pb2_grpc, sellers_service_pb2_grpc
from billing.payments.v1 import payment_methods_service_pb2_grpc
from billing.subscriptions.v1 import (
    customers_service_pb2_grpc,
    plans_service_pb2_grpc,
    renewals_service_pb2_grpc,
    subscriptions_service_pb2_grpc,
)
from billing.tax.v1 import registrations_service_pb2_grpc
from billing.usage.v1 import meters_service_pb2_grpc, usage_service_pb2_grpc
from billing_testkit.fleet import Fleet

PATIENCE_S = 60.0
PAUSE_S = 0.1
CALL_S = 20.0
AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED)
_OPTIONS = (("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 100))
_STUBS: Mapping[str, tuple[str, Any]] = {
    "customers": ("subscriptions", customers_service_pb2_grpc.CustomersServiceStub),
    "plans": ("subscriptions", plans_service_pb2_grpc.PlansServiceStub),
    "renewals": ("subscriptions", renewals_service_pb2_grpc.RenewalsServiceStub),
    "subscriptions": ("subscriptions", subscriptions_service_pb2_grpc.SubscriptionsServiceStub),
    "meters": ("usage", meters_service_pb2_grpc.MetersServiceStub),
    "usage": ("usage", usage_service_pb2_grpc.UsageServiceStub),
    "registrations": ("tax", registrations_service_pb2_grpc.RegistrationsServiceStub),
    "sellers": ("invoicing", sellers_service_pb2_grpc.SellersServiceStub),
    "runs": ("invoicing", billing_runs_service_pb2_grpc.BillingRunsServiceStub),
    "methods": ("payments", payment_methods_service_pb2_grpc.PaymentMethodsServiceStub),
}


class Clients:
    """`clients.call("plans", "CreatePlan", request, key="basic")`. The answer may have been given before a crash."""

    def __init__(self, fleet: Fleet, tenant: UUID) -> None:
        self.tenant = tenant
        self.token = fleet.token(tenant)
        self._channels = {name: grpc.insecure_channel(fleet.address(name), options=_OPTIONS) for name in fleet.specs}
        self._stubs = {
            name: stub(self._channels[service]) for name, (service, stub) in _STUBS.items() if service in self._channels
        }

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    def call(self, stub: str, method: str, request: Any, *, key: str = "") -> Any:
        """Raises grpc.RpcError for what repeating does not cure within PATIENCE_S."""
        metadata = [("authorization", f"Bearer {self.token}")]
        if key:
            metadata.append(("idempotency-key", str(uuid5(self.tenant, f"{method}|{key}"))))
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return getattr(self._stubs[stub], method)(request, metadata=metadata, timeout=CALL_S)
            except grpc.RpcError as error:
                if error.code() not in AGAIN or time.monotonic() > until:
                    raise
                time.sleep(PAUSE_S)
