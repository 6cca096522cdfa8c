"""The gRPC server: servicers behind the pipeline, health and reflection beside it, limits stated."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from billing_runtime.health import Health
from billing_runtime.pipeline.exchange import Surroundings
from billing_runtime.pipeline.mount import mount

MESSAGE_BYTES_MAX = 4 << 20
METADATA_BYTES_MAX = 16 << 10
CALLS_MAX = 1000
STREAMS_MAX = 256

_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.max_concurrent_streams", STREAMS_MAX),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),  # a taken port is refused, not shared
)


class AddressTaken(Exception):
    """The server cannot listen where it should."""


class MisnamedServices(Exception):
    """The services that were added are not those that the service says it has."""


async def open_server(
    address: str,
    surroundings: Surroundings,
    health_checks: Health,
    add_servicers: Callable[[grpc.aio.Server], None],
    service_names: Sequence[str],
) -> tuple[grpc.aio.Server, int]:
    """A started server and its port. Raises AddressTaken, or what `mount` refuses."""
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
    added = mount(server, surroundings, add_servicers)
    if set(added) != set(service_names):
        raise MisnamedServices(f"added {sorted(added)}, declared {sorted(service_names)}")
    health_checks.add_to(server, added)
    reflection.enable_server_reflection((*added, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressTaken(f"cannot listen on {address}") from error
    await health_checks.refresh()
    await server.start()
    return server, port
