"""Bulk migrations on PostgreSQL: batches, crashes between and inside of them, two workers, and what each one does."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_kernel.period import Interval
from billing_runtime.database_errors import UniqueViolated
from billing_subscriptions.domain.migration import MigrationState, Outcome, Tally
from billing_subscriptions.domain.policy import ChangeWhen, PlanTerms, Settlement, TrialEnd
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import State
from billing_subscriptions.operations.migrate_batch import migrate_batch
from billing_subscriptions.storage.history import broken_rows
from billing_testkit.tenants import admin_call
from psycopg.errors import UniqueViolation
from subscriptions_builders import utc
from subscriptions_migrating import MIDDLE, Shop, euros

UP = (3950, -2450)  # half a month of 79.00, and of 49.00 given back


@pytest.fixture
async def shop(database, tenant_id):
    return await Shop.opened(database, tenant_id)


async def check_histories(shop):
    async with shop.database.begin(admin_call(shop.tenant_id)) as tx:
        assert await broken_rows(tx) == []


async def test_every_subscription_of_the_version_moves_batch_by_batch(shop):
    ids, elsewhere = await shop.subscribe(5), await shop.subscribe(2, to=shop.new)
    migration_id = await shop.migration(reason="prices of 2026", settlement=Settlement.NEXT_INVOICE)
    assert (await shop.read(migration_id)).total == 5
    assert await migrate_batch(shop.begin(), migration_id, 2)
    halfway = await shop.read(migration_id)
    assert (halfway.state, halfway.cursor, halfway.tally.processed) == (MigrationState.RUNNING, ids[1], 2)
    done = await shop.finish(migration_id, 2)
    assert (done.state, done.tally.counts) == (MigrationState.COMPLETE, {Outcome.MIGRATED: 5})
    assert done.tally.totals == {"EUR": euros(5 * UP[0], 5 * UP[1])}
    assert [each.subscription_id for each in await shop.results(migration_id)] == ids
    for each in await shop.results(migration_id):
        assert (each.outcome, each.money, each.effective_at) == (Outcome.MIGRATED, euros(*UP), MIDDLE)
    for subscription_id in ids:
        moved = await shop.subscription(subscription_id)
        assert (moved.plan_version_id, sum(each.rounded_minor for each in moved.pending)) == (shop.new.id, sum(UP))
    assert [(await shop.subscription(each)).version for each in elsewhere] == [1, 1]
    await check_histories(shop)


async def test_the_timeline_says_who_and_why(shop):
    (subscription_id,) = await shop.subscribe()
    await shop.finish(await shop.migration(reason="prices of 2026"))
    query = "SELECT kind, actor, reason FROM subscription_change WHERE subscription_id = %s ORDER BY version"
    kinds = await shop.ask(query, subscription_id)
    assert [kind for kind, _, _ in kinds] == [StepKind.CREATED, StepKind.STARTED, StepKind.MIGRATED]
    assert kinds[-1][1:] == ("user:alice", "prices of 2026")
    assert kinds[-2][2] == "", "what was due anyway was not caused by the migration"


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(shop):
    await shop.subscribe(3)
    before = await shop.content()
    dry = await shop.finish(await shop.migration(dry_run=True), 2)
    assert await shop.content() == before
    assert dry.tally.totals == {"EUR": euros(3 * UP[0], 3 * UP[1])}
    real_id = await shop.migration()
    real = await shop.finish(real_id, 2)
    assert real.tally == dry.tally
    assert await shop.results(dry.id) == await shop.results(real_id)


async def test_a_batch_that_is_cut_off_never_happened_and_the_next_one_does_it(shop):
    ids = await shop.subscribe(4)
    migration_id = await shop.migration()
    assert await migrate_batch(shop.begin(), migration_id, 2)
    before = await shop.content()

    @asynccontextmanager
    async def dying():
        async with shop.begin()() as uow:
            yield uow
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await migrate_batch(dying, migration_id, 2)
    assert await shop.content() == before
    assert (await shop.read(migration_id)).tally.processed == 2
    done = await shop.finish(migration_id, 2)
    assert done.tally == Tally({Outcome.MIGRATED: 4}, {"EUR": euros(4 * UP[0], 4 * UP[1])})
    assert [(await shop.subscription(each)).version for each in ids] == [3] * 4


async def test_two_workers_do_none_twice(shop):
    ids = await shop.subscribe(30)
    migration_id = await shop.migration()

    async def work():
        batches = 0
        while (await shop.read(migration_id)).state is MigrationState.RUNNING:
            batches += await migrate_batch(shop.begin(), migration_id, 4)
        return batches

    batches = await asyncio.gather(work(), work())
    assert sum(batches) == 8
    done = await shop.read(migration_id)
    assert done.tally == Tally({Outcome.MIGRATED: 30}, {"EUR": euros(30 * UP[0], 30 * UP[1])})
    assert Counter([(await shop.subscription(each)).version for each in ids]) == {3: 30}
    await check_histories(shop)


async def test_the_key_of_a_result_is_the_last_defence(shop):
    await shop.subscribe()
    migration_id = await shop.migration()
    await shop.finish(migration_id)
    results = await shop.results(migration_id)
    with pytest.raises((UniqueViolation, UniqueViolated)):
        async with shop.begin()() as uow:
            await uow.migrations.add_results(migration_id, results)


async def test_a_migration_at_the_period_end_schedules_and_is_not_scheduled_twice(shop):
    (subscription_id,) = await shop.subscribe()
    first = await shop.migration(when=ChangeWhen.PERIOD_END)
    assert (await shop.finish(first)).tally == Tally({Outcome.SCHEDULED: 1})
    (result,) = await shop.results(first)
    assert (result.effective_at, result.money) == (utc("2026-02-01"), euros(0, 0))
    waiting = await shop.subscription(subscription_id)
    assert (waiting.plan_version_id, len(waiting.scheduled)) == (shop.old.id, 1)
    again = await shop.migration(when=ChangeWhen.PERIOD_END)
    assert (await shop.finish(again)).tally == Tally({Outcome.SKIPPED: 1})
    assert [each.reason for each in await shop.results(again)] == ["ALREADY_SCHEDULED"]
    assert await shop.subscription(subscription_id) == waiting


async def test_what_waits_moves_at_once_when_asked_to(shop):
    (subscription_id,) = await shop.subscribe()
    await shop.finish(await shop.migration(when=ChangeWhen.PERIOD_END))
    done = await shop.finish(await shop.migration(when=ChangeWhen.NOW))
    assert done.tally == Tally({Outcome.MIGRATED: 1}, {"EUR": euros(*UP)})
    assert (await shop.subscription(subscription_id)).plan_version_id == shop.new.id


async def test_without_a_wish_the_plan_version_decides(shop):
    """A downgrade waits for the end of the period, an upgrade does not."""
    cheaper = await shop.add_version(build.version([build.flat("9")]), 3)
    await shop.subscribe()
    assert (await shop.finish(await shop.migration(to=cheaper))).tally == Tally({Outcome.SCHEDULED: 1})


async def test_what_is_on_the_target_is_skipped_so_a_second_migration_moves_nothing(shop):
    await shop.subscribe(2)
    await shop.finish(await shop.migration())
    before = await shop.content()
    again = await shop.migration(shop.old, shop.new)
    assert (await shop.finish(again)).tally == Tally({Outcome.SKIPPED: 2})
    assert {each.reason for each in await shop.results(again)} == {"ALREADY_ON_TARGET"}
    assert await shop.content() == before


async def test_one_that_is_refused_stops_nobody_and_stays_as_it_was(database, tenant_id):
    shop = await Shop.opened(database, tenant_id)
    both = replace(build.flat("49"), currency_prices=(("USD", {"model": "flat", "amount": "55"}),))
    source = await shop.add_version(build.version([both]), 3)
    moving = await shop.subscribe(2, to=source)
    (dollars,) = await shop.subscribe(to=source, currency="USD")
    behind = await shop.subscribe(1, to=source, start_at=utc("2022-01-01"))
    migration_id = await shop.migration(source)
    done = await shop.finish(migration_id, 3)
    assert done.tally.counts == {Outcome.MIGRATED: 2, Outcome.REFUSED: 2}
    refused = {each.subscription_id: each for each in await shop.results(migration_id, Outcome.REFUSED)}
    assert {each: refused[each].reason for each in refused} == {
        dollars: "CURRENCY_MISMATCH",
        behind[0]: "RENEWALS_BEHIND",
    }
    assert refused[dollars].message
    assert [(await shop.subscription(each)).version for each in refused] == [1, 1]
    assert {(await shop.subscription(each)).plan_version_id for each in moving} == {shop.new.id}
    await check_histories(shop)


async def test_subscriptions_that_ended_are_not_looked_at(shop):
    await shop.subscribe()
    ended = "UPDATE subscription SET state = 'CANCELED', canceled_at = now(), next_due_at = NULL"
    async with shop.database.begin(admin_call(shop.tenant_id)) as tx:
        await tx.raw.execute(ended)
    migration_id = await shop.migration()
    assert (await shop.read(migration_id)).total == 0
    assert (await shop.finish(migration_id)).tally == Tally()


async def test_one_that_ends_on_the_way_is_skipped(shop):
    await shop.subscribe(ends_at=utc("2026-01-10"))
    migration_id = await shop.migration()
    assert (await shop.finish(migration_id)).tally == Tally({Outcome.SKIPPED: 1})
    assert [each.reason for each in await shop.results(migration_id)] == ["SUBSCRIPTION_ENDED"]


async def test_a_trial_moves_without_money(shop):
    (subscription_id,) = await shop.subscribe(trial_days=30)
    assert (await shop.finish(await shop.migration())).tally == Tally({Outcome.MIGRATED: 1})
    moved = await shop.subscription(subscription_id)
    assert (moved.state, moved.plan_version_id, moved.pending) == (State.TRIALING, shop.new.id, ())


@pytest.mark.parametrize(("paying", "outcome"), [(True, Outcome.MIGRATED), (False, Outcome.SKIPPED)])
async def test_a_trial_that_is_over_asks_for_a_payment_method(shop, paying, outcome):
    """Without one the version cancels, so there is nothing left to move."""
    strict = replace(build.version([build.flat("49")]), terms=PlanTerms(trial_end=TrialEnd.CANCEL))
    source = await shop.add_version(strict, 3)
    await shop.subscribe(to=source, trial_days=10)
    if paying:
        async with shop.begin()() as uow:
            await uow.payment_methods.attach([(shop.buyer.id, uuid7())])
    done = await shop.finish(await shop.migration(source))
    assert done.tally.counts == {outcome: 1}


async def test_another_interval_begins_a_new_period_and_is_billed_at_once(shop):
    yearly = await shop.add_version(build.version([build.flat("490")], Interval("year")), 3)
    (subscription_id,) = await shop.subscribe()
    done = await shop.finish(await shop.migration(to=yearly))
    assert done.tally == Tally({Outcome.MIGRATED: 1}, {"EUR": euros(49000, -2450)})
    moved = await shop.subscription(subscription_id)
    assert (moved.period.start, moved.period.end, moved.pending) == (MIDDLE, utc("2027-01-16T12:00"), ())
    assert await shop.ask("SELECT count(*) FROM billing_due WHERE period_index IS NULL") == [(1,)]
