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
QUERY_MS_MAX = 30_000  # a rule that takes longer is unchecked, never the main load of the database

BROKEN = Gauge("billing_invariant_broken", "Rows that break a rule, counted up to 1000", ["rule"], registry=REGISTRY)
UNCHECKED = Gauge("billing_invariant_unchecked", "Tenants for which a rule gave no answer", ["rule"], registry=REGISTRY)
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
    """Rule -> number of rows that break it; only broken rules appear. `rules` are asked tenant by tenant.

    A rule that fails or takes too long is counted as unchecked and does not keep the others from their answer.
    """
    counts = dict.fromkeys([*rules, *RUNTIME_INVARIANTS], 0)
    unchecked = dict.fromkeys(counts, 0)
    for tenant_id in await active_tenants(database):
        for name, query in rules.items():
            _add(counts, unchecked, name, await _tenant_count(database, tenant_id, name, query))
    for name, query in RUNTIME_INVARIANTS.items():
        async with database.worker() as conn:
            counts[name] = await _count(conn, query)
    for name, count in counts.items():
        BROKEN.labels(name).set(count)
        UNCHECKED.labels(name).set(unchecked[name])
    return {name: count for name, count in counts.items() if count}


def _add(counts: dict[str, int], unchecked: dict[str, int], name: str, found: int | None) -> None:
    if found is None:
        unchecked[name] += 1
    else:
        counts[name] += found


async def _tenant_count(database: Database, tenant_id: UUID, name: str, query: str) -> int | None:
    """None when there was no answer."""
    try:
        async with database.read(job_call("invariants", tenant_id)) as tx:
            await tx.conn.exec_driver_sql(f"SET LOCAL statement_timeout = {QUERY_MS_MAX}")
            return await _count(tx.conn, query)
    except Exception:
        log.exception("invariant unchecked", rule=name, tenant_id=str(tenant_id))
        return None


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
