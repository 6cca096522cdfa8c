"""CreateCustomer with an idempotency key and its event in the outbox, against a bare echo."""

import statistics
from pathlib import Path

import psycopg
from billing.subscriptions.v1 import customers_service_pb2_grpc as customers_grpc
from billing_kernel.ids import uuid7

from tests.bench.calls import CREATE, World, interleaved, measured, world
from tests.bench.figures import Row, median, row_of
from tests.bench.load import Load, grpc_frame, grpc_headers
from tests.crash.business import new_customer

FLOOR, AIM = 0.08, 0.25
COUNTS = """SELECT (SELECT count(*) FROM customer WHERE tenant_id = %(tenant)s),
(SELECT count(*) FROM idempotency WHERE tenant_id = %(tenant)s),
(SELECT count(DISTINCT event_id) FROM outbox WHERE tenant_id = %(tenant)s)"""


def measure(root: Path) -> Row:
    """Each key has made one customer, one event and one stored answer; a key used again gives the first answer."""
    done = 0

    with world(root) as mesh:

        def create():  # type: ignore[no-untyped-def]
            nonlocal done
            found = measured(create_load(mesh), mesh.server)
            done += found.result.done
            return found

        pairs = interleaved(lambda: measured(mesh.echo(), mesh.echo_server), create)
        _assert_once(mesh, done)
    ratios = [made.result.per_s / echo.result.per_s for echo, made in pairs]
    figures = {
        "ratio by CPU": round(statistics.median(echo.cpu_us / made.cpu_us for echo, made in pairs), 3),
        "create/s": median([made.result.per_s for _, made in pairs]),
        "echo/s": median([echo.result.per_s for echo, _ in pairs]),
        "create µs CPU": median([made.cpu_us for _, made in pairs]),
        "p99 ms": median([made.result.p99_ms for _, made in pairs]),
        "customers": done,
    }
    return row_of("create", ratios, floor=FLOOR, aim=AIM, figures=figures)


def create_load(mesh: World) -> Load:
    """Creates with keys that nobody has used."""
    address, request = mesh.fleet.address("subscriptions"), new_customer()
    expected = _create(mesh, f"look-{uuid7()}")
    headers = grpc_headers(address, CREATE, mesh.token)
    body = grpc_frame(request.SerializeToString()).hex()
    return Load(address, headers, body, grpc_frame(expected).hex(), alike=True, key_prefix=f"{uuid7()}-")


def _create(mesh: World, key: str) -> bytes:
    metadata = (*mesh.credentials, ("idempotency-key", key))
    stub = customers_grpc.CustomersServiceStub(mesh.channel)
    return stub.CreateCustomer(new_customer(), metadata=metadata).SerializeToString(deterministic=True)


def _assert_once(mesh: World, done: int) -> None:
    assert _create(mesh, "again") == _create(mesh, "again"), "a key used again gives the first answer"
    looks = _looks(mesh)
    with psycopg.connect(mesh.fleet.owner_dsn("subscriptions")) as database:
        counted = database.execute(COUNTS, {"tenant": mesh.tenant}).fetchone()
    assert counted == (done + looks + 1,) * 3, f"{done} creates and {looks} looks left {counted}"


def _looks(mesh: World) -> int:
    """How many single calls `create_load` made."""
    with psycopg.connect(mesh.fleet.owner_dsn("subscriptions")) as database:
        found = database.execute(
            "SELECT count(*) FROM idempotency WHERE tenant_id = %s AND key LIKE 'look-%%'", [mesh.tenant]
        ).fetchone()
    return found[0] if found else 0
