"""Events of invoicing: the same event twice has its effect once."""

from dataclasses import replace

import pytest
from billing.common.v1.collection_pb2 import COLLECTION_METHOD_CHARGE, COLLECTION_METHOD_SEND
from billing.common.v1.money_pb2 import Money
from billing.invoicing.v1 import events_pb2 as pb
from billing_kernel.ids import decode, encode, uuid7
from billing_payments.consumers.invoicing import invoicing_consumer
from billing_payments.domain.payment import PaymentState
from billing_payments.storage.unit_of_work import PostgresUnitOfWork
from billing_runtime.consumer import Processor
from billing_runtime.events import Received
from sqlalchemy import text


@pytest.fixture
def processor(payments):
    return Processor(payments.database, invoicing_consumer(PostgresUnitOfWork))


@pytest.fixture
def received(payments, day):
    """received(message) -> the event as it comes from Kafka"""

    def make(message, at=0):
        name = message.DESCRIPTOR.full_name
        facts = {"actor": "user:alice", "subject": message.invoice.invoice_id, "correlation_id": "c"}
        return Received(
            topic="billing.invoicing.v1",
            key=message.invoice.customer_id,
            type=name,
            id=uuid7(),
            tenant_id=payments.call.tenant_id,
            causation_id=None,
            sequence=1,
            effective_at=day(at),
            traceparent=None,
            payload=message.SerializeToString(),
            **facts,
        )

    return make


def invoice(**changes):
    fields = {
        "invoice_id": encode("inv", uuid7()),
        "customer_id": encode("cus", uuid7()),
        "subscription_ids": [encode("sub", uuid7()), encode("sub", uuid7())],
        "due": Money(currency_code="EUR", amount_minor=4900),
        "total": Money(currency_code="EUR", amount_minor=5000),
        "collection_method": COLLECTION_METHOD_CHARGE,
    }
    return pb.InvoiceFacts(**(fields | changes))


async def outbox(payments):
    async with payments.database.read(payments.call) as tx:
        query = "SELECT type, causation_id, actor, key, effective_at FROM outbox ORDER BY id"
        return (await tx.conn.execute(text(query))).all()


async def dead_letters(payments):
    async with payments.database.read(payments.call) as tx:
        return (await tx.conn.execute(text("SELECT reason FROM dead_letter ORDER BY position"))).scalars().all()


async def test_a_finalised_invoice_becomes_one_payment_that_is_due(payments, processor, received, day):
    facts = invoice()
    event = received(pb.InvoiceFinalized(invoice=facts), at=2)
    for batch in ([event, event], [event], [replace(event, id=uuid7())]):
        await processor.process(batch)
    (made,) = await payments.payments()
    assert encode("inv", made.invoice_id) == facts.invoice_id
    assert encode("cus", made.customer_id) == facts.customer_id
    assert [encode("sub", each) for each in made.subscription_ids] == facts.subscription_ids
    assert (made.state, str(made.amount), made.next_attempt_at) == (PaymentState.SCHEDULED, "49.00 EUR", day(2))
    assert await outbox(payments) == []


async def test_a_batch_of_many(payments, processor, received):
    await processor.process([received(pb.InvoiceFinalized(invoice=invoice())) for _ in range(120)])
    assert len(await payments.payments()) == 120


@pytest.mark.parametrize(
    "changes",
    [
        {"collection_method": COLLECTION_METHOD_SEND},
        {"collection_method": 0},
        {"due": Money(currency_code="EUR", amount_minor=0)},
        {"due": Money(currency_code="EUR", amount_minor=-1)},
    ],
)
async def test_what_is_not_to_be_charged(payments, processor, received, changes):
    await processor.process([received(pb.InvoiceFinalized(invoice=invoice(**changes)))])
    assert (await payments.payments(), await dead_letters(payments)) == ([], [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"invoice_id": "inv_x"}, "INVALID_ID"),
        ({"due": Money(currency_code="XXQ", amount_minor=1)}, "UNKNOWN_CURRENCY"),
    ],
)
async def test_what_makes_no_sense_is_parked_and_its_neighbours_are_not(payments, processor, received, changes, reason):
    good, bad = (received(pb.InvoiceFinalized(invoice=each)) for each in (invoice(), invoice(**changes)))
    await processor.process([bad, good])
    assert len(await payments.payments()) == 1
    assert await dead_letters(payments) == [reason]


@pytest.mark.parametrize("kind", [pb.InvoicePaid, pb.InvoiceVoided])
async def test_a_settled_invoice_cancels_once(payments, processor, received, kind, day):
    facts = invoice()
    await processor.process([received(pb.InvoiceFinalized(invoice=facts))])
    event = received(kind(invoice=facts), at=1)
    for batch in ([event], [event], [received(kind(invoice=facts), at=2)]):
        await processor.process(batch)
    (made,) = await payments.payments()
    assert (made.state, made.updated_at, made.next_attempt_at) == (PaymentState.CANCELED, day(1), None)
    (told,) = await outbox(payments)
    expected = ("billing.payments.v1.PaymentCanceled", str(event.id), "user:alice", facts.customer_id, day(1))
    assert tuple(told) == expected


async def test_finalised_and_voided_in_one_batch(payments, processor, received):
    facts = invoice()
    events = [received(pb.InvoiceFinalized(invoice=facts)), received(pb.InvoiceVoided(invoice=facts))]
    await processor.process(events)
    (made,) = await payments.payments()
    assert made.state is PaymentState.CANCELED


async def test_what_was_collected_stays_collected(payments, processor, received, day):
    facts = invoice()
    await payments.attach(customer=decode("cus", facts.customer_id))
    await processor.process([received(pb.InvoiceFinalized(invoice=facts))])
    await payments.attempt(day(0))
    await processor.process([received(pb.InvoicePaid(invoice=facts))])
    (made,) = await payments.payments()
    assert made.state is PaymentState.SUCCEEDED
    assert "PaymentCanceled" not in await payments.told()


def partly(facts, minor, version):
    return pb.InvoicePartlyPaid(
        invoice=pb.InvoiceFacts(
            invoice_id=facts.invoice_id,
            customer_id=facts.customer_id,
            version=version,
            due=Money(currency_code="EUR", amount_minor=minor),
        )
    )


async def test_what_was_paid_in_part_is_collected_for_the_rest_once(payments, processor, received, day):
    facts = invoice(version=1)
    await payments.attach(customer=decode("cus", facts.customer_id))
    event = received(partly(facts, 2900, 2), at=1)
    await processor.process([received(pb.InvoiceFinalized(invoice=facts)), event, event])
    await processor.process([event])
    (open_,) = await payments.payments()
    assert (str(open_.amount), open_.version, open_.state) == ("29.00 EUR", 2, PaymentState.SCHEDULED)
    await payments.attempt(day(1))
    (paid,) = await payments.payments()
    assert (str(paid.amount), str(paid.last.amount), paid.state) == ("29.00 EUR", "29.00 EUR", PaymentState.SUCCEEDED)
    assert await charged(payments) == [2900]


@pytest.mark.parametrize("versions", [(2, 3), (3, 2), (3, 3)])
@pytest.mark.parametrize("batches", [1, 2])
async def test_of_parts_in_any_order_the_newest_version_counts(payments, processor, received, versions, batches):
    facts = invoice(version=1)
    await processor.process([received(pb.InvoiceFinalized(invoice=facts))])
    events = [received(partly(facts, 4900 - 1000 * version, version)) for version in versions]
    for batch in [events] if batches == 1 else [[event] for event in events]:
        await processor.process(batch)
    await processor.process([received(pb.InvoiceFinalized(invoice=facts))])
    (open_,) = await payments.payments()
    assert (str(open_.amount), open_.invoice_version) == ("19.00 EUR", 3)


async def test_a_part_that_comes_behind_the_whole_opens_nothing(payments, processor, received):
    facts = invoice(version=1)
    await processor.process([received(pb.InvoiceFinalized(invoice=facts))])
    await processor.process([received(pb.InvoicePaid(invoice=facts)), received(partly(facts, 2900, 2))])
    (made,) = await payments.payments()
    assert made.state is PaymentState.CANCELED
    assert await payments.told() == ["PaymentCanceled"]


async def test_a_part_without_a_rest_cancels(payments, processor, received):
    facts = invoice(version=1)
    await processor.process([received(pb.InvoiceFinalized(invoice=facts)), received(partly(facts, 0, 2))])
    assert [each.state for each in await payments.payments()] == [PaymentState.CANCELED]
    assert await payments.told() == ["PaymentCanceled"]


async def charged(payments):
    """By the sandbox's own book."""
    async with payments.database.read(payments.call) as tx:
        return (await tx.conn.execute(text("SELECT amount_minor FROM sandbox_charge"))).scalars().all()


@pytest.mark.parametrize("kind", [pb.InvoicePaid, pb.InvoicePartlyPaid])
async def test_an_invoice_without_a_payment_is_nobodys_business(payments, processor, received, kind):
    await processor.process([received(kind(invoice=invoice()))])
    assert (await payments.payments(), await dead_letters(payments)) == ([], [])
