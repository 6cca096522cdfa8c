"""Tables, walls and invariants on PostgreSQL."""

from dataclasses import replace

import pytest
from billing_kernel.errors import AlreadyExists
from billing_kernel.ids import uuid7
from billing_payments.domain.payment import PaymentState
from billing_payments.operations.resolve_unclear import resolve_unclear
from billing_payments.storage.invariants import INVARIANTS
from billing_payments.storage.queries import is_empty, next_due_at
from billing_payments.storage.queue import PostgresQueue
from billing_payments.storage.tables import METADATA, payment, payment_attempt, payment_method, sandbox_charge
from billing_runtime.call import calling
from billing_testkit.migrations import assert_tables_match_migrations
from billing_testkit.tenants import admin_call, customer_call
from sqlalchemy import exc, func, insert, select, text, update

TABLES = [payment, payment_attempt, payment_method, sandbox_charge]


async def broken(payments, rule):
    async with payments.database.read(payments.call) as tx:
        return len((await tx.conn.execute(text(INVARIANTS[rule]))).all())


async def rows(payments, call, table):
    async with payments.database.read(call) as tx:
        return (await tx.conn.execute(select(func.count()).select_from(table))).scalar_one()


async def execute(payments, *statements, call=None):
    async with payments.database.begin(call or payments.call) as tx:
        for statement in statements:
            await tx.conn.execute(statement)


def test_tables_are_what_the_migrations_make(service_database):
    url = service_database("payments", "billing_payments").migration_database_url
    assert_tables_match_migrations(METADATA, url)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_without_a_filter_no_tenant_sees_another(payments, day, table):
    await payments.due()
    await payments.attempt(day(0))
    assert await rows(payments, payments.call, table) == 1
    assert await rows(payments, admin_call(), table) == 0


@pytest.mark.parametrize("table", [payment, payment_attempt, payment_method], ids=lambda table: table.name)
async def test_without_a_filter_no_customer_sees_another(payments, day, table):
    mine, _ = await payments.due(), await payments.due()
    await payments.attempt(day(0))
    assert await rows(payments, customer_call(payments.call.tenant_id, mine.customer_id), table) == 1
    assert await rows(payments, customer_call(payments.call.tenant_id, uuid7()), table) == 0


async def test_a_customer_cannot_write_for_another(payments):
    method = await payments.attach()
    stolen = update(payment_method).values(customer_id=uuid7())
    with pytest.raises(exc.ProgrammingError, match="row-level security"):
        await execute(payments, stolen, call=customer_call(payments.call.tenant_id, method.customer_id))


async def test_one_default_a_customer(payments):
    first = await payments.attach()
    await payments.attach(customer=first.customer_id)
    with pytest.raises(AlreadyExists):
        await execute(payments, update(payment_method).values(is_default=True))


async def test_one_attempt_a_payment_may_hold_money(payments, day):
    await payments.due()
    await payments.attempt(day(0))
    async with payments.database.read(payments.call) as tx:
        row = (await tx.conn.execute(select(payment_attempt))).one()._asdict()
    for state in ("PROCESSING", "UNKNOWN", "REQUIRES_ACTION", "SUCCEEDED"):
        second = {**row, "attempt_id": uuid7(), "number": 2, "state": state}
        with pytest.raises(AlreadyExists):
            await execute(payments, insert(payment_attempt).values(second))


async def test_one_payment_an_invoice(payments, day):
    first = await payments.due()
    again = replace(first, id=uuid7())
    await payments.in_transaction(lambda uow: uow.insert_payments([again]))
    assert await payments.payment_of(first.invoice_id) == first


@pytest.mark.parametrize("statement", ["DELETE FROM payment_method", "DELETE FROM sandbox_charge"])
async def test_what_is_of_record_is_not_deleted(payments, statement):
    with pytest.raises(exc.ProgrammingError, match="permission denied"):
        await execute(payments, text(statement))


@pytest.mark.parametrize("query", ["SELECT * FROM payment", "SELECT token FROM payment_method", "DELETE FROM payment"])
async def test_the_worker_role_sees_only_what_it_claims_by(payments, query):
    with pytest.raises(exc.ProgrammingError, match="permission denied"):
        async with payments.database.worker() as conn:
            await conn.execute(text(query))


async def test_the_queue_knows_each_tenants_own_clock(payments, day):
    queue, tenant = PostgresQueue(payments.database), payments.call.tenant_id
    await payments.due(at=day(10_000))
    assert tenant not in await queue.tenants_due(1000)
    await payments.test_clock(day(9_999))
    assert tenant not in await queue.tenants_due(1000)
    await payments.test_clock(day(10_000))
    assert tenant in await queue.tenants_due(1000)


async def test_by_the_wall_clock_what_is_past_is_due(payments, day):
    await payments.due()
    assert payments.call.tenant_id in await PostgresQueue(payments.database).tenants_due(1000)


async def test_a_tenant_behind_its_test_clock_is_not_due_by_the_wall_clock(payments, day):
    await payments.due()
    await payments.test_clock(day(-1))
    assert payments.call.tenant_id not in await PostgresQueue(payments.database).tenants_due(1000)


async def test_unclear_attempts_are_found_once_nobody_holds_them(payments, day):
    queue, tenant = PostgresQueue(payments.database), payments.call.tenant_id
    await payments.due("tok_timeout_after_charge")
    await payments.attempt(day(0))
    assert tenant in await queue.tenants_unclear(1000)
    with calling(payments.call):
        await resolve_unclear(payments.collector)
    assert tenant not in await queue.tenants_unclear(1000)


async def test_what_is_due_next(payments, day):
    async def due():
        async with payments.database.read(payments.call) as tx:
            return await next_due_at(tx)

    assert await due() is None
    await payments.due(at=day(3))
    await payments.due("tok_timeout_after_charge", at=day(1))
    assert await due() == day(1)
    await payments.attempt(day(1))
    assert await due() == day(1)  # under way
    with calling(payments.call):
        await resolve_unclear(payments.collector)
    assert await due() == day(3)
    await payments.attempt(day(3))
    assert await due() is None


async def test_a_tenant_is_empty_until_its_first_record(payments):
    async def empty():
        async with payments.database.read(payments.call) as tx:
            return await is_empty(tx)

    assert await empty()
    await payments.attach()
    assert not await empty()


async def test_the_invariants_hold_after_every_kind_of_attempt(payments, day):
    for token in ("tok_succeeds", "tok_soft_decline_then_succeeds", "tok_hard_decline", "tok_requires_3ds"):
        await payments.due(token)
    await payments.due("tok_timeout_after_charge")
    await payments.attempt(day(0))
    assert {rule: await broken(payments, rule) for rule in INVARIANTS} == dict.fromkeys(INVARIANTS, 0)


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("captured_at_most_once", "INSERT INTO sandbox_charge SELECT tenant_id, gen_random_uuid(), payment_id, token,"
         " currency, amount_minor, state, decline_code, entered_at, captured_at FROM sandbox_charge"),
        ("succeeded_is_captured", "UPDATE sandbox_charge SET amount_minor = 1"),
        ("succeeded_is_captured", "UPDATE payment SET amount_minor = 1"),
        ("succeeded_is_captured", "UPDATE payment_attempt SET amount_minor = 1"),
        ("succeeded_is_captured", "UPDATE sandbox_charge SET state = 'HARD_DECLINED', captured_at = NULL"),
        ("succeeded_has_its_attempt", "UPDATE payment_attempt SET state = 'HARD_DECLINED'"),
        ("captured_is_succeeded", "UPDATE sandbox_charge SET payment_id = gen_random_uuid(),"
         " captured_at = '2020-01-01'"),
        ("nothing_stays_unclear", "UPDATE payment_attempt SET state = 'UNKNOWN', in_flight_since = '2020-01-01'"),
    ],
)  # fmt: skip
async def test_each_invariant_finds_its_damage(payments, day, rule, damage):
    paid = await payments.due()
    await payments.attempt(day(0))
    assert (await payments.get(paid)).state is PaymentState.SUCCEEDED
    await execute(payments, text(damage))
    assert await broken(payments, rule) == 1
