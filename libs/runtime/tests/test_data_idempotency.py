"""One effect and one answer for each idempotency key."""

import asyncio
from dataclasses import replace

import pytest
from billing.common.v1 import party_pb2
from billing_kernel.ids import uuid7
from billing_runtime.idempotency import AlreadyAnswered, IdempotencyKeyInFlight, IdempotencyKeyReused
from billing_runtime.personal import without_personal
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call, scope
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import insert, select, text


def a_note(content):
    return insert(note).values(note_id=uuid7(), customer_id=uuid7(), content=content)


async def contents(database, call):
    async with database.read(call) as tx:
        return sorted((await tx.conn.execute(select(note.c.content))).scalars())


async def answered(database, call, content="x", answer="first"):
    async with database.begin(call) as tx:
        await tx.conn.execute(a_note(content))
        return await tx.answer(StringValue(value=answer))


async def test_the_same_request_gets_the_first_answer_and_has_no_second_effect(sample_database):
    call = admin_call(key="k1")
    await answered(sample_database, call)
    with pytest.raises(AlreadyAnswered) as caught:
        await answered(sample_database, call, "y", "second")
    assert StringValue.FromString(caught.value.response).value == "first"
    assert await contents(sample_database, call) == ["x"]


async def test_another_request_with_the_key_is_refused(sample_database):
    call = admin_call(key="k1")
    await answered(sample_database, call)
    other = scope(call.tenant_id, call.actor, "k1", request=b"other")
    with pytest.raises(IdempotencyKeyReused):
        await answered(sample_database, replace(call, idempotency=other))


async def test_a_key_belongs_to_tenant_principal_and_method(sample_database):
    call = admin_call(key="k1")
    await answered(sample_database, call, "1")
    await answered(sample_database, admin_call(key="k1"), "2")
    for number, change in enumerate(({"principal": "user:bob"}, {"method": "/other"})):
        await answered(sample_database, replace(call, idempotency=replace(call.idempotency, **change)), f"3{number}")
    assert await contents(sample_database, call) == ["1", "30", "31"]


async def test_a_key_in_flight_is_refused_and_one_of_many_runs(sample_database):
    call = admin_call(key="race")
    outcomes = await asyncio.gather(
        *(answered(sample_database, call, f"n{n}") for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(outcome, StringValue) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes} <= {StringValue, AlreadyAnswered, IdempotencyKeyInFlight}
    assert len(await contents(sample_database, call)) == 1
    async with sample_database.begin(replace(call, idempotency=scope(call.tenant_id, "p", "held"))) as tx:
        with pytest.raises(IdempotencyKeyInFlight):
            async with sample_database.begin(tx.call):
                pass


async def test_a_rollback_leaves_no_key(sample_database):
    call = admin_call(key="k1")

    async def broken():
        async with sample_database.begin(call) as tx:
            await tx.answer(StringValue(value="never"))
            raise KeyError

    with pytest.raises(KeyError):
        await broken()
    await answered(sample_database, call)
    assert await contents(sample_database, call) == ["x"]


async def test_an_expired_key_is_free_again(sample_database):
    call = admin_call(key="k1")
    await answered(sample_database, call, "1")
    async with sample_database.begin(replace(call, idempotency=None)) as tx:
        await tx.raw.execute("DELETE FROM idempotency")
        await tx.raw.execute(
            "INSERT INTO idempotency (principal, method, key, request_hash, response_type, response, expires_at)"
            " VALUES (%s, %s, %s, %s, '', '', now() - interval '1 second')",
            (call.idempotency.principal, call.idempotency.method, "k1", call.idempotency.request_hash),
        )
    await answered(sample_database, call, "2")
    assert await contents(sample_database, call) == ["1", "2"]


def a_party():
    return party_pb2.Party(**{field.name: "Jane" for field in party_pb2.Party.DESCRIPTOR.fields if personal(field)})


def personal(field):
    from billing.common.v1 import personal_pb2

    return field.GetOptions().Extensions[personal_pb2.personal] and field.type == field.TYPE_STRING


async def test_personal_fields_are_not_kept_and_come_back_by_rehydration(sample_database):
    call, party = admin_call(key="p"), a_party()
    async with sample_database.begin(call) as tx:
        assert await tx.answer(party) is party
    async with sample_database.read(call) as tx:
        kept = await tx.conn.scalar(text("SELECT response FROM idempotency"))
    assert b"Jane" not in bytes(kept)

    async def refill(_tx, message):
        message.CopyFrom(party)

    sample_database.rehydrate = {"billing.common.v1.Party": refill}
    try:
        with pytest.raises(AlreadyAnswered) as caught:
            async with sample_database.begin(call):
                pass
    finally:
        sample_database.rehydrate = {}
    assert party_pb2.Party.FromString(caught.value.response) == party


def test_messages_without_personal_fields_are_not_copied():
    message = StringValue(value="x")
    assert without_personal(message) is message
