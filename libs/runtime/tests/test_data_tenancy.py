"""Row-level security is the wall: queries here have no tenant filter on purpose."""

from uuid import uuid4

import psycopg
import pytest
from billing_kernel.ids import uuid7
from billing_testkit.sample.tables import due, note, reading
from billing_testkit.tenants import admin_call, customer_call
from sqlalchemy import delete, exc, func, insert, select, update


def a_note(customer=None, content=None, **more):
    return {"note_id": uuid7(), "customer_id": customer or uuid7(), "content": content or str(uuid4()), **more}


async def write_note(database, call, **fields):
    row = a_note(**fields)
    async with database.begin(call) as tx:
        await tx.conn.execute(insert(note).values(**row))
    return row


async def test_without_a_filter_nothing_of_another_tenant_is_seen_or_touched(sample_database):
    mine, theirs = admin_call(), admin_call()
    row = await write_note(sample_database, mine)
    async with sample_database.begin(theirs) as tx:
        assert (await tx.conn.execute(select(note))).all() == []
        assert (await tx.conn.execute(update(note).values(content="stolen"))).rowcount == 0
        assert (await tx.conn.execute(delete(note))).rowcount == 0
    async with sample_database.read(mine) as tx:
        assert [found.content for found in await tx.conn.execute(select(note))] == [row["content"]]


async def test_a_forged_tenant_is_refused_on_insert(sample_database):
    with pytest.raises(exc.ProgrammingError, match="row-level security"):
        await write_note(sample_database, admin_call(), tenant_id=uuid7())


async def test_a_customer_sees_and_writes_its_own_rows_alone(sample_database, tenant_id):
    me, other = uuid7(), uuid7()
    await write_note(sample_database, admin_call(tenant_id), customer=me)
    await write_note(sample_database, admin_call(tenant_id), customer=other)
    async with sample_database.begin(customer_call(tenant_id, me)) as tx:
        assert [row.customer_id for row in await tx.conn.execute(select(note))] == [me]
        assert (await tx.conn.execute(update(note).values(content=str(uuid4())))).rowcount == 1
    with pytest.raises(exc.ProgrammingError, match="row-level security"):
        await write_note(sample_database, customer_call(tenant_id, me), customer=other)


async def test_the_context_ends_with_the_transaction(sample_database):
    call = admin_call()
    await write_note(sample_database, call)
    async with sample_database.engine.connect() as conn:
        assert (await conn.execute(select(note))).all() == []
        with pytest.raises(exc.DBAPIError):
            await conn.execute(insert(note).values(**a_note()))


async def copy_readings(tx, columns, *rows):
    async with tx.copy("reading_1", columns) as copy:
        for row in rows:
            await copy.write_row(row)


async def test_copy_fills_in_the_tenant(sample_database):
    call = admin_call()
    async with sample_database.begin(call) as tx:
        await copy_readings(tx, ["bucket", "reading_id", "amount"], *((1, uuid7(), n) for n in range(100)))
        assert await tx.conn.scalar(select(func.sum(reading.c.amount))) == 4950
    async with sample_database.read(call) as tx:
        assert await tx.conn.scalar(select(func.count()).select_from(reading)) == 100
    async with sample_database.read(admin_call()) as tx:
        assert await tx.conn.scalar(select(func.count()).select_from(reading)) == 0


async def test_copy_in_binary_takes_typed_columns(sample_database):
    async with sample_database.begin(admin_call()) as tx:
        columns = ["bucket", "reading_id", "amount"]
        async with tx.copy("reading_1", columns, types=["int8", "uuid", "int8"]) as copy:
            await copy.write_row((1, uuid7(), 2**62))
        assert await tx.conn.scalar(select(reading.c.amount)) == 2**62


async def test_copy_refuses_a_forged_tenant(sample_database):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with sample_database.begin(admin_call()) as tx:
            await copy_readings(
                tx, ["tenant_id", "bucket", "reading_id", "amount"], (admin_call().tenant_id, 1, uuid7(), 1)
            )


async def test_copy_without_a_tenant_is_refused(sample_database):
    async with sample_database.worker() as conn:
        with pytest.raises(exc.ProgrammingError, match="permission denied"):
            await conn.exec_driver_sql("COPY reading_1 (bucket) TO STDOUT")
        await conn.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM reading_1",
        "DELETE FROM reading_1",
        "UPDATE reading_1 SET amount = 0",
        "INSERT INTO reading_1 (tenant_id) SELECT gen_random_uuid()",
        "SELECT * FROM outbox_rows",
        "TRUNCATE reading",
        "ALTER TABLE note NO FORCE ROW LEVEL SECURITY",
        "SELECT roll_outbox_archive(current_date)",
    ],
)
async def test_leaves_and_ownership_are_out_of_reach(sample_database, statement):
    with pytest.raises(exc.ProgrammingError, match=r"permission denied|must be owner"):
        async with sample_database.begin(admin_call()) as tx:
            await tx.conn.exec_driver_sql(statement)


async def test_the_worker_sees_queues_of_all_tenants_and_nothing_else(sample_database):
    one, two = admin_call(), admin_call()
    for call in (one, two):
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(insert(due).values(due_id=uuid7(), due_at=await tx.now()))
    async with sample_database.worker() as conn:
        tenants = set((await conn.execute(select(due.c.tenant_id))).scalars())
    assert {one.tenant_id, two.tenant_id} <= tenants
    for table in ("note", "reading", "reading_1", "tenant_clock"):
        with pytest.raises(exc.ProgrammingError, match="permission denied"):
            async with sample_database.worker() as conn:
                await conn.exec_driver_sql(f"SELECT * FROM {table}")
    with pytest.raises(exc.ProgrammingError, match="permission denied"):
        async with sample_database.worker() as conn:
            await conn.exec_driver_sql("SELECT response FROM idempotency")


async def test_the_owner_is_bound_by_the_policies_too(sample_database, service_database):
    await write_note(sample_database, admin_call())
    owner = service_database("sample", "billing_testkit.sample").migration_database_url
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)
