"""A bulk migration of 50,000 subscriptions by the job's own process, whose memory does not grow with them."""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
from billing_devstack.process import Child
from billing_kernel.ids import uuid7
from billing_kernel.proration import Basis, Proration
from billing_runtime.call import calling
from billing_runtime.database import Database
from billing_subscriptions.domain.migration import NewMigration
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.operations.create_migration import create_migration
from billing_subscriptions.operations.migrate_batch import BATCH_MAX
from billing_subscriptions.operations.run_renewals import run_renewals
from billing_subscriptions.storage.history import broken_rows
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork, units_of_work
from billing_testkit.fleet import Fleet
from billing_testkit.tenants import admin_call, service_call

from tests.bench.figures import Row, row_of
from tests.bench.subscribers import fee, plan_of, seats, subscribe

GROWTH_MAX_MIB = 10.0
MIB = 1 << 20
SUBSCRIPTIONS = int(os.environ.get("BENCH_MIGRATION", "50000"))
WARM_BATCHES = 5
SAMPLE = 500
LIMIT = 5000
PATIENCE_S = 900.0
LOOK_S = 0.05
BY_DAYS = Proration(Basis.BY_DAYS)
PROGRESS = """SELECT state, coalesce((counts ->> 'MIGRATED')::int, 0), counts, totals
FROM subscription_migration WHERE migration_id = %s"""
# Each moved once: created, begun, migrated; one entry, one event, one result each, and the money adds up.
RIGHT = """
SELECT (SELECT count(*) FROM subscription WHERE tenant_id = %(tenant)s AND plan_version_id = %(to)s AND version = 3
        AND jsonb_array_length(pending) = 3),
(SELECT count(*) FROM subscription_change WHERE tenant_id = %(tenant)s AND kind = 'MIGRATED'
 AND cardinality(charge_ids) = 3),
(SELECT count(*) FROM subscription_migration_result WHERE migration_id = %(migration)s AND outcome = 'MIGRATED'),
(SELECT count(*) FROM outbox WHERE tenant_id = %(tenant)s AND type LIKE '%%SubscriptionUpdated' AND sequence = 3)
"""
MONEY = """
SELECT (SELECT jsonb_build_array(sum(charges_minor), sum(credits_minor)) FROM subscription_migration_result
        WHERE migration_id = %(migration)s) = (SELECT totals -> 'EUR' FROM subscription_migration
        WHERE migration_id = %(migration)s)
"""


@dataclass(frozen=True)
class Moved:
    """Seconds from the first batch to the last; resident MiB before, after a few batches, and at the end."""

    took_s: float
    cpu_s: float
    before_mib: float
    warm_mib: float
    end_mib: float


def measure(root: Path) -> Row:
    """Everybody moves once, and the process is no bigger at the end than after its first batches."""
    with Fleet(root, ("postgres",), ("subscriptions",)) as fleet:
        moved = asyncio.run(_migrated(fleet, uuid7()))
    figures = {
        "subscriptions": SUBSCRIPTIONS,
        "migrated/s": round(SUBSCRIPTIONS / moved.took_s, 1),
        "µs CPU": round(moved.cpu_s / SUBSCRIPTIONS * 1e6, 1),
        "MiB before": round(moved.before_mib, 1),
        f"MiB after batch {WARM_BATCHES}": round(moved.warm_mib, 1),
        "MiB at the end": round(moved.end_mib, 1),
    }
    growth = [moved.end_mib - moved.warm_mib]
    return row_of("migration", growth, floor=GROWTH_MAX_MIB, unit="MiB growth", better="lower", figures=figures)


async def _migrated(fleet: Fleet, tenant: UUID) -> Moved:
    database = Database.open(fleet.databases["subscriptions"].database_url)
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
    try:
        old = await plan_of(database, tenant, "old", [fee("49"), seats("9")], start)
        new = await plan_of(database, tenant, "new", [fee("79"), seats("12")], start)
        subscribed = await subscribe(database, tenant, SUBSCRIPTIONS, old, start)
        await _begun(database, tenant, start)
        worker = fleet.run("subscriptions", "jobs")
        with psycopg.connect(fleet.owner_dsn("subscriptions"), autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
            moved, migration_id = await _watched(database, owner, worker, tenant, old, new)
            names = {"tenant": tenant, "to": new, "migration": migration_id}
            counted = owner.execute(RIGHT, names).fetchone()
            assert counted == (SUBSCRIPTIONS,) * 4, f"{SUBSCRIPTIONS} migrations left {counted}"
            assert owner.execute(MONEY, names).fetchone() == (True,), "the totals are the sum of the results"
        async with database.begin(admin_call(tenant)) as tx:
            assert await broken_rows(tx, subscribed[:SAMPLE]) == []
        return moved
    finally:
        await database.close()


async def _begun(database: Database, tenant: UUID, start: datetime) -> None:
    """Claims the first boundary of each, so that nothing but the migration is measured."""
    with calling(service_call(tenant)):
        run_id = uuid7()
        while (await run_renewals(units_of_work(database), run_id, start, LIMIT)).more:
            pass


async def _watched(
    database: Database, owner: psycopg.Connection, worker: Child, tenant: UUID, old: UUID, new: UUID
) -> tuple[Moved, UUID]:
    process = psutil.Process(worker.pid)
    before_mib, cpu_s = _resident(process), _cpu_s(process)
    wanted = NewMigration((old,), new, when=ChangeWhen.NOW, proration=BY_DAYS, reason="bench")
    async with database.begin(admin_call(tenant)) as tx:
        migration_id = (await create_migration(PostgresUnitOfWork(tx), wanted, "user:alice")).id
    await _until(owner, migration_id, 1)
    began = time.perf_counter()
    first = await _until(owner, migration_id, WARM_BATCHES * BATCH_MAX)
    warm_mib = _resident(process)
    done = await _until(owner, migration_id, SUBSCRIPTIONS)
    took_s = time.perf_counter() - began
    assert first <= done == SUBSCRIPTIONS
    share = 1 - BATCH_MAX / SUBSCRIPTIONS  # the clock began behind the first batch
    moved = Moved(took_s / share, _cpu_s(process) - cpu_s, before_mib, warm_mib, _resident(process))
    return moved, migration_id


async def _until(owner: psycopg.Connection, migration_id: UUID, count: int) -> int:
    """Waits until as many have moved, or all that there are."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = owner.execute(PROGRESS, [migration_id]).fetchone()
        assert found is not None
        state, migrated, counts, _ = found
        assert set(counts) <= {"MIGRATED"}, counts
        if migrated >= count or state == "COMPLETE":
            return int(migrated)
        assert time.monotonic() < until, f"{migrated} after {PATIENCE_S:.0f} s"
        await asyncio.sleep(LOOK_S)


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss / MIB)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
