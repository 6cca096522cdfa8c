"""The history on PostgreSQL: random lives fold to their rows, a row at any time, and the verifier."""

import json

import pytest
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.errors import SubscriptionNotFound
from billing_subscriptions.domain.history import fold
from billing_subscriptions.domain.timeline import summary
from billing_subscriptions.storage.history import broken_rows
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.subscription_rows import COLUMNS, changes
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc
from subscriptions_random_life import Life

LIVES = 12
STEPS = 16


@pytest.mark.parametrize("seed", range(LIVES))
async def test_random_lives_fold_to_their_rows(database, tenant_id, seed):
    life = Life(database, tenant_id, seed)
    await life.begin()
    await life.first_bill()
    for _ in range(STEPS):
        await life.step()
    await life.last_bill()
    async with database.read(admin_call(tenant_id)) as tx:
        reads = PostgresReads(tx)
        assert await broken_rows(tx) == []
        records = await reads.changes(life.subscription_id, after=0, limit=1000)
        row = life.seen[-1][1]
        assert [each.version for each in records] == list(range(1, row.version + 1))
        as_written = {name: after for name, (_, after) in changes(None, row).items()}
        assert fold(records) == json.loads(json.dumps(as_written))
        assert all(summary(each).endswith(".") for each in records)
        for at, then in life.seen:  # what was not claimed yet when it was looked at is known now
            was = await reads.subscription(life.subscription_id, at)
            assert (was.effective_at <= at, was.version >= then.version) == (True, True)
            assert was == then or was.version > then.version
        with pytest.raises(SubscriptionNotFound):
            await reads.subscription(life.subscription_id, utc("2026-01-04"))


async def test_the_first_entry_names_every_column(database, tenant_id):
    life = Life(database, tenant_id, 1)
    await life.begin()
    async with database.read(admin_call(tenant_id)) as tx:
        (first,) = await PostgresReads(tx).changes(life.subscription_id, after=0, limit=10)
        query = "SELECT attname FROM pg_attribute WHERE attrelid = 'subscription'::regclass AND attnum > 0"
        names = set((await tx.conn.exec_driver_sql(query)).scalars())
    assert set(first.changed) == {column.name for column in COLUMNS} == names - {"tenant_id"}
    assert (first.kind, first.actor, first.version) == ("CREATED", "user:alice", 1)


async def test_a_row_that_was_changed_by_hand_is_found(database, tenant_id):
    life = Life(database, tenant_id, 2)
    await life.begin()
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.exec_driver_sql("UPDATE subscription SET period_billed_minor = 7")
        assert await broken_rows(tx) == [life.subscription_id]
        assert await broken_rows(tx, [uuid7()]) == []
