"""Asking a gRPC service how it is, by the standard health protocol."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

CHECK_S = 2.0


class GrpcHealth:
    """Checks one address; keeps its channel. Call it from any thread."""

    def __init__(self, address: str) -> None:
        # Unlike a caller, a watcher wants to know at once when a service is back.
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
        self._stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(address, options=options))

    def __call__(self) -> bool:
        """True when the service says SERVING."""
        try:
            answer = self._stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
