"""Rules that must hold in production, as named queries: each returns the rows that break it."""

from collections.abc import Mapping
from uuid import UUID

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_runtime.database import Database
from billing_runtime.jobs import Job, job_call
from billing_runtime.metrics import REGISTRY

EVERY_S = 60.0
BROKEN_MAX = 1000  # rows counted per rule

BROKEN = Gauge("billing_invariant_broken", "Rows that break a rule, counted up to 1000", ["rule"], registry=REGISTRY)
log = structlog.get_logger()

# Asked in the worker role, over all tenants.
RUNTIME_INVARIANTS: Mapping[str, str] = {
    "outbox_moves": "SELECT id FROM outbox WHERE written_at < now() - interval '5 minutes'",
    "no_parked_key": "SELECT key FROM dead_letter WHERE state IN ('failed', 'waiting')",
}

# The tenants that wrote or heard something lately: a skip scan over the primary keys, one probe a tenant.
_TENANTS = """
WITH RECURSIVE {table}_tenants AS (
    (SELECT tenant_id FROM {table} ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM {table} WHERE tenant_id > last.tenant_id ORDER BY tenant_id LIMIT 1)
    FROM {table}_tenants AS last WHERE last.tenant_id IS NOT NULL
)
SELECT tenant_id FROM {table}_tenants WHERE tenant_id IS NOT NULL
"""


async def active_tenants(database: Database) -> list[UUID]:
    """Tenants with an idempotency key or an inbox row of the last 30 days."""
    found: set[UUID] = set()
    async with database.worker() as conn:
        for table in ("idempotency", "inbox"):
            found.update((await conn.exec_driver_sql(_TENANTS.format(table=table))).scalars())
    return sorted(found)


async def broken_rules(database: Database, rules: Mapping[str, str]) -> dict[str, int]:
    """Rule -> number of rows that break it; only broken rules appear. `rules` are asked tenant by tenant."""
    counts = dict.fromkeys(rules, 0)
    for tenant_id in await active_tenants(database):
        async with database.read(job_call("invariants", tenant_id)) as tx:
            for name, query in rules.items():
                counts[name] += await _count(tx.conn, query)
    async with database.worker() as conn:
        for name, query in RUNTIME_INVARIANTS.items():
            counts[name] = await _count(conn, query)
    for name, count in counts.items():
        BROKEN.labels(name).set(count)
    return {name: count for name, count in counts.items() if count}


def invariants_job(database: Database, rules: Mapping[str, str], every_s: float = EVERY_S) -> Job:
    """Checks `rules` and the runtime's own on a timer; a broken one is an error in the log and a gauge above 0."""

    async def check() -> int:
        for name, count in (await broken_rules(database, rules)).items():
            log.error("invariant broken", rule=name, rows=count)
        return 0

    return Job("invariants", every_s, check)


async def _count(conn: AsyncConnection, query: str) -> int:
    counted = f"SELECT count(*) FROM (SELECT FROM ({query}) AS rows LIMIT {BROKEN_MAX}) AS broken"
    return int((await conn.exec_driver_sql(counted)).scalar_one())
