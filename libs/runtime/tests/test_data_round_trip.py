from uuid import UUID

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.database import Database
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call
from psycopg.errors import DivisionByZero
from sqlalchemy import insert, select

ADD = "INSERT INTO note (note_id, customer_id, content) VALUES (%s, %s, %s)"
NAMED = "SELECT content FROM note WHERE note_id = %s"


async def contents(database, call):
    async with database.read(call) as tx:
        return sorted((await tx.conn.execute(select(note.c.content))).scalars())


async def test_each_statement_sees_what_the_ones_before_it_did(sample_database):
    first = uuid7()
    async with sample_database.begin(admin_call()) as tx:
        made, found, none = await tx.together((ADD, (first, uuid7(), "one")), (NAMED, (first,)), (NAMED, (uuid7(),)))
    assert (made, found, none) == ([], [{"content": "one"}], [])


async def test_values_are_those_of_psycopg(sample_database):
    wanted = [None, True, 7, 2**40, "%s and %", UUID(int=7), b"\x00\xff", [UUID(int=1)], []]
    names = [f"c{number}" for number in range(len(wanted))]
    casts = ["text", "bool", "int4", "int8", "text", "uuid", "bytea", "uuid[]", "uuid[]"]
    query = "SELECT " + ", ".join(f"%s::{cast} AS {name}" for cast, name in zip(casts, names, strict=True))
    async with sample_database.read(admin_call()) as tx:
        for _ in range(3):
            ((found,),) = await tx.together((query, wanted))
            assert list(found.values()) == wanted
        ((percent,),) = await tx.together(("SELECT 7 %% 4 AS rest", ()))
    assert percent == {"rest": 3}


async def test_the_first_error_is_raised_and_nothing_behind_it_is_run(sample_database):
    call = admin_call()

    async def broken():
        async with sample_database.begin(call) as tx:
            await tx.together((ADD, (uuid7(), uuid7(), "gone")), ("SELECT 1 / 0", ()), ("SELECT 1", ()))

    for _ in range(2):
        with pytest.raises(DivisionByZero):
            await broken()
    assert await contents(sample_database, call) == []


async def test_what_waits_goes_with_the_next_batch_or_with_the_commit(sample_database):
    call, first = admin_call(), uuid7()
    async with sample_database.begin(call) as tx:
        tx.later((ADD, (first, uuid7(), "one")))
        assert await tx.together((NAMED, (first,))) == [[{"content": "one"}]]
        tx.later((ADD, (uuid7(), uuid7(), "two")))
        await tx.send()
        assert len((await tx.conn.execute(select(note.c.content))).all()) == 2
        tx.later((ADD, (uuid7(), uuid7(), "three")))
    assert await contents(sample_database, call) == ["one", "three", "two"]


async def test_what_waits_and_is_refused_rolls_all_of_it_back(sample_database):
    call = admin_call()

    async def broken():
        async with sample_database.begin(call) as tx:
            await tx.conn.execute(insert(note).values(note_id=uuid7(), customer_id=uuid7(), content="gone"))
            tx.later(("SELECT 1 / 0", ()))

    with pytest.raises(DivisionByZero):
        await broken()
    assert await contents(sample_database, call) == []


async def test_statements_are_prepared_again_after_psycopg_has_dropped_them(sample_database):
    call, first = admin_call(), uuid7()
    async with sample_database.begin(call) as tx:
        await tx.together((ADD, (first, uuid7(), "one")))
        for _ in range(2):
            await tx.raw.execute("SAVEPOINT here")
            await tx.raw.execute("ROLLBACK TO SAVEPOINT here")
            assert await tx.together((NAMED, (first,))) == [[{"content": "one"}]]


async def test_a_connection_keeps_no_more_statements_than_it_may(sample_database, monkeypatch):
    monkeypatch.setattr("billing_runtime.round_trip.PREPARED_MAX", 10)
    database = Database.open(sample_database.engine.url.render_as_string(hide_password=False), pool_max=1)
    try:
        async with database.begin(admin_call()) as tx:
            for number in range(30):
                assert await tx.together((f"SELECT {number} AS found", ())) == [[{"found": number}]]
            prepared = await tx.together(("SELECT count(*) AS kept FROM pg_prepared_statements", ()))
    finally:
        await database.close()
    assert prepared[0][0]["kept"] <= 12
