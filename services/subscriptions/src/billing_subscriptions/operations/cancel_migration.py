"""Stops a bulk migration behind the batch that is being worked on."""

from uuid import UUID

from billing_subscriptions.domain import migration as rules
from billing_subscriptions.domain.migration import Migration
from billing_subscriptions.operations.migration_ports import MigrationWork


async def cancel_migration(uow: MigrationWork, migration_id: UUID) -> Migration:
    """Raises MigrationNotFound, MigrationComplete. Waits for a batch; what it moves stays moved."""
    before = await uow.migrations.lock(migration_id)
    after = rules.cancel(before, now=await uow.now())
    if after is not before:
        await uow.migrations.save(after)
    return after
