"""IngestEvents in batches of 1,000 against COPY of the same rows: same batches, one commit each."""

import io
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import grpc
import psycopg
from billing.usage.v1 import meter_pb2
from billing.usage.v1 import meters_service_pb2 as meters
from billing.usage.v1 import meters_service_pb2_grpc as meters_grpc
from billing_kernel.ids import uuid7
from billing_testkit.fleet import Fleet
from psycopg import sql

from tests.bench.figures import Row, median, row_of
from tests.bench.ingest_load import Order, Sent

FLOOR = 0.08
PAIRS, BATCHES, SIZE = 5, 60, 1000
METER = "calls"
COLUMNS = "tenant_id, meter_id, subject, at, value, source, id, properties, batch_id"


def measure(root: Path) -> Row:
    """Each accepted event is stored once, and every batch sent again is all duplicates."""
    with Fleet(root, ("postgres",), ("usage",)) as fleet:
        fleet.run("usage")
        tenant = uuid7()
        _make_meter(fleet, tenant)
        order = Order(fleet.address("usage"), fleet.token(tenant), 0, BATCHES, SIZE, int(time.time()) - 60, METER)
        _send(_numbered(order, 10_000_000))
        pairs = [_pair(fleet, tenant, _numbered(order, number * BATCHES)) for number in range(PAIRS)]
        _assert_once(fleet, tenant, order)
    figures = {
        "events/s": median([ingest for ingest, _, _ in pairs]),
        "COPY rows/s": median([copy for _, copy, _ in pairs]),
        "one COPY rows/s": median([whole for _, _, whole in pairs]),
        "batch": SIZE,
    }
    return row_of("ingest", [ingest / copy for ingest, copy, _ in pairs], floor=FLOOR, figures=figures)


def _pair(fleet: Fleet, tenant: UUID, order: Order) -> tuple[float, float, float]:
    """(events/s, COPY rows/s in the same batches, COPY rows/s in one go)"""
    rows = BATCHES * SIZE
    sent = _send(order)
    assert sent.accepted == rows
    with psycopg.connect(fleet.owner_dsn("usage"), autocommit=True) as database:
        blocks = _stored(database, tenant, order)
        batched = _copy_s(database, blocks)
        whole = _copy_s(database, [b"".join([blocks[0][:19], *(block[19:-2] for block in blocks), blocks[0][-2:]])])
    return rows / sent.seconds, rows / batched, rows / whole


def _stored(database: psycopg.Connection, tenant: UUID, order: Order) -> list[bytes]:
    """The rows of each batch as binary COPY."""
    database.execute("CHECKPOINT")
    found = database.execute(
        "SELECT DISTINCT batch_id FROM event WHERE tenant_id = %s AND source = 'bench' AND id >= %s AND id < %s",
        [tenant, f"{order.first:08d}", f"{order.first + BATCHES:08d}"],
    ).fetchall()
    assert len(found) == BATCHES
    return [_copy_out(database, batch) for (batch,) in found]


def _copy_out(database: psycopg.Connection, batch: UUID) -> bytes:
    query = sql.SQL("COPY (SELECT {} FROM event WHERE batch_id = {}) TO STDOUT (FORMAT binary)")
    out = io.BytesIO()
    with database.cursor() as cursor, cursor.copy(query.format(sql.SQL(COLUMNS), sql.Literal(batch))) as copy:
        for part in copy:
            out.write(part)
    return out.getvalue()


def _copy_s(database: psycopg.Connection, blocks: list[bytes]) -> float:
    """Seconds for COPY of the blocks, a commit each, into a table without any index."""
    database.execute(f"CREATE TABLE floor AS SELECT {COLUMNS} FROM event WITH NO DATA")
    began = time.perf_counter()
    for block in blocks:
        with database.cursor() as cursor, cursor.copy("COPY floor FROM STDIN (FORMAT binary)") as copy:
            copy.write(block)
    took = time.perf_counter() - began
    stored = database.execute("SELECT count(*) FROM floor").fetchone()
    assert stored == (BATCHES * SIZE,)
    database.execute("DROP TABLE floor")
    return took


def _assert_once(fleet: Fleet, tenant: UUID, order: Order) -> None:
    assert _send(_numbered(order, 0)).accepted == 0, "a batch sent again has nothing new"
    with psycopg.connect(fleet.owner_dsn("usage")) as database:
        query = "SELECT count(*), count(DISTINCT (source, id)) FROM event WHERE tenant_id = %s"
        counted = database.execute(query, [tenant]).fetchone()
    assert counted == ((PAIRS + 1) * BATCHES * SIZE,) * 2


def _make_meter(fleet: Fleet, tenant: UUID) -> None:
    wanted = meters.CreateMeterRequest(code=METER, name="Calls", aggregation=meter_pb2.METER_AGGREGATION_SUM)
    with grpc.insecure_channel(fleet.address("usage")) as channel:
        metadata = (("authorization", f"Bearer {fleet.token(tenant)}"),)
        meters_grpc.MetersServiceStub(channel).CreateMeter(wanted, metadata=metadata)


def _numbered(order: Order, first: int) -> Order:
    return Order(**{**asdict(order), "first": first})


def _send(order: Order) -> Sent:
    argv = [sys.executable, "-m", "tests.bench.ingest_load", json.dumps(asdict(order))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return Sent(**json.loads(done.stdout))
