"""Bulk migrations behind the Migrations port, and what the job claims over all tenants."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_subscriptions.domain.migration import Migration, MigrationState, Result
from billing_subscriptions.domain.migration_errors import MigrationNotFound
from billing_subscriptions.domain.subscription import ENDED, Subscription
from billing_subscriptions.storage.migration_rows import (
    migration_from_row,
    migration_to_row,
    progress_to_row,
)
from billing_subscriptions.storage.migration_tables import subscription_migration
from billing_subscriptions.storage.statements import row, rows
from billing_subscriptions.storage.subscription_rows import subscription_from_row

OF_TENANT_MAX = 2  # migrations of one tenant at once, so that nobody's many starve the others
CLAIMED_MAX = 16
_ENDED = sorted(state.value for state in ENDED)
_RUNS = "plan_version_id = ANY(%s) AND state <> ALL(%s)"

# By the primary key: the cursor is an id, so a batch costs what it reads, however many are done. Two batches, and a
# consumer's events, lock in the same order.
_TAKE = f"SELECT * FROM subscription WHERE subscription_id > %s AND {_RUNS} ORDER BY subscription_id LIMIT %s"
_COUNT = f"SELECT count(*) AS running FROM subscription WHERE {_RUNS}"
_ADDED = {
    "subscription_id": "uuid",
    "customer_id": "uuid",
    "outcome": "text",
    "reason": "text",
    "message": "text",
    "currency": "text",
    "charges_minor": "int8",
    "credits_minor": "int8",
    "effective_at": "timestamptz",
}
_ADD_RESULTS = f"""
INSERT INTO subscription_migration_result (migration_id, {", ".join(_ADDED)})
SELECT %s, {", ".join(_ADDED)} FROM unnest({", ".join(f"%s::{kind}[]" for kind in _ADDED.values())})
AS new({", ".join(_ADDED)})
"""
_FIRST = UUID(int=0)

# A fair pick, the one that waited longest first; what another worker has in hand is passed over.
_OPEN = """
WITH open AS (
    SELECT tenant_id, migration_id, worked_at, row_number() OVER (PARTITION BY tenant_id ORDER BY worked_at) AS place
    FROM subscription_migration WHERE state = 'RUNNING' AND retry_at <= clock_timestamp()
), chosen AS (
    SELECT tenant_id, migration_id FROM open JOIN subscription_migration AS each USING (tenant_id, migration_id)
    WHERE open.place <= %s ORDER BY open.worked_at LIMIT %s FOR UPDATE OF each SKIP LOCKED
)
UPDATE subscription_migration AS claimed SET worked_at = clock_timestamp() FROM chosen
WHERE claimed.tenant_id = chosen.tenant_id AND claimed.migration_id = chosen.migration_id
RETURNING claimed.tenant_id, claimed.migration_id, claimed.actor
"""
_POSTPONE = """
UPDATE subscription_migration SET failures = failures + 1,
retry_at = clock_timestamp() + least(30, 0.5 * 2 ^ least(failures, 8)) * interval '1 s'
WHERE tenant_id = %s AND migration_id = %s
"""


class PostgresMigrations:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, migration: Migration) -> None:
        await self._tx.conn.execute(insert(subscription_migration).values(migration_to_row(migration)))

    async def lock(self, migration_id: UUID) -> Migration:
        query = select(subscription_migration).where(subscription_migration.c.migration_id == migration_id)
        found = (await self._tx.conn.execute(query.with_for_update())).mappings().first()
        return found_migration(found)

    async def claim(self, migration_id: UUID) -> Migration | None:
        table = subscription_migration.c
        query = select(subscription_migration).where(
            table.migration_id == migration_id, table.state == MigrationState.RUNNING.value
        )
        found = (await self._tx.conn.execute(query.with_for_update(skip_locked=True))).mappings().first()
        return None if found is None else found_migration(found)

    async def save(self, migration: Migration) -> None:
        changed = {**progress_to_row(migration), "failures": 0, "retry_at": func.clock_timestamp()}
        mine = subscription_migration.c.migration_id == migration.id
        await self._tx.conn.execute(update(subscription_migration).where(mine).values(changed))

    async def running(self) -> Sequence[Migration]:
        table = subscription_migration.c
        query = select(subscription_migration).where(
            table.state == MigrationState.RUNNING.value, table.dry_run.is_(False)
        )
        found = await self._tx.conn.execute(query.order_by(table.migration_id))
        return [found_migration(each) for each in found.mappings()]

    async def count(self, version_ids: Sequence[UUID]) -> int:
        found = await row(self._tx, _COUNT, list(version_ids), _ENDED)
        return int(found["running"]) if found else 0

    async def take(self, migration: Migration, limit: int) -> Sequence[Subscription]:
        wanted = migration.wanted
        query = _TAKE if wanted.dry_run else f"{_TAKE} FOR UPDATE"
        arguments = (migration.cursor or _FIRST, list(wanted.from_version_ids), _ENDED, limit)
        return [subscription_from_row(each) for each in await rows(self._tx, query, *arguments)]

    async def add_results(self, migration_id: UUID, results: Sequence[Result]) -> None:
        if results:
            columns = map(list, zip(*(_values(each) for each in results), strict=True))
            await self._tx.raw.execute(_ADD_RESULTS, (migration_id, *columns))


async def open_migrations(conn: AsyncConnection) -> list[tuple[UUID, UUID, str]]:
    """In the worker role: (tenant, migration, who asked for it) to work on now, fair over tenants."""
    found: Any = await conn.exec_driver_sql(_OPEN, (OF_TENANT_MAX, CLAIMED_MAX))
    return [(tenant_id, migration_id, actor) for tenant_id, migration_id, actor in found]


async def postpone_migration(conn: AsyncConnection, tenant_id: UUID, migration_id: UUID) -> None:
    """After a failure, in the worker role: tried again later, each time twice as late, up to half a minute."""
    await conn.exec_driver_sql(_POSTPONE, (tenant_id, migration_id))


def found_migration(row: Any) -> Migration:
    """The migration of a row. Raises MigrationNotFound for None."""
    if row is None:
        raise MigrationNotFound("there is no such migration")
    return migration_from_row(row)


def _values(result: Result) -> tuple[object, ...]:
    """In the order of `_ADDED`."""
    money = result.money
    return (
        result.subscription_id,
        result.customer_id,
        result.outcome.value,
        result.reason,
        result.message,
        money.charges.currency,
        money.charges.minor,
        money.credits.minor,
        result.effective_at,
    )
