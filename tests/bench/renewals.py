"""RunRenewals over 50,000 subscriptions, one boundary each, against COPY of the rows that it writes."""

import asyncio
import io
import os
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from billing_kernel.ids import uuid7
from billing_kernel.period import Interval, period
from billing_runtime.call import calling
from billing_runtime.database import Database
from billing_subscriptions.operations.run_renewals import LANES, run_renewals
from billing_subscriptions.storage.unit_of_work import units_of_work
from billing_testkit.fleet import Fleet
from billing_testkit.tenants import service_call

from tests.bench.figures import Row, median, row_of
from tests.bench.subscribers import START, subscribe

FLOOR, AIM = 0.15, 0.30
SUBSCRIPTIONS = int(os.environ.get("BENCH_RENEWALS", "50000"))
PAIRS = 3
LIMIT = 5000
MONTH = Interval("month")
# What one run leaves behind. The rows of `subscription` are written again, the others are new.
WRITTEN = {
    "subscription": "SELECT * FROM subscription WHERE tenant_id = '{tenant}'",
    "subscription_change": "SELECT * FROM subscription_change WHERE tenant_id = '{tenant}' AND effective_at = '{at}'",
    "billing_due": "SELECT * FROM billing_due WHERE run_id = '{run}'",
    "outbox": "SELECT * FROM outbox WHERE tenant_id = '{tenant}' AND effective_at = '{at}'",
}
RIGHT = """
SELECT (SELECT count(*) FROM subscription WHERE tenant_id = '{tenant}' AND period_start = '{at}'
        AND next_due_at = period_end AND period_index = {index} AND version = {version}),
(SELECT count(*) FROM subscription_change WHERE tenant_id = '{tenant}' AND effective_at = '{at}' AND kind = 'RENEWED'),
(SELECT count(*) FROM billing_due WHERE run_id = '{run}' AND period_index = {index} AND charges = 2),
(SELECT count(*) FROM outbox WHERE tenant_id = '{tenant}' AND effective_at = '{at}' AND type LIKE '%BillingDue'),
(SELECT count(*) FROM outbox WHERE tenant_id = '{tenant}' AND effective_at = '{at}' AND type LIKE '%Renewed')
"""


@dataclass(frozen=True)
class Pair:
    """Seconds of a run; `cpu_s`: of this process while it ran. `copy_s`: of COPY of its rows into bare tables, which is
    the floor; `indexed_s`: into empty tables with the indexes and checks of their own."""

    run_s: float
    cpu_s: float
    copy_s: float
    indexed_s: float
    rows: int


def measure(root: Path) -> Row:
    """Every subscription enters the month, with one entry of its history, one due and two events; nobody twice."""
    with Fleet(root, ("postgres",), ("subscriptions",)) as fleet:
        pairs = asyncio.run(_months(fleet, uuid7()))
    figures = {
        "subscriptions": SUBSCRIPTIONS,
        "renewals/s": median([SUBSCRIPTIONS / each.run_s for each in pairs]),
        "µs CPU": median([each.cpu_s / SUBSCRIPTIONS * 1e6 for each in pairs]),
        "COPY/s": median([SUBSCRIPTIONS / each.copy_s for each in pairs]),
        "ratio to COPY with indexes": round(statistics.median(each.indexed_s / each.run_s for each in pairs), 3),
        "rows": pairs[-1].rows,
    }
    return row_of("renewals", [each.copy_s / each.run_s for each in pairs], floor=FLOOR, aim=AIM, figures=figures)


async def _months(fleet: Fleet, tenant: UUID) -> list[Pair]:
    """The first month is not counted: it claims the starts."""
    database = Database.open(fleet.databases["subscriptions"].database_url)
    try:
        await subscribe(database, tenant, SUBSCRIPTIONS)
        await _run(database, tenant, uuid7(), START)
        return [await _month(fleet, database, tenant, index) for index in range(1, PAIRS + 1)]
    finally:
        await database.close()


async def _month(fleet: Fleet, database: Database, tenant: UUID, index: int) -> Pair:
    at, run_id = period(START, "UTC", MONTH, index).start, uuid7()
    with psycopg.connect(fleet.owner_dsn("subscriptions"), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        owner.execute("CHECKPOINT")
        began, cpu = time.perf_counter(), time.process_time()
        await _run(database, tenant, run_id, at)
        run_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        names = {"tenant": str(tenant), "at": at.isoformat(), "run": str(run_id)}
        counted = owner.execute(RIGHT.format(**names, index=index, version=index + 2).encode()).fetchone()
        assert counted == (SUBSCRIPTIONS,) * 5, f"{SUBSCRIPTIONS} renewals left {counted}"
        written = {table: _read(owner, query.format(**names)) for table, query in WRITTEN.items()}
        bare = [_copy(owner, f"AS TABLE {table} WITH NO DATA", rows) for table, rows in written.items()]
        indexed = [_copy(owner, f"(LIKE {table} INCLUDING ALL)", rows) for table, rows in written.items()]
    return Pair(run_s, cpu_s, sum(s for s, _ in bare), sum(s for s, _ in indexed), sum(rows for _, rows in bare))


async def _run(database: Database, tenant: UUID, run_id: UUID, at: datetime) -> None:
    with calling(service_call(tenant, at=at + timedelta(hours=1))):
        run = await run_renewals(units_of_work(database), run_id, at, LIMIT, lanes=LANES)
        while run.more:
            run = await run_renewals(units_of_work(database), run_id, at, LIMIT, lanes=LANES)
    assert run.published_in_run == SUBSCRIPTIONS


def _read(owner: psycopg.Connection, query: str) -> bytes:
    """The rows as COPY takes them."""
    out = io.BytesIO()
    with owner.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode()) as copy:
        for part in copy:
            out.write(part)
    return out.getvalue()


def _copy(owner: psycopg.Connection, made: str, rows: bytes) -> tuple[float, int]:
    """Seconds of binary COPY of the rows into a table that is `made` for it, and how many they are."""
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE TABLE floor {made}".encode())
        began = time.perf_counter()
        with cursor.copy("COPY floor FROM STDIN (FORMAT binary)") as into:
            into.write(rows)
        took_s, count = time.perf_counter() - began, cursor.rowcount
        cursor.execute("DROP TABLE floor")
    return took_s, count
