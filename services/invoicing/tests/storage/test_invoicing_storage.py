"""What PostgreSQL itself guarantees: numbers without gap, final invoices that nobody edits, tenants apart."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from billing_invoicing.domain.invoice import State
from billing_invoicing.domain.numbering import INVOICES
from billing_invoicing.operations.number_invoices import number_invoices
from billing_invoicing.storage.columns import metadata
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_kernel.ids import decode, uuid7
from billing_runtime.database_errors import UniqueViolated
from billing_testkit.migrations import assert_tables_match_migrations
from billing_testkit.tenants import customer_call, service_call
from invoicing_builders import FEBRUARY, MARCH, a_draft, billing_due, flat_charge


def test_tables_match_migrations(service_database):
    assert_tables_match_migrations(metadata, service_database("invoicing", "billing_invoicing").migration_database_url)


async def write(books, seller, count, gate=None, numbered=None):
    """`count` invoices in one transaction; `gate` holds the commit back, `numbered` tells that it has its numbers."""
    drafts = [a_draft(seller=seller) for _ in range(count)]
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.invoices.insert_lines(drafts)
        final = await number_invoices(uow, seller, drafts)
        await uow.invoices.insert(final)
        if numbered is not None:
            numbered.set()
        if gate is not None:
            await gate.wait()
    return [invoice.number for invoice in final]


async def test_two_transactions_at_once_take_numbers_one_after_the_other(books, seller):
    gate, numbered = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(write(books, seller, 3, gate, numbered))
    await asyncio.wait_for(numbered.wait(), 10)
    second = asyncio.create_task(write(books, seller, 2))
    await asyncio.sleep(0.2)
    assert not second.done()  # the first one holds the series
    gate.set()
    numbers = [*await first, *await second]
    assert sorted(numbers) == [f"ACME-2026-{number:06d}" for number in range(1, 6)]


async def test_many_transactions_leave_no_gap(books, seller):
    await asyncio.gather(*(write(books, seller, 1 + number % 3) for number in range(12)))
    row = await books.one("SELECT count(*), count(DISTINCT number_sequence), max(number_sequence) FROM invoice")
    assert row[0] == row[1] == row[2] == 24


async def test_a_transaction_that_fails_gives_its_numbers_back(books, seller):
    class Bang(Exception):
        pass

    async def fail():
        async with books.database.begin(service_call(books.tenant_id)) as tx:
            await number_invoices(PostgresUnitOfWork(tx), seller, [a_draft(seller=seller)])
            raise Bang

    with pytest.raises(Bang):
        await fail()
    assert await write(books, seller, 1) == ["ACME-2026-000001"]


async def test_dates_are_kept_over_transactions(books, seller):
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        late = a_draft(seller=seller, invoice_at=MARCH)
        await number_invoices(PostgresUnitOfWork(tx), seller, [late])
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        (early,) = await number_invoices(PostgresUnitOfWork(tx), seller, [a_draft(seller=seller)])
        assert (early.invoice_at, early.due_at) == (MARCH, MARCH + timedelta(days=14))
        assert (await PostgresUnitOfWork(tx).numbers.lock(seller.seller_id, INVOICES)).last == {2026: 2}


async def test_a_charge_cannot_be_on_two_invoices(books, seller):
    charge = flat_charge()
    await books.bill(billing_due([charge]))
    again = a_draft(billing_due([charge]), seller)
    with pytest.raises(UniqueViolated) as violated:
        async with books.database.begin(service_call(books.tenant_id)) as tx:
            await PostgresUnitOfWork(tx).invoices.insert_lines([again])
    assert "invoiced_charge" in violated.value.constraint


FROZEN = {
    "number": "'X-2026-000009'",
    "number_sequence": "9",
    "seller_version": "9",
    "invoice_at": "now()",
    "due_at": "now()",
    "finalized_at": "now()",
    "content_hash": "'v1:0'",
    "credit_applied_minor": "1",
}
NEVER = {
    "total_minor": "1",
    "net_minor": "1",
    "tax_minor": "1",
    "customer_id": "gen_random_uuid()",
    "seller_id": "gen_random_uuid()",
    "currency": "'USD'",
    "tax_summary": "'[]'",
    "party_version": "9",
    "tax_ids": "'[]'",
    "discount_minor": "1",
    "tenant_id": "gen_random_uuid()",
}


async def attempt(books, statement):
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        await tx.raw.execute(statement)


@pytest.mark.parametrize("column", FROZEN)
async def test_postgres_refuses_to_edit_what_is_final(books, seller, column):
    await books.bill(billing_due())
    with pytest.raises(psycopg.errors.RestrictViolation, match="never edited"):
        await attempt(books, f"UPDATE invoice SET {column} = {FROZEN[column]}")


@pytest.mark.parametrize("column", NEVER)
async def test_what_even_a_draft_keeps_cannot_be_written_at_all(books, seller, column):
    await books.bill(billing_due())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await attempt(books, f"UPDATE invoice SET {column} = {NEVER[column]}")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM invoice",
        "DELETE FROM invoice_line",
        "UPDATE invoice_line SET net_minor = 1",
        "UPDATE invoiced_charge SET invoice_id = gen_random_uuid()",
        "DELETE FROM applied_payment",
        "UPDATE party SET content = '{}'",
        "DELETE FROM number_counter",
        "TRUNCATE invoice",
        "DELETE FROM settled_due",
        "SELECT * FROM invoice_rows",
    ],
)
async def test_nothing_of_money_is_deleted(books, seller, statement):
    await books.bill(billing_due())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await attempt(books, statement)


@pytest.mark.parametrize(("before", "after"), [("open", "draft"), ("paid", "open"), ("void", "open"), ("void", "paid")])
async def test_states_never_go_back(books, seller, before, after):
    await books.bill(billing_due())
    if before != "open":
        await attempt(books, f"UPDATE invoice SET state = '{before}', paid_minor = 0")
    with pytest.raises(psycopg.errors.RestrictViolation, match="never goes back"):
        await attempt(books, f"UPDATE invoice SET state = '{after}'")


async def test_payments_are_never_taken_back(books, seller):
    await books.bill(billing_due())
    await attempt(books, "UPDATE invoice SET paid_minor = 10")
    with pytest.raises(psycopg.errors.RestrictViolation):
        await attempt(books, "UPDATE invoice SET paid_minor = 9")
    with pytest.raises(psycopg.errors.CheckViolation):
        await attempt(books, "UPDATE invoice SET paid_minor = total_minor + 1")


async def test_an_altered_line_is_seen_by_its_hash(books, seller, postgres, service_database):
    await books.bill(billing_due(), billing_due())
    name = service_database("invoicing", "billing_invoicing").name
    with psycopg.connect(postgres.dsn.rpartition("/")[0] + f"/{name}") as superuser:
        superuser.execute(
            "UPDATE invoice_line SET description = 'other' WHERE tenant_id = %s AND invoice_id ="
            " (SELECT invoice_id FROM invoice WHERE tenant_id = %s LIMIT 1)",
            (books.tenant_id, books.tenant_id),
        )
    assert await books.broken() == {"content_hash": 1}


TABLES = [table.name for table in metadata.sorted_tables]


@pytest.mark.parametrize("table", TABLES)
async def test_tenants_are_apart_without_any_filter(books, seller, table, database):
    await books.bill(billing_due(), billing_due([]))
    async with database.read(service_call(uuid7())) as tx:
        assert await (await tx.raw.execute(f"SELECT * FROM {table}")).fetchall() == []


@pytest.mark.parametrize("leaf", ["invoice", "invoice_line", "invoiced_charge", "settled_due"])
async def test_copy_cannot_forge_a_tenant(books, seller, leaf):
    async def forge():
        async with (
            books.database.begin(service_call(books.tenant_id)) as tx,
            tx.copy(f"{leaf}_rows", ["tenant_id"]) as copy,
        ):
            await copy.write_row([uuid7()])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await forge()


async def test_a_customer_sees_its_own_rows_alone(books, seller):
    mine, other = billing_due(), billing_due()
    await books.bill(mine, other)
    call = customer_call(books.tenant_id, decode("cus", mine.customer_id))
    async with books.database.read(call) as tx:
        for table in ("invoice", "invoice_line"):
            rows = await (await tx.raw.execute(f"SELECT customer_id FROM {table}")).fetchall()
            assert rows == [(decode("cus", mine.customer_id),)]
        names = await (await tx.raw.execute("SELECT customer_id FROM party")).fetchall()
        assert sorted(names, key=str) == sorted([(None,), (decode("cus", mine.customer_id),)], key=str)


async def test_stored_invoices_come_back_as_they_were(books, seller):
    draft = a_draft(billing_due([flat_charge(100), flat_charge(250)]), seller, created_at=FEBRUARY)
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.invoices.insert_lines([draft])
        await uow.invoices.insert([draft])
        assert await uow.invoices.lock(draft.invoice_id, lines=True) == draft
        assert (await uow.invoices.get(draft.invoice_id, lines=False)).lines == ()
        assert draft.state is State.DRAFT
