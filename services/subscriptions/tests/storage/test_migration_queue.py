"""Bulk migrations as a queue on PostgreSQL: who may begin, who claims, who stops, and who sees nothing of it."""

import asyncio
from dataclasses import replace

import pytest
import subscriptions_builders as build
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.migration import MigrationState
from billing_subscriptions.domain.migration_errors import MigrationNotFound
from billing_subscriptions.domain.plan import PlanVersionState
from billing_subscriptions.operations.cancel_migration import cancel_migration
from billing_subscriptions.operations.migrate_batch import migrate_batch
from billing_subscriptions.storage.invariants import INVARIANTS
from billing_subscriptions.storage.migrations import open_migrations, postpone_migration
from subscriptions_migrating import START, Shop


@pytest.fixture
async def shop(database, tenant_id):
    return await Shop.opened(database, tenant_id)


async def test_a_migration_that_is_stopped_leaves_the_rest_where_it_is(shop):
    ids = await shop.subscribe(3)
    migration_id = await shop.migration()
    assert await migrate_batch(shop.begin(), migration_id, 2)
    async with shop.begin()() as uow:
        stopped = await cancel_migration(uow, migration_id)
        assert await cancel_migration(uow, migration_id) == stopped
    assert not await migrate_batch(shop.begin(), migration_id, 2)
    assert (await shop.read(migration_id)).state is MigrationState.CANCELED
    versions = [(await shop.subscription(each)).plan_version_id for each in ids]
    assert versions == [shop.new.id, shop.new.id, shop.old.id]


async def test_two_that_begin_at_once_over_one_source_are_one(shop):
    newer = await shop.add_version(build.version([build.flat("99")]), 3)
    asked = [shop.migration(), shop.migration(to=newer), shop.migration(), shop.migration(to=newer)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in found if isinstance(each, DomainError)]
    assert [each.reason for each in refused] == ["MIGRATION_OVERLAPS"] * 3
    assert len(await shop.ask("SELECT migration_id FROM subscription_migration")) == 1


async def test_the_next_may_begin_when_one_is_done(shop):
    await shop.finish(await shop.migration())
    assert (await shop.read(await shop.migration())).state is MigrationState.RUNNING


@pytest.mark.parametrize(
    ("source", "target", "reason", "field"),
    [
        ("old", "draft", "PLAN_VERSION_NOT_PUBLISHED", "to_plan_version_id"),
        ("old", "archived", "PLAN_VERSION_ARCHIVED", "to_plan_version_id"),
        ("old", "unknown", "PLAN_VERSION_NOT_FOUND", "to_plan_version_id"),
        ("unknown", "new", "PLAN_VERSION_NOT_FOUND", "from_plan_version_ids[0]"),
        ("old", "old", "INVALID_MIGRATION", "from_plan_version_ids"),
    ],
)
async def test_bad_versions_are_refused_with_their_field_and_nothing_is_kept(shop, source, target, reason, field):
    versions = {
        "old": shop.old,
        "new": shop.new,
        "unknown": build.version(),
        "draft": await shop.add_version(replace(build.version(), state=PlanVersionState.DRAFT, published_at=None), 4),
        "archived": await shop.add_version(
            replace(build.version(), state=PlanVersionState.ARCHIVED, archived_at=START), 5
        ),
    }
    with pytest.raises(DomainError) as refused:
        await shop.migration(versions[source], to=versions[target])
    assert (refused.value.reason, [each.field for each in refused.value.violations]) == (reason, [field])
    assert await shop.ask("SELECT count(*) FROM subscription_migration") == [(0,)]


async def test_the_worker_sees_what_is_open_and_puts_off_what_failed(shop):
    migration_id = await shop.migration()
    mine = (shop.tenant_id, migration_id, "user:alice")

    async def opened():
        async with shop.database.worker() as conn:
            return mine in await open_migrations(conn)

    assert await opened()
    async with shop.database.worker() as conn:
        await postpone_migration(conn, shop.tenant_id, migration_id)
    assert not await opened()
    await shop.finish(migration_id)
    assert await shop.ask("SELECT failures FROM subscription_migration") == [(0,)]
    assert not await opened()


async def test_another_tenant_knows_nothing_of_it(shop, database):
    migration_id = await shop.migration()
    stranger = replace(shop, tenant_id=uuid7())
    with pytest.raises(MigrationNotFound):
        await stranger.read(migration_id)
    with pytest.raises(MigrationNotFound):
        await stranger.results(migration_id)
    assert not await migrate_batch(stranger.begin(), migration_id)
    async with stranger.begin()() as uow:
        with pytest.raises(MigrationNotFound):
            await cancel_migration(uow, migration_id)


async def test_a_migration_whose_results_do_not_add_up_is_reported(shop):
    await shop.subscribe(2)
    migration_id = await shop.migration()
    assert await migrate_batch(shop.begin(), migration_id, 1)
    assert await shop.ask(INVARIANTS["migration_counts_its_results"]) == []
    await shop.ask("UPDATE subscription_migration SET totals = jsonb_set(totals, '{EUR,0}', '1') RETURNING 1")
    assert await shop.ask(INVARIANTS["migration_counts_its_results"]) == [(migration_id,)]
