"""Discounts, credits and commitments through the consumer: what is written, told, and guarded."""

import asyncio
from uuid import UUID

import pytest
from billing.common.v1 import tax_facts_pb2
from billing.invoicing.v1 import events_pb2 as pb
from billing.subscriptions.v1 import charge_pb2, policy_pb2
from billing_invoicing.domain.due import Refusal
from billing_invoicing.domain.errors import InvoiceCredited, NotCaughtUp
from billing_invoicing.operations.retry_parked_due import retry_parked_due
from billing_invoicing.operations.void_invoice import void_invoice
from billing_invoicing.storage.queries import reads_of
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork, units_of_work
from billing_pricing import explanation_from_json
from billing_runtime.call import calling
from billing_testkit.tenants import service_call
from invoicing_builders import billing_due, flat_charge, metered_charge
from invoicing_credits import amount_off, commitment, credit_of, percent_off
from invoicing_figures import LINES, for_customer, ids, invoices, settled, void

pytestmark = pytest.mark.usefixtures("seller")

INVOICED, PARKED, NOTHING = (
    pb.SETTLEMENT_OUTCOME_INVOICED,
    pb.SETTLEMENT_OUTCOME_PARKED,
    pb.SETTLEMENT_OUTCOME_NOTHING_TO_BILL,
)
# --- discounts


async def test_f28_a_coupon_before_three_rates_of_tax(books, peers):
    peers.taxes.percents = {"ten": 10, "none": 0, "twenty": 20}
    fees = [
        flat_charge(10000, tax_category="ten"),
        flat_charge(5000, tax_category="none"),
        flat_charge(3000, tax_category="twenty"),
    ]
    minimum = commitment(20000, tax_category="twenty")
    await books.bill(billing_due(fees, discounts=[amount_off(1000)], commitment=minimum))
    assert await books.rows(LINES) == [
        (10000, 500, 9500, 950),
        (5000, 250, 4750, 0),
        (3000, 150, 2850, 570),
        (2000, 100, 1900, 380),
    ]
    assert await invoices(books) == [(19000, 1900, 20900, 1000, 0, "open")]
    assert await books.broken() == {}


async def test_g13_two_coupons_one_after_the_other(books, peers):
    peers.taxes.percents = {"digital_service": 0}
    discounts = [percent_off("25", "SPRING"), percent_off("10", "FRIEND")]
    await books.bill(billing_due([flat_charge(10000)], discounts=discounts))
    assert await invoices(books) == [(6750, 0, 6750, 3250, 0, "open")]
    kept = await books.one("SELECT discounts FROM invoice_line")
    assert [(each["coupon_code"], each["percent"], each["amount_minor"]) for each in kept] == [
        ("SPRING", "25", 2500),
        ("FRIEND", "10", 750),
    ]
    (finalized,) = await books.events("InvoiceFinalized")
    assert finalized.invoice.due.amount_minor == 6750
    assert await books.broken() == {}


async def test_metered_charges_are_discounted_once_they_are_rated(books):
    await books.bill(billing_due([metered_charge()], discounts=[percent_off("10")]))
    assert await books.rows(LINES) == [(6000, 600, 5400, 1026)]


# --- credits


async def test_a_credit_takes_discount_and_tax_of_the_line_it_repairs(books, peers):
    bought = flat_charge(10000)
    first = billing_due([bought], discounts=[percent_off("20")])
    await books.bill(first)
    peers.taxes.percents = {"digital_service": 25}  # what tax would say today does not matter
    await books.bill(for_customer(first, [credit_of(bought, 5000), flat_charge(6000)]))
    assert (await books.rows(LINES))[1:] == [(-5000, -1000, -4000, -760), (6000, 0, 6000, 1500)]
    row = await books.one(
        "SELECT credit_of_charge_id::text, credit_of_invoice_id, credit_of_line_id, reason, proration"
        " FROM invoice_line WHERE credit_of_charge_id IS NOT NULL"
    )
    repaired = await books.one("SELECT invoice_id, line_id FROM invoice_line WHERE charge_id = %s", bought.charge_id)
    assert row == (bought.charge_id, *repaired, "DOWNGRADE", "BY_DAYS, ACTUAL_PERIOD")
    assert await books.broken() == {}


async def test_what_is_left_of_the_line_is_the_most_that_a_credit_gives(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    for amount in (7000, 7000, 10):
        await books.bill(for_customer(first, [credit_of(bought, amount), flat_charge(20000)]))
    rows = await books.rows("SELECT amount_minor FROM invoice_line WHERE amount_minor <= 0 ORDER BY line_id")
    assert [row[0] for row in rows] == [-7000, -3000, 0]
    assert await books.broken() == {}


async def test_credits_of_one_line_at_once_never_exceed_it(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    dues = [for_customer(first, [credit_of(bought, 900), flat_charge(20000)]) for _ in range(20)]
    await asyncio.gather(*(books.bill_until_done(due) for due in dues))
    given = await books.one(
        "SELECT sum(amount_minor), count(*) FROM invoice_line WHERE credit_of_charge_id IS NOT NULL"
    )
    assert given == (-10000, 20)
    assert await books.broken() == {}


async def test_a_credit_and_its_charge_in_one_batch(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    later = [for_customer(first, [credit_of(bought, 6000)]), for_customer(first, [credit_of(bought, 6000)])]
    await books.bill(first, *later)
    assert [row[0] for row in await invoices(books)] == [10000, -6000, -4000]
    assert await settled(books) == [(INVOICED, "")] * 3
    assert await books.broken() == {}


async def test_a_credit_of_what_is_not_invoiced_is_parked_and_given_once_it_is(books, peers):
    bought = flat_charge(10000, tax_category="gold")
    first = billing_due([bought])
    second = for_customer(first, [credit_of(bought, 4000), flat_charge(5000)], discounts=[percent_off("10")])
    peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    await books.bill(first)
    await books.bill(second)
    assert await settled(books) == [(PARKED, "UNKNOWN_TAX_CATEGORY"), (PARKED, "REPAIRED_LINE_NOT_FOUND")]
    peers.taxes.refuse.clear()
    with calling(service_call(books.tenant_id)):
        begin, read = units_of_work(books.database), reads_of(books.database)
        for due in (first, second):
            assert await retry_parked_due(begin, read, peers, UUID(due.due_id)) is not None
    assert [row[0] for row in await invoices(books)] == [10000, -4000 + 4500]
    assert await books.broken() == {}


async def test_a_credit_of_a_void_line_finds_nothing(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    await void(books, (await ids(books))[0])
    await books.bill(for_customer(first, [credit_of(bought, 1)]))
    assert (await settled(books))[1:] == [(PARKED, "REPAIRED_LINE_NOT_FOUND")]


async def test_what_another_invoice_credits_is_not_voided(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    await books.bill(for_customer(first, [credit_of(bought, 10000), flat_charge(30000)]))
    repaired, crediting = await ids(books)
    with pytest.raises(InvoiceCredited):
        await void(books, repaired)
    await void(books, crediting)
    await books.bill(for_customer(first, [credit_of(bought, 10000), flat_charge(30000)]))  # its credit counts no more
    assert await books.one("SELECT count(*) FROM line_credit") == 2
    last = await books.rows("SELECT amount_minor FROM invoice_line WHERE invoice_id = %s", (await ids(books))[2])
    assert sorted(last) == [(-10000,), (30000,)]
    assert await books.broken() == {}


async def test_voiding_and_crediting_at_once_never_leave_a_credit_of_a_void_line(books):
    pairs = []
    for _ in range(8):
        bought = flat_charge(10000)
        first = billing_due([bought])
        await books.bill(first)
        pairs.append(((await ids(books))[-1], for_customer(first, [credit_of(bought, 100), flat_charge(900)])))

    async def voiding(invoice_id):
        try:
            await void(books, invoice_id)
        except InvoiceCredited:
            return

    await asyncio.gather(*(each for made, due in pairs for each in (books.bill_until_done(due), voiding(made))))
    outcomes = await books.rows("SELECT outcome, reason FROM settled_due WHERE reason <> ''")
    voids = await books.one("SELECT count(*) FROM invoice WHERE state = 'void'")
    assert outcomes == [("parked", "REPAIRED_LINE_NOT_FOUND")] * voids
    assert await books.broken() == {}


async def test_a_credit_waits_while_its_line_is_voided(books):
    bought = flat_charge(10000)
    first = billing_due([bought])
    await books.bill(first)
    (invoice_id,) = await ids(books)
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        await void_invoice(PostgresUnitOfWork(tx), invoice_id, reason="wrong", etag="")
        crediting = asyncio.create_task(books.bill(for_customer(first, [credit_of(bought, 100), flat_charge(900)])))
        await asyncio.sleep(0.3)
        assert not crediting.done()  # it has read the line, and waits for the lock of its invoice
    with pytest.raises(NotCaughtUp):
        await crediting
    assert await books.one("SELECT count(*) FROM settled_due") == 1


async def test_a_line_says_when_its_change_took_effect_and_how_it_is_settled(books):
    bought, window = (
        flat_charge(4900),
        {"when": policy_pb2.CHANGE_WHEN_NOW, "settlement": policy_pb2.SETTLEMENT_AT_ONCE},
    )
    cut = metered_charge(reason=charge_pb2.CHARGE_REASON_UPGRADE, proration="BY_SECONDS, ACTUAL_PERIOD", **window)
    await books.bill(billing_due([bought, credit_of(bought, 100, **window), cut]))
    kept = "SELECT change_when, settlement FROM invoice_line ORDER BY position"
    assert await books.rows(kept) == [("", ""), ("NOW", "AT_ONCE"), ("NOW", "AT_ONCE")]
    (*_, metered) = await books.rows("SELECT explanation FROM invoice_line ORDER BY position")
    references = explanation_from_json(metered[0]).references
    assert {name: references[name] for name in ("change", "when", "settlement", "proration")} == {
        "change": "UPGRADE",
        "when": "NOW",
        "settlement": "AT_ONCE",
        "proration": "BY_SECONDS, ACTUAL_PERIOD",
    }
    assert await books.broken() == {}


# --- commitments


async def test_a_commitment_counts_what_is_rated(books):
    await books.bill(billing_due([metered_charge(), flat_charge(1000)], commitment=commitment(10000, 500)))
    assert [row[0] for row in await books.rows(LINES)] == [6000, 1000, 2500]
    assert await books.broken() == {}


async def test_b01_with_inclusive_prices_compares_gross_with_gross(books, peers):
    """1190.00 with 19 % in it, 11900.00 committed with it: what fills up contains its tax too."""
    peers.taxes.percents = {"digital_service": 19}
    gross = {"tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_INCLUSIVE}
    await books.bill(billing_due([flat_charge(119000, **gross)], commitment=commitment(1190000, **gross)))
    assert await books.rows(LINES) == [(119000, 0, 100000, 19000), (1071000, 0, 900000, 171000)]
    assert await invoices(books) == [(1000000, 190000, 1190000, 0, 0, "open")]
    assert await books.broken() == {}


async def test_a_commitment_that_is_met_and_no_charge_is_nothing_to_bill(books, peers):
    await books.bill(billing_due([], commitment=commitment(1000, 1000)))
    assert await settled(books) == [(NOTHING, "")]
    assert peers.taxes.asked == []


async def test_a_commitment_alone_is_billed(books):
    await books.bill(billing_due([], commitment=commitment(1000)))
    assert [row[0] for row in await invoices(books)] == [1000]


async def test_charges_that_another_due_billed_count_for_the_commitment(books):
    shared, minimum = flat_charge(4000), commitment(10000)
    await books.bill(billing_due([shared]))
    await books.bill(billing_due([shared], commitment=minimum))
    assert [row[0] for row in await invoices(books)] == [4000, 6000]
    await books.bill(billing_due([shared], commitment=minimum))
    first, second, third = await books.events("BillingDueSettled")
    assert third.outcome == INVOICED
    assert third.invoice_id == first.invoice_id != second.invoice_id
    assert await books.broken() == {}


async def test_a_parked_due_keeps_its_discounts_and_its_commitment(books, peers):
    due = billing_due([flat_charge(tax_category="gold")], discounts=[percent_off("10")], commitment=commitment(9900))
    peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    await books.bill(due)
    peers.taxes.refuse.clear()
    with calling(service_call(books.tenant_id)):
        await retry_parked_due(units_of_work(books.database), reads_of(books.database), peers, UUID(due.due_id))
    assert await books.rows(LINES) == [(4900, 490, 4410, 838), (5000, 500, 4500, 855)]
