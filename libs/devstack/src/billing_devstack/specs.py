"""What the stack runs besides the data parts: services and the edge, named by their modules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from billing_devstack.ports import listening

EDGE_PORT = 8080
EDGE_ADMIN_PORT = 9901
METRICS_SHIFT = 1000


Check = Callable[[], bool]


def grpc_health(address: str) -> Check:
    """The standard health protocol at this address."""
    from billing_devstack.health import GrpcHealth  # gRPC is loaded only where services run

    return GrpcHealth(address)


def accepts_connections(address: str) -> Check:
    """Somebody listens at this address: for what speaks no health protocol."""
    return partial(listening, int(address.rpartition(":")[2]))


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service of the mesh, run as `python -m <module> all` after `python -m <module> migrate`.

    `port` is the preferred gRPC port; metrics prefer it plus 1000. `settings` are added to its environment, where
    `{root}` stands for the absolute path of the stack's folder.
    """

    name: str
    module: str
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    migrates: bool = True
    health: Callable[[str], Check] = grpc_health

    def argv(self, role: str) -> list[str]:
        return [sys.executable, "-m", self.module, role]


@dataclass(frozen=True, slots=True)
class EdgeSpec:
    """The gateway: renders its configuration (`<module> render --out DIR` makes DIR/envoy.yaml)."""

    module: str = "billing_gateway"
    config_name: str = "envoy.yaml"

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", self.module, *words]


SERVICES: Sequence[ServiceSpec] = (
    ServiceSpec("subscriptions", "billing_subscriptions", 50051),
    ServiceSpec("usage", "billing_usage", 50052),
    ServiceSpec("invoicing", "billing_invoicing", 50053, {"BLOB_URL": "file://{root}/blobs"}),
    ServiceSpec("tax", "billing_tax", 50054),
    ServiceSpec("payments", "billing_payments", 50055),
)
