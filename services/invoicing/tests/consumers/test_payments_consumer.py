"""PaymentSucceeded in: money is applied once, and what is too much stays visible."""

import pytest
from billing.payments.v1 import events_pb2 as pb
from billing_invoicing.operations.mark_invoice_paid import mark_invoice_paid
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_invoicing.wire.invoices import invoice_to_pb
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_testkit.tenants import service_call
from invoicing_builders import FEBRUARY, MARCH, billing_due, payment_facts, received

pytestmark = pytest.mark.usefixtures("seller")


@pytest.fixture
async def invoice_id(books):
    """An open invoice of 58.31."""
    await books.bill(billing_due())
    return await books.one("SELECT invoice_id FROM invoice")


async def pay(books, *payments):
    events = [received(books.tenant_id, pb.PaymentSucceeded(payment=payment), at=MARCH) for payment in payments]
    await books.facts.process(events)


async def state_of(books):
    return await books.one("SELECT state, paid_minor, paid_at, version FROM invoice")


async def test_a_payment_in_full_pays_the_invoice(books, invoice_id):
    await pay(books, payment_facts(invoice_id, 5831))
    assert await state_of(books) == ("paid", 5831, MARCH, 2)
    (paid,) = await books.events("InvoicePaid")
    assert (paid.invoice.due.amount_minor, paid.invoice.version) == (0, 2)
    assert await books.broken() == {}


async def test_the_same_payment_twice_counts_once(books, invoice_id):
    payment = payment_facts(invoice_id, 5000)
    await pay(books, payment, payment)
    await pay(books, payment)
    assert await state_of(books) == ("open", 5000, None, 2)
    (partly,) = await books.events("InvoicePartlyPaid")
    assert (partly.invoice.due.amount_minor, partly.invoice.version) == (831, 2)
    await pay(books, payment_facts(invoice_id, 831))
    assert (await state_of(books))[0] == "paid"
    assert len(await books.events("InvoicePaid")) == len(await books.events("InvoicePartlyPaid")) == 1
    assert await books.broken() == {}


async def test_several_invoices_and_payments_in_one_batch(books, invoice_id):
    await books.bill(billing_due())
    (other,) = await books.rows("SELECT invoice_id FROM invoice WHERE invoice_id <> %s", invoice_id)
    await pay(books, payment_facts(invoice_id, 831), payment_facts(other[0], 5831), payment_facts(invoice_id, 5000))
    assert await books.rows("SELECT DISTINCT state, paid_minor FROM invoice") == [("paid", 5831)]


async def test_money_beyond_the_due_is_kept_in_view(books, invoice_id):
    await pay(books, payment_facts(invoice_id, 6000))
    assert (await state_of(books))[:2] == ("paid", 5831)
    await pay(books, payment_facts(invoice_id, 10))
    assert (await state_of(books))[:2] == ("paid", 5831)
    assert await books.broken() == {"payments_applied_whole": 2}
    whole = await whole_invoice(books, invoice_id)
    assert [(each.amount_minor, each.unapplied_minor) for each in whole.payments] == [(5831, 169), (0, 10)]
    assert [(each.amount_minor, each.unapplied_minor) for each in invoice_to_pb(whole).payments] == [
        (5831, 169),
        (0, 10),
    ]


async def test_an_attempt_that_asked_for_all_pays_the_rest_and_no_more(books, invoice_id):
    """A part came out of band while the card was charged for everything."""
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        amount = Money("EUR", 831)
        await mark_invoice_paid(PostgresUnitOfWork(tx), invoice_id, amount=amount, reference="wire 7")
    payment = payment_facts(invoice_id, 5831)
    await pay(books, payment, payment)
    assert (await state_of(books))[:2] == ("paid", 5831)
    whole = await whole_invoice(books, invoice_id)
    assert [(each.amount_minor, each.unapplied_minor) for each in whole.payments] == [(831, 0), (5000, 831)]
    assert await books.broken() == {"payments_applied_whole": 1}


async def whole_invoice(books, invoice_id):
    async with books.database.read(service_call(books.tenant_id)) as tx:
        return await PostgresUnitOfWork(tx).invoices.get(invoice_id)


@pytest.mark.parametrize("currency", ["USD", "EUR"])
async def test_what_fits_no_invoice_goes_to_the_dead_letters(books, invoice_id, currency):
    wrong = payment_facts(invoice_id if currency == "USD" else uuid7(), 5831, currency)
    await pay(books, wrong, payment_facts(invoice_id, 100))
    reason = await books.one("SELECT reason FROM dead_letter WHERE state = 'failed'")
    assert reason == ("CURRENCY_MISMATCH" if currency == "USD" else "INVOICE_NOT_FOUND")
    assert (await state_of(books))[:2] == ("open", 0 if await waiting(books) else 100)


async def waiting(books):
    """The key of both events is one: the second waits behind the first."""
    return await books.one("SELECT count(*) FROM dead_letter WHERE state = 'waiting'")


@pytest.mark.parametrize("kind", [pb.PaymentFailed, pb.PaymentRequiresAction])
async def test_that_collection_was_tried_is_noted(books, invoice_id, kind):
    assert await untried(books)
    event = received(books.tenant_id, kind(payment=payment_facts(invoice_id, 5831)), at=FEBRUARY)
    await books.facts.process([event, event])
    assert not await untried(books)
    assert await books.one("SELECT tried_at, state FROM invoice") == (FEBRUARY, "open")


async def untried(books):
    async with books.database.read(service_call(books.tenant_id)) as tx:
        return await PostgresUnitOfWork(tx).invoices.untried()
