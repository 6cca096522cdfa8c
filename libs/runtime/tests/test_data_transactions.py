import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_runtime.clock import ClockMovesBackwards, NoTestClock, advance, create_test_clock
from billing_runtime.database import Database
from billing_runtime.database_errors import DatabaseUnavailable, TransactionCollided, UniqueViolated, ValueRefused
from billing_testkit.migrations import assert_tables_match_migrations
from billing_testkit.sample.tables import METADATA, note
from billing_testkit.tenants import admin_call
from psycopg.errors import InFailedSqlTransaction
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import ProgrammingError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_note(content):
    return insert(note).values(note_id=uuid7(), customer_id=uuid7(), content=content)


async def contents(database, call):
    async with database.read(call) as tx:
        return sorted((await tx.conn.execute(select(note.c.content))).scalars())


async def test_it_commits_at_the_end_and_rolls_back_on_any_exception(sample_database):
    call = admin_call()
    async with sample_database.begin(call) as tx:
        await tx.conn.execute(a_note("kept"))

    async def broken():
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(a_note("gone"))
            raise KeyError

    with pytest.raises(KeyError):
        await broken()
    assert await contents(sample_database, call) == ["kept"]


async def test_savepoints_work_inside(sample_database):
    call = admin_call()
    async with sample_database.begin(call) as tx:
        await tx.conn.execute(a_note("first"))
        with pytest.raises(UniqueViolated):
            async with tx.conn.begin_nested():
                await tx.conn.execute(a_note("first"))
        await tx.conn.execute(a_note("second"))
    assert await contents(sample_database, call) == ["first", "second"]


async def test_an_error_that_is_swallowed_inside_does_not_commit_in_silence(sample_database):
    """PostgreSQL answers COMMIT of a failed transaction with a rollback and no error: the caller would believe it."""
    call = admin_call()

    async def swallowing():
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(a_note("lost"))
            with suppress(UniqueViolated):
                await tx.conn.execute(a_note("lost"))

    with pytest.raises(InFailedSqlTransaction):
        await swallowing()
    assert await contents(sample_database, call) == []


async def test_neither_does_the_worker(sample_database):
    async def swallowing():
        async with sample_database.worker() as conn:
            with suppress(ProgrammingError):
                await conn.execute(text("SELECT no_such_column FROM lease"))

    with pytest.raises(InFailedSqlTransaction):
        await swallowing()


async def test_a_read_cannot_write(sample_database):
    with pytest.raises(DomainError) as caught:
        async with sample_database.read(admin_call()) as tx:
            await tx.conn.execute(a_note("x"))
    assert caught.value.transient  # as during a fail-over: the caller may try again


async def test_unique_violations_name_their_constraint(sample_database):
    call = admin_call()
    async with sample_database.begin(call) as tx:
        await tx.conn.execute(a_note("same"))
    with pytest.raises(UniqueViolated) as caught:
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(a_note("same"))
    assert caught.value.constraint == "note_content"


async def test_values_that_no_column_holds_are_refused(sample_database):
    with pytest.raises(ValueRefused):
        async with sample_database.begin(admin_call()) as tx:
            await tx.conn.execute(a_note("nul \x00"))


async def test_a_deadlock_is_transient(sample_database, tenant_id):
    call = admin_call(tenant_id)
    async with sample_database.begin(call) as tx:
        await tx.conn.execute(a_note("a"))
        await tx.conn.execute(a_note("b"))
    both = asyncio.Barrier(2)

    async def touch(first, second):
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(update(note).where(note.c.content == first).values(customer_id=uuid7()))
            await both.wait()
            await tx.conn.execute(update(note).where(note.c.content == second).values(customer_id=uuid7()))

    outcomes = await asyncio.gather(touch("a", "b"), touch("b", "a"), return_exceptions=True)
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], TransactionCollided)
    assert failed[0].transient


async def test_a_connection_that_died_in_the_pool_is_replaced(sample_database):
    call = admin_call()
    async with sample_database.read(call) as tx:
        own = await tx.conn.scalar(text("SELECT pg_backend_pid()"))
    async with sample_database.engine.connect() as conn:
        mine = await conn.scalar(text("SELECT pg_backend_pid()"))
        await conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> :mine"
            ),
            {"mine": mine},
        )
    for _ in range(4):
        async with sample_database.read(call) as tx:
            await tx.conn.scalar(text("SELECT 1"))
    assert own


async def test_a_connection_that_dies_inside_is_transient(sample_database):
    with pytest.raises(DatabaseUnavailable):
        async with sample_database.begin(admin_call()) as tx:
            await tx.conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await contents(sample_database, admin_call()) == []


async def test_a_server_that_is_away_is_transient():
    database = Database.open("postgresql://nobody:x@127.0.0.1:1/none", 1)
    with pytest.raises(DatabaseUnavailable):
        async with database.begin(admin_call()):
            pass
    await database.close()


async def test_a_full_pool_is_transient(service_database, monkeypatch):
    monkeypatch.setattr("billing_runtime.database.CHECKOUT_S", 0.05)
    database = Database.open(service_database("sample", "billing_testkit.sample").database_url, 1)
    async with database.begin(admin_call()):
        with pytest.raises(DatabaseUnavailable):
            async with database.begin(admin_call()):
                pass
    await database.close()


async def test_cancelling_leaves_a_usable_pool(sample_database):
    async def sleep():
        async with sample_database.begin(admin_call()) as tx:
            await tx.conn.execute(text("SELECT pg_sleep(30)"))

    for _ in range(10):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await contents(sample_database, admin_call()) == []


# time --------------------------------------------------------------------------------------------


async def test_now_is_the_event_s_time_the_test_clock_or_the_wall_clock(sample_database, tenant_id):
    async with sample_database.read(admin_call(tenant_id)) as tx:
        assert abs(await tx.now() - datetime.now(UTC)) < timedelta(seconds=10)
        assert await tx.now() == await tx.now()
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await create_test_clock(tx, NOON)
        assert await tx.now() == NOON
    async with sample_database.read(admin_call(tenant_id, at=NOON - timedelta(days=9))) as tx:
        assert await tx.now() == NOON - timedelta(days=9)


async def test_a_test_clock_moves_forward_only(sample_database, tenant_id):
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await create_test_clock(tx, NOON)
        assert await advance(tx, NOON + timedelta(days=31)) == NOON + timedelta(days=31)
        assert await advance(tx, NOON + timedelta(days=31)) == NOON + timedelta(days=31)
        assert await tx.now() == NOON + timedelta(days=31)
        with pytest.raises(ClockMovesBackwards):
            await advance(tx, NOON)
    with pytest.raises(NoTestClock):
        async with sample_database.begin(admin_call()) as tx:
            await advance(tx, NOON)


def test_the_tables_match_their_migrations(service_database):
    assert_tables_match_migrations(
        METADATA, service_database("sample", "billing_testkit.sample").migration_database_url
    )
