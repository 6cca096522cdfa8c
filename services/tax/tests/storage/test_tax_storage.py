"""Tables, events and invariants on PostgreSQL."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio
from billing.tax.v1 import events_pb2
from billing_kernel.ids import encode, uuid7
from billing_runtime.database import Database
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.places import Place
from billing_tax.domain.registration import Registration, Scheme
from billing_tax.operations.create_exemption import create_exemption
from billing_tax.operations.create_registration import create_registration
from billing_tax.operations.end_exemption import end_exemption
from billing_tax.operations.end_registration import end_registration
from billing_tax.storage.invariants import INVARIANTS
from billing_tax.storage.rate_file import built_in_rates
from billing_tax.storage.tables import exemption, metadata, registration
from billing_tax.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.mesh import Mesh
from billing_testkit.migrations import assert_tables_match_migrations
from billing_testkit.tenants import admin_call, customer_call
from sqlalchemy import select, text

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(service_database):
    opened = Database.open(service_database("tax", "billing_tax").database_url, pool_max=4)
    yield opened
    await opened.close()


@pytest.fixture
def german(seller_id) -> Registration:
    return Registration(uuid7(), seller_id, Place("DE"), Scheme.DOMESTIC, "", START, metadata={"a": "b"})


def exempt(customer_id: UUID) -> Exemption:
    return Exemption(uuid7(), customer_id, Place("DE"), "C-17", START)


def test_tables_are_what_the_migrations_make(service_database):
    assert_tables_match_migrations(metadata, service_database("tax", "billing_tax").migration_database_url)


async def test_every_change_is_told(database, tenant_id, german):
    mesh = Mesh([database], [])
    async with database.begin(admin_call(tenant_id, at=NOON)) as tx:
        uow = PostgresUnitOfWork(tx)
        await create_registration(uow, german, built_in_rates())
        await end_registration(uow, german.id, end=END, etag="1")
        waiver = await create_exemption(uow, exempt(uuid7()), built_in_rates())
        await end_exemption(uow, waiver.id, end=END, etag="")
    events = [event for event in await mesh.settle() if event.tenant_id == tenant_id]
    await mesh.close()
    kinds = ("RegistrationCreated", "RegistrationEnded", "ExemptionCreated", "ExemptionEnded")
    assert [event.type for event in events] == [f"billing.tax.v1.{kind}" for kind in kinds]
    assert {event.topic for event in events} == {"billing.tax.v1"}
    assert [event.sequence for event in events] == [1, 2, 1, 2]
    assert {event.effective_at for event in events} == {NOON}
    seller, customer = encode("sel", german.seller_id), encode("cus", waiver.customer_id)
    assert [event.key for event in events] == [seller, seller, customer, customer]
    told = events_pb2.RegistrationEnded.FromString(events[1].payload).registration
    assert (told.registration_id, told.etag, told.end_time.seconds) == (
        encode("reg", german.id),
        "",
        int(END.timestamp()),
    )
    assert events[1].subject == told.registration_id


async def test_what_is_written_is_read(database, tenant_id, german):
    async with database.begin(admin_call(tenant_id, at=NOON)) as tx:
        uow = PostgresUnitOfWork(tx)
        made = await create_registration(uow, german, built_in_rates())
        assert await uow.lock_registration(german.id) == made
        waiver = await create_exemption(uow, exempt(uuid7()), built_in_rates())
        assert await uow.lock_exemption(waiver.id) == waiver


async def test_without_any_filter_a_tenant_sees_its_own_rows_alone(database, tenant_id, german):
    call = admin_call(tenant_id, at=NOON)
    async with database.begin(call) as tx:
        await create_registration(PostgresUnitOfWork(tx), german, built_in_rates())
        await create_exemption(PostgresUnitOfWork(tx), exempt(uuid7()), built_in_rates())
    async with database.read(admin_call()) as tx:
        for table in (registration, exemption):
            assert not (await tx.conn.execute(select(table))).all()
    async with database.read(call) as tx:
        for table in (registration, exemption):
            assert len((await tx.conn.execute(select(table))).all()) == 1


async def test_a_customer_sees_its_own_exemptions_alone(database, tenant_id):
    mine, other = uuid7(), uuid7()
    async with database.begin(admin_call(tenant_id, at=NOON)) as tx:
        for customer_id in (mine, other):
            await create_exemption(PostgresUnitOfWork(tx), exempt(customer_id), built_in_rates())
    async with database.read(customer_call(tenant_id, mine)) as tx:
        assert [row.customer_id for row in await tx.conn.execute(select(exemption))] == [mine]


async def test_invariants_are_valid_and_hold(database, tenant_id, german):
    call = admin_call(tenant_id, at=NOON)
    async with database.begin(call) as tx:
        await create_registration(PostgresUnitOfWork(tx), german, built_in_rates())
    async with database.read(call) as tx:
        for query in INVARIANTS.values():
            assert not (await tx.conn.execute(text(query))).all()
