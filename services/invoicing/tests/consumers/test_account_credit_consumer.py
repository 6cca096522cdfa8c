"""Totals below zero and account credit; dues without a run; subscriptions whose first payment never came."""

import asyncio

import pytest
from billing.invoicing.v1 import events_pb2 as pb
from billing.payments.v1.events_pb2 import PaymentSucceeded
from billing.subscriptions.v1.events_pb2 import SubscriptionCanceled
from billing_invoicing.operations.mark_invoice_paid import mark_invoice_paid
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_kernel.ids import decode, encode, uuid7
from billing_kernel.money import Money
from billing_testkit.tenants import service_call
from invoicing_builders import billing_due, flat_charge, payment_facts, received
from invoicing_credits import credit_of, expired
from invoicing_figures import for_customer, ids, invoices, void

pytestmark = pytest.mark.usefixtures("seller")

INVOICED, PARKED, NOTHING = (
    pb.SETTLEMENT_OUTCOME_INVOICED,
    pb.SETTLEMENT_OUTCOME_PARKED,
    pb.SETTLEMENT_OUTCOME_NOTHING_TO_BILL,
)


async def balance(books):
    return await books.rows("SELECT balance_minor FROM account_credit")


# --- totals below zero and account credit


async def test_a_total_below_zero_is_final_and_becomes_account_credit(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    await books.bill(for_customer(first, [credit_of(bought, 5000), flat_charge(1000)], run_id=""))
    assert (await invoices(books))[1] == (-4000, -760, -4760, 0, 0, "paid")
    told = (await books.events("InvoiceFinalized"))[1].invoice
    assert (told.total.amount_minor, told.due.amount_minor, told.credit_granted.amount_minor) == (-4760, 0, 4760)
    assert await balance(books) == [(4760,)]
    await books.bill(for_customer(first, [flat_charge(10000)]))
    assert (await invoices(books))[2] == (10000, 1900, 11900, 0, 4760, "open")
    told = (await books.events("InvoiceFinalized"))[2].invoice
    assert (told.due.amount_minor, told.credit_applied.amount_minor) == (7140, 4760)
    assert await balance(books) == [(0,)]
    assert await books.broken() == {}


async def grant(books, amount_minor, **changes):
    """A customer with credit: a due that it could use."""
    bought = flat_charge(10**6)
    first = billing_due([bought], **changes)
    await books.bill(first)
    await books.bill(for_customer(first, [credit_of(bought, amount_minor)]))
    return first


async def test_credit_pays_and_what_is_left_stays(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    first = await grant(books, 5000)
    await books.bill(for_customer(first, [flat_charge(3000)]), for_customer(first, [flat_charge(3000)]))
    assert [(row[4], row[5]) for row in (await invoices(books))[2:]] == [(3000, "paid"), (2000, "open")]
    assert [type(event).__name__ for event in await books.events()].count("InvoicePaid") == 2  # below zero, and covered
    assert await balance(books) == [(0,)]
    due = (await books.events("InvoiceFinalized"))[3].invoice
    payment = payment_facts(decode("inv", due.invoice_id), due.due.amount_minor)
    await books.facts.process([received(books.tenant_id, PaymentSucceeded(payment=payment))])
    assert (await invoices(books))[3][5] == "paid"
    assert await books.broken() == {}


async def test_many_invoices_at_once_use_credit_once(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    first = await grant(books, 5000)
    second = await grant(books, 7000)
    dues = [for_customer(each, [flat_charge(1000)]) for _ in range(10) for each in (first, second)]
    pairs = [dues[place : place + 2][:: 1 if place % 4 else -1] for place in range(0, 20, 2)]
    await asyncio.gather(*(books.bill_until_done(*pair) for pair in pairs))
    assert sorted(await balance(books)) == [(0,), (0,)]
    assert await books.one("SELECT sum(credit_applied_minor) FROM invoice") == 12000
    assert await books.broken() == {}


async def test_void_gives_back_what_was_used(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    first = await grant(books, 5000)
    await books.bill(for_customer(first, [flat_charge(8000)]))
    await void(books, (await ids(books))[2])
    assert await balance(books) == [(5000,)]
    kinds = await books.rows("SELECT kind, amount_minor FROM account_credit_entry ORDER BY sequence")
    assert kinds == [("granted", 5000), ("applied", -5000), ("returned", 5000)]
    assert await books.broken() == {}


async def test_credit_of_another_currency_or_customer_stays(books):
    first = await grant(books, 5000)
    dollars = flat_charge(1000, "USD")
    await books.bill(for_customer(first, [dollars], currency_code="USD"), billing_due([flat_charge(1000)]))
    assert await balance(books) == [(5950,)]
    assert await books.broken() == {}


async def test_account_credit_is_neither_edited_nor_deleted(books):
    await grant(books, 5000)
    for statement in ("UPDATE account_credit_entry SET amount_minor = 1", "DELETE FROM account_credit_entry"):
        with pytest.raises(Exception, match="permission denied"):
            async with books.database.begin(service_call(books.tenant_id)) as tx:
                await tx.raw.execute(statement)


# --- dues without a run, subscriptions that never began


async def test_a_due_without_a_run_is_final_at_once(books):
    await books.bill(billing_due(run_id=""))
    assert await books.one("SELECT state, run_id, number FROM invoice") == ("open", None, "ACME-2026-000001")
    (told,) = await books.events("BillingDueSettled")
    assert (told.run_id, told.outcome) == ("", INVOICED)
    assert (await books.events("InvoiceFinalized"))[0].invoice.run_id == ""


async def hears(books, message):
    await books.facts.process([received(books.tenant_id, message)])


async def test_a_subscription_that_was_never_paid_leaves_nothing_open(books):
    bought = flat_charge(10000)
    first, other = billing_due([bought], run_id=""), billing_due()
    await books.bill(first, other)
    await books.bill(for_customer(first, [credit_of(bought, 5000), flat_charge(9000)], run_id=""))
    for _ in range(2):
        await hears(books, expired(first))
    states = await books.rows("SELECT subscription_id, state FROM invoice ORDER BY number_sequence")
    assert [state for _, state in states] == ["void", "open", "void"]
    voided = await books.events("InvoiceVoided")
    assert len(voided) == 2
    assert voided[0].reason == "the first payment never came"
    assert await books.broken() == {}


@pytest.mark.parametrize(("waited", "state"), [(True, "void"), (False, "open")])
async def test_a_cancelation_before_the_first_payment_voids_what_waits_for_it(books, waited, state):
    due = billing_due()
    await books.bill(due)
    await hears(books, SubscriptionCanceled(subscription=expired(due, waited=waited).subscription))
    assert [row[5] for row in await invoices(books)] == [state]


@pytest.mark.parametrize("waited", [True, False])
async def test_the_end_of_a_term_leaves_its_invoices_due(books, waited):
    due = billing_due()
    await books.bill(due)
    await hears(books, expired(due, waited=waited, term_over=True))
    assert [row[5] for row in await invoices(books)] == ["open"]


@pytest.mark.parametrize("ended_after", [0, 1, 2])
@pytest.mark.parametrize("amounts", [(5831, 10), (100, 731), (5000, 831), (6000, 5831)])
async def test_what_was_paid_for_a_start_that_ended_becomes_credit_in_any_order(books, amounts, ended_after):
    due = billing_due()
    await books.bill(due)
    (invoice_id,) = await ids(books)
    events = [PaymentSucceeded(payment=payment_facts(invoice_id, amount)) for amount in amounts]
    events.insert(ended_after, expired(due))
    for message in events * 2:
        await hears(books, message)
    assert [row[5] for row in await invoices(books)] == ["void"]
    assert await balance(books) == [(sum(amounts),)]
    entries = await books.rows("SELECT kind, invoice_id, amount_minor FROM account_credit_entry ORDER BY sequence")
    assert entries == [("unearned", invoice_id, amount) for amount in amounts]
    assert await books.one("SELECT count(DISTINCT payment_id) FROM account_credit_entry") == 2
    (voided,) = await books.events("InvoiceVoided")
    assert ("account credit" in voided.reason) == (ended_after > 0)
    assert await books.broken() == {}


async def test_a_start_that_ended_gives_back_credit_and_what_came_out_of_band(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    first = await grant(books, 5000)
    due = billing_due([flat_charge(8000)], customer_id=first.customer_id)
    await books.bill(due)
    invoice_id = (await ids(books))[2]
    for amount_minor in (1000, 500):
        await pays_out_of_band(books, invoice_id, amount_minor)
    for message in (PaymentSucceeded(payment=payment_facts(invoice_id, 1500)), expired(due), expired(due)):
        await hears(books, message)
    assert [row[5] for row in await invoices(books)][2] == "void"
    query = "SELECT kind, amount_minor, payment_id IS NULL FROM account_credit_entry ORDER BY sequence"
    assert (await books.rows(query))[2:] == [
        ("returned", 5000, True),
        ("unearned", 1500, True),
        ("unearned", 1500, False),
    ]
    assert await balance(books) == [(8000,)]
    assert await books.broken() == {}


async def test_the_end_of_a_start_that_account_credit_paid_gives_it_back(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    first = await grant(books, 5000)
    due = billing_due([flat_charge(3000)], customer_id=first.customer_id)
    await books.bill(due)
    await hears(books, expired(due))
    assert [row[5] for row in await invoices(books)][2] == "void"
    assert await balance(books) == [(5000,)]
    assert await books.broken() == {}


async def test_money_for_an_invoice_that_a_person_voided_becomes_credit_too(books):
    await books.bill(billing_due())
    (invoice_id,) = await ids(books)
    await void(books, invoice_id)
    late = PaymentSucceeded(payment=payment_facts(invoice_id, 5831))
    for _ in range(2):
        await hears(books, late)
    assert await balance(books) == [(5831,)]
    assert [type(each).__name__ for each in await books.events()].count("InvoicePaid") == 0
    assert await books.broken() == {}


async def test_credit_of_a_start_that_ended_is_used_by_the_next_invoice(books):
    due = billing_due()
    await books.bill(due)
    (invoice_id,) = await ids(books)
    await hears(books, PaymentSucceeded(payment=payment_facts(invoice_id, 5831)))
    await hears(books, expired(due))
    await books.bill(for_customer(due, [flat_charge(10000)]))
    assert (await invoices(books))[1] == (10000, 1900, 11900, 0, 5831, "open")
    assert await books.broken() == {}


async def pays_out_of_band(books, invoice_id, amount_minor):
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        amount = Money("EUR", amount_minor)
        await mark_invoice_paid(PostgresUnitOfWork(tx), invoice_id, amount=amount, reference="wire")


async def test_an_unknown_subscription_that_expired_is_no_trouble(books):
    await hears(books, expired(billing_due(subscription_id=encode("sub", uuid7()))))
    assert await books.one("SELECT count(*) FROM dead_letter") == 0
