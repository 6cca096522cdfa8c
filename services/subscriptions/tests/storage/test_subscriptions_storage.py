"""What only PostgreSQL can show: migrations, tenancy, locks, sweeps, invariants."""

from datetime import UTC, date, datetime, timedelta

import pytest
import subscriptions_builders as build
from billing.subscriptions.v1 import plans_service_pb2
from billing_kernel.ids import uuid7
from billing_runtime.invariants import broken_rules
from billing_subscriptions.config import Settings
from billing_subscriptions.domain.errors import CustomerNotFound, SubscriptionNotFound
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.main import assemble
from billing_subscriptions.operations.ports import Outcome, Settlement
from billing_subscriptions.storage import queues
from billing_subscriptions.storage.invariants import INVARIANTS, some
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_subscriptions.wire.events import DUE_TOPIC
from billing_testkit.tenants import admin_call, customer_call
from psycopg.errors import UniqueViolation
from subscriptions_builders import utc

NOW = utc("2026-04-15")
TOMORROW = timedelta(days=1)


@pytest.fixture
async def shop(database, tenant_id):
    """(tenant, customer, plan version, subscription) that are committed."""
    plan = build.plan()
    version, buyer = build.version([build.flat(), build.metered()], of=plan), build.customer()
    started = build.started(version, buyer)
    made = started.after
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.customers.add(buyer, build.ADA)
        await uow.plans.add(plan)
        await uow.plans.add_version(version)
        await uow.subscriptions.write([started])
    return tenant_id, buyer, version, made


async def open_due(database, shop):
    tenant_id, buyer, version, made = shop
    (renewal,) = build.renewed(made, version)
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.subscriptions.write([renewal])
        await uow.dues.add([BillingDue(renewal, buyer, uuid7())])
    return renewal


async def test_another_tenant_sees_nothing(database, shop):
    _, buyer, version, _ = shop
    async with database.begin(admin_call(at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        assert await uow.customers.get_many([buyer.id]) == {}
        assert await uow.plans.versions([version.id]) == {}
        assert not await uow.subscriptions.claim_due(NOW, 10)
        assert await queues.next_due_at(tx) is None
        assert await queues.is_empty(tx)


async def test_a_customer_sees_its_own_rows_alone(database, shop):
    tenant_id, buyer, _, made = shop
    async with database.read(customer_call(tenant_id, buyer.id)) as tx:
        reads = PostgresReads(tx)
        assert (await reads.customer(buyer.id))[0] == buyer
        assert await reads.subscription(made.id) == made
    async with database.read(customer_call(tenant_id, uuid7())) as tx:
        reads = PostgresReads(tx)
        with pytest.raises(CustomerNotFound):
            await reads.customer(buyer.id)
        with pytest.raises(SubscriptionNotFound):
            await reads.subscription(made.id)
        assert await reads.parties([(buyer.party_id, 1)]) == {}
        found = await reads.subscriptions(customer_id=None, state=None, external_id="", after=None, limit=9)
        assert found == []


async def test_two_runs_never_claim_the_same_boundary(database, shop):
    tenant_id, *_ = shop
    async with database.begin(admin_call(tenant_id, at=NOW)) as first:
        assert len(await PostgresUnitOfWork(first).subscriptions.claim_due(NOW, 10)) == 1
        async with database.begin(admin_call(tenant_id, at=NOW)) as second:
            other = PostgresUnitOfWork(second).subscriptions
            assert not await other.claim_due(NOW, 10)
            assert await other.is_due(NOW)


async def test_an_open_due_is_found_and_published_again(database, shop):
    renewal = await open_due(database, shop)
    before = datetime.now(UTC) + TOMORROW
    mine = (shop[0], renewal.due.id)
    async with database.worker() as conn:
        assert mine not in await queues.stale_dues(conn, before, DUE_TOPIC)  # still in our own outbox
        await conn.exec_driver_sql("DELETE FROM outbox WHERE topic = %s", (DUE_TOPIC,))
        assert mine in await queues.stale_dues(conn, before, DUE_TOPIC)
        assert mine not in await queues.stale_dues(conn, before - 2 * TOMORROW, DUE_TOPIC)
        assert await queues.oldest_open_due(conn) is not None
    async with database.begin(admin_call(shop[0], at=NOW)) as tx:
        await PostgresUnitOfWork(tx).dues.settle([Settlement(renewal.due.id, Outcome.INVOICED)])
    async with database.worker() as conn:
        assert mine not in await queues.stale_dues(conn, before, DUE_TOPIC)


async def test_the_republishing_job_publishes_with_the_same_due_id(database, shop):
    renewal = await open_due(database, shop)
    async with database.worker() as conn:
        await conn.exec_driver_sql("DELETE FROM outbox")
    async with database.begin(admin_call(shop[0])) as tx:
        await tx.conn.exec_driver_sql("UPDATE billing_due SET published_at = now() - interval '2 hours'")
    jobs = {job.name: job for job in assemble(database, None, Settings("127.0.0.1:1"), None).jobs}
    assert await jobs["republish_dues"].run() == 1
    assert await jobs["republish_dues"].run() == 0
    async with database.read(admin_call(shop[0])) as tx:
        rows = (await tx.conn.exec_driver_sql("SELECT topic, payload, actor FROM outbox")).all()
    assert [(row.topic, row.actor) for row in rows] == [(DUE_TOPIC, "job:republish_dues")]
    assert str(renewal.due.id).encode() in bytes(rows[0].payload)


async def test_old_standings_are_forgotten_unless_unpaid(database, shop):
    tenant_id, *_, made = shop
    async with database.begin(admin_call(tenant_id)) as tx:
        subscriptions = PostgresUnitOfWork(tx).subscriptions
        await subscriptions.note_paid([(made.id, uuid7())])
        await subscriptions.note_unpaid([(made.id, uuid7())])
    async with database.worker() as conn:
        assert await queues.prune_standings(conn, date(2020, 1, 1)) == 0
        assert await queues.prune_standings(conn, date(2999, 1, 1)) >= 1
    async with database.read(admin_call(tenant_id)) as tx:
        assert (await tx.conn.exec_driver_sql("SELECT state FROM invoice_standing")).scalars().all() == ["UNPAID"]


async def test_a_boundary_cannot_be_billed_twice(database, shop):
    tenant_id, buyer, version, made = shop
    (renewal,) = build.renewed(made, version)
    dues = [BillingDue(renewal, buyer, uuid7()) for _ in range(2)]
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        with pytest.raises(UniqueViolation, match="billing_due"):
            await PostgresUnitOfWork(tx).dues.add(dues)
        await tx.raw.rollback()


@pytest.mark.parametrize(("parts", "rows", "share"), [(4, 1000, 4), (2, 10, 4), (1, 1000, 1)])
async def test_the_verifier_comes_to_every_subscription(database, shop, parts, rows, share):
    """Whatever there is: a part of them at a time, and all of them in the end."""
    tenant_id, buyer, version, made = shop
    others = [build.started(version, buyer) for _ in range(39)]
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        await PostgresUnitOfWork(tx).subscriptions.write(others)
    query = f"SELECT subscription_id FROM subscription {some(parts, rows)}"
    async with database.read(admin_call(tenant_id)) as tx:
        looks = [{row[0] for row in await tx.conn.exec_driver_sql(query)} for _ in range(200)]
    assert set.union(*looks) == {made.id, *(each.after.id for each in others)}
    assert 0.6 * 40 / share < sum(map(len, looks)) / 200 < 1.5 * 40 / share


async def test_invariants_hold_and_a_broken_one_is_found(database, shop):
    await open_due(database, shop)
    async with database.begin(admin_call(shop[0], key="k")) as tx:
        await tx.answer(plans_service_pb2.CreatePlanResponse())  # makes the tenant an active one
    rules = dict.fromkeys(INVARIANTS, 0)
    assert not set(rules) & set(await broken_rules(database, INVARIANTS))
    async with database.begin(admin_call(shop[0])) as tx:
        await tx.conn.exec_driver_sql("UPDATE billing_due SET effective_at = '2030-01-01'")
    assert {"due_before_next_due", "no_due_beyond_current_period"} <= set(await broken_rules(database, INVARIANTS))
    async with database.begin(admin_call(shop[0])) as tx:
        await tx.conn.exec_driver_sql("UPDATE billing_due SET effective_at = '2026-01-01'")
