"""GetSubscription of one row over gRPC, everything on, against a bare echo."""

import statistics
from pathlib import Path

from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as subscriptions_grpc

from tests.bench.calls import GET, World, interleaved, measured, new_subscription, world
from tests.bench.figures import Row, median, row_of
from tests.bench.load import Load, grpc_frame, grpc_headers

FLOOR, AIM = 0.12, 0.30


def measure(root: Path) -> Row:
    """Each of the answers equals the first one, byte for byte."""
    with world(root) as mesh:
        load = get_load(mesh, new_subscription(mesh))
        pairs = interleaved(lambda: measured(mesh.echo(), mesh.echo_server), lambda: measured(load, mesh.server))
    ratios = [get.result.per_s / echo.result.per_s for echo, get in pairs]
    figures = {
        "ratio by CPU": round(statistics.median(echo.cpu_us / get.cpu_us for echo, get in pairs), 3),
        "get/s": median([get.result.per_s for _, get in pairs]),
        "echo/s": median([echo.result.per_s for echo, _ in pairs]),
        "get µs CPU": median([get.cpu_us for _, get in pairs]),
        "echo µs CPU": median([echo.cpu_us for echo, _ in pairs]),
        "p99 ms": median([get.result.p99_ms for _, get in pairs]),
    }
    return row_of("get", ratios, floor=FLOOR, aim=AIM, figures=figures)


def get_load(mesh: World, subscription_id: str) -> Load:
    """The load and what it must answer, which a generated client has read first."""
    request = subscriptions.GetSubscriptionRequest(subscription_id=subscription_id)
    stub = subscriptions_grpc.SubscriptionsServiceStub(mesh.channel)
    answer = stub.GetSubscription(request, metadata=mesh.credentials)
    assert answer.subscription.subscription_id == subscription_id
    address = mesh.fleet.address("subscriptions")
    body, expected = request.SerializeToString(), answer.SerializeToString(deterministic=True)
    headers = grpc_headers(address, GET, mesh.token)
    return Load(address, headers, grpc_frame(body).hex(), grpc_frame(expected).hex())
