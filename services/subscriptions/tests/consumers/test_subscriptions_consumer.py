"""What this service hears: settlements, payments, and each event once."""

import pytest
import subscriptions_builders as build
from billing.invoicing.v1 import events_pb2 as invoicing
from billing.payments.v1 import events_pb2 as payments
from billing_kernel.ids import encode, uuid7
from billing_runtime.events import Received
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.subscription import State
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc

AT = utc("2026-02-03T04:05:06")


@pytest.fixture
async def shop(database, tenant_id):
    """(subscription, renewal whose due is open)"""
    plan = build.plan()
    version, buyer = build.version(of=plan), build.customer(external_id="acme")
    started = build.started(version, buyer)
    (renewal,) = build.renewed(started.after, version)
    async with database.begin(admin_call(tenant_id, at=AT)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.customers.add(buyer, build.ADA)
        await uow.plans.add(plan)
        await uow.plans.add_version(version)
        await uow.subscriptions.write([started, renewal])
        await uow.dues.add([BillingDue(renewal, buyer, uuid7())])
    return renewal.after, renewal


def received(tenant_id, message, at=AT):
    name = message.DESCRIPTOR.full_name
    return Received(
        topic=".".join(name.split(".")[:3]),
        key="cus",
        type=name,
        id=uuid7(),
        tenant_id=tenant_id,
        actor="user:alice",
        subject="x",
        correlation_id="c",
        causation_id=None,
        sequence=1,
        effective_at=at,
        traceparent=None,
        payload=message.SerializeToString(),
    )


def failed(subscription, invoice_id):
    facts = payments.PaymentFacts(
        invoice_id=encode("inv", invoice_id), subscription_ids=[encode("sub", subscription.id)]
    )
    return payments.PaymentFailed(payment=facts)


def paid(subscription, invoice_id, kind=invoicing.InvoicePaid):
    facts = invoicing.InvoiceFacts(
        invoice_id=encode("inv", invoice_id), subscription_ids=[encode("sub", subscription.id)]
    )
    return kind(invoice=facts)


async def state_of(database, tenant_id, subscription):
    async with database.read(admin_call(tenant_id)) as tx:
        return (await PostgresReads(tx).subscription(subscription.id)).state


async def told(database, tenant_id):
    async with database.read(admin_call(tenant_id)) as tx:
        query = (
            "SELECT type, effective_at, causation_id FROM outbox WHERE topic = 'billing.subscriptions.v1' ORDER BY id"
        )
        return (await tx.conn.exec_driver_sql(query)).all()


@pytest.mark.parametrize("kind", [invoicing.InvoicePaid, invoicing.InvoiceVoided])
async def test_a_failed_payment_and_its_end(database, processor, shop, tenant_id, kind):
    subscription, invoice_id = shop[0], uuid7()
    event = received(tenant_id, failed(subscription, invoice_id))
    await processor.process([event])
    await processor.process([event])
    assert await state_of(database, tenant_id, subscription) is State.PAST_DUE
    await processor.process([received(tenant_id, paid(subscription, invoice_id, kind))])
    assert await state_of(database, tenant_id, subscription) is State.ACTIVE
    rows = await told(database, tenant_id)
    assert [row.type.rpartition(".")[2] for row in rows] == ["SubscriptionPastDue", "SubscriptionActivated"]
    assert {row.effective_at for row in rows} == {AT}
    assert rows[0].causation_id == str(event.id)


async def test_a_late_failure_of_a_paid_invoice_changes_nothing(database, processor, shop, tenant_id):
    subscription, invoice_id = shop[0], uuid7()
    await processor.process([received(tenant_id, paid(subscription, invoice_id))])
    await processor.process([received(tenant_id, failed(subscription, invoice_id))])
    assert await state_of(database, tenant_id, subscription) is State.ACTIVE
    assert await told(database, tenant_id) == []


async def test_events_of_unknown_subscriptions_and_without_subscriptions_do_nothing(
    database, processor, shop, tenant_id
):
    stranger = build.subscription(build.version())
    await processor.process([received(tenant_id, failed(stranger, uuid7()))])
    await processor.process([received(tenant_id, payments.PaymentFailed())])
    await processor.process([received(tenant_id, paid(stranger, uuid7()))])
    assert await told(database, tenant_id) == []


async def test_another_tenants_events_do_not_reach_a_subscription(database, processor, shop, tenant_id):
    await processor.process([received(uuid7(), failed(shop[0], uuid7()))])
    assert await state_of(database, tenant_id, shop[0]) is State.ACTIVE


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (invoicing.SETTLEMENT_OUTCOME_INVOICED, False),
        (invoicing.SETTLEMENT_OUTCOME_PARKED, True),
        (invoicing.SETTLEMENT_OUTCOME_NOTHING_TO_BILL, False),
    ],
)
async def test_settlements_close_dues(database, processor, shop, tenant_id, outcome, kept):
    settled = invoicing.BillingDueSettled(due_id=str(shop[1].due.id), outcome=outcome)
    late = invoicing.BillingDueSettled(due_id=str(shop[1].due.id), outcome=invoicing.SETTLEMENT_OUTCOME_PARKED)
    await processor.process([received(tenant_id, settled), received(tenant_id, late)])
    async with database.read(admin_call(tenant_id)) as tx:
        (row,) = (await tx.conn.exec_driver_sql("SELECT outcome, settled_at, payload FROM billing_due")).all()
    assert (row.outcome, row.settled_at is not None) == (
        invoicing.SettlementOutcome.Name(outcome).removeprefix("SETTLEMENT_OUTCOME_"),
        True,
    )
    assert (row.payload is not None) == kept


async def test_a_settlement_that_makes_no_sense_goes_to_the_dead_letters(database, processor, shop, tenant_id):
    await processor.process([received(tenant_id, invoicing.BillingDueSettled(due_id="nope"))])
    async with database.read(admin_call(tenant_id)) as tx:
        (row,) = (await tx.conn.exec_driver_sql("SELECT type, state FROM dead_letter")).all()
    assert (row.type, row.state) == ("billing.invoicing.v1.BillingDueSettled", "failed")
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.exec_driver_sql("UPDATE dead_letter SET state = 'skipped'")
