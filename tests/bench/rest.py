"""The same Get by REST through Envoy against gRPC straight to the service."""

import urllib.request
from pathlib import Path

from tests.bench.calls import World, interleaved, measured, new_subscription, world
from tests.bench.figures import Row, median, row_of
from tests.bench.get import get_load
from tests.bench.load import Load

FLOOR = 0.60


def measure(root: Path) -> Row:
    """Each answer over REST equals the first one, byte for byte."""
    with world(root) as mesh:
        subscription_id = new_subscription(mesh)
        direct, rest = get_load(mesh, subscription_id), rest_load(mesh, subscription_id)
        pairs = interleaved(lambda: measured(direct, mesh.server), lambda: measured(rest, mesh.server))
    ratios = [over.result.per_s / straight.result.per_s for straight, over in pairs]
    figures = {
        "REST/s": median([over.result.per_s for _, over in pairs]),
        "gRPC/s": median([straight.result.per_s for straight, _ in pairs]),
        "REST p99 ms": median([over.result.p99_ms for _, over in pairs]),
        "gRPC p99 ms": median([straight.result.p99_ms for straight, _ in pairs]),
    }
    return row_of("rest", ratios, floor=FLOOR, figures=figures)


def rest_load(mesh: World, subscription_id: str) -> Load:
    """HTTP/2 without TLS, as the direct calls are."""
    address, path = mesh.fleet.edge(), f"/v1/subscriptions/{subscription_id}"
    bearer = f"Bearer {mesh.token}"
    request = urllib.request.Request(f"http://{address}{path}", headers={"authorization": bearer})
    with urllib.request.urlopen(request, timeout=10) as answer:
        expected: bytes = answer.read()
    assert subscription_id.encode() in expected
    first = [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", address)]
    return Load(address, [*first, ("authorization", bearer)], "", expected.hex())
