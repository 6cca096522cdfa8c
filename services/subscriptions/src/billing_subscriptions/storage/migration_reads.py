"""Plain reads of bulk migrations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import select

from billing_subscriptions.domain.migration import Migration, MigrationState, Outcome, Result
from billing_subscriptions.operations.migration_ports import ReadMigration
from billing_subscriptions.storage.migration_rows import result_from_row
from billing_subscriptions.storage.migration_tables import subscription_migration, subscription_migration_result
from billing_subscriptions.storage.migrations import found_migration


class PostgresMigrationReads:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def migration(self, migration_id: UUID) -> Migration:
        query = select(subscription_migration).where(subscription_migration.c.migration_id == migration_id)
        return found_migration((await self._tx.conn.execute(query)).mappings().first())

    async def migrations(self, *, state: MigrationState | None, after: UUID | None, limit: int) -> Sequence[Migration]:
        table, query = subscription_migration.c, select(subscription_migration)
        if state is not None:
            query = query.where(table.state == state.value)
        if after is not None:
            query = query.where(table.migration_id > after)
        found = await self._tx.conn.execute(query.order_by(table.migration_id).limit(limit))
        return [found_migration(each) for each in found.mappings()]

    async def results(
        self, migration_id: UUID, *, outcome: Outcome | None, after: UUID | None, limit: int
    ) -> Sequence[Result]:
        await self.migration(migration_id)
        table = subscription_migration_result.c
        query = select(subscription_migration_result).where(table.migration_id == migration_id)
        if outcome is not None:
            query = query.where(table.outcome == outcome.value)
        if after is not None:
            query = query.where(table.subscription_id > after)
        found = await self._tx.conn.execute(query.order_by(table.subscription_id).limit(limit))
        return [result_from_row({str(name): each[name] for name in each}) for each in found.mappings()]


def migration_reads_of(database: Database) -> ReadMigration:
    """Read-only transactions of the call being served."""

    @asynccontextmanager
    async def read() -> AsyncIterator[PostgresMigrationReads]:
        async with database.read(current_call()) as tx:
            yield PostgresMigrationReads(tx)

    return read
