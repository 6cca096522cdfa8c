"""BillingDue in, invoices out: exactly once per charge, whatever comes twice, in parts or too early."""

from uuid import UUID

import pytest
from billing.invoicing.v1 import events_pb2 as pb
from billing_invoicing.domain.due import Refusal
from billing_invoicing.domain.errors import NotCaughtUp
from billing_invoicing.wire.dues import joined
from billing_kernel.errors import DomainError, Kind
from billing_kernel.ids import decode, encode, uuid7
from invoicing_books import Books
from invoicing_builders import JANUARY, MARCH, billing_due, flat_charge, metered_charge, received, stamp

pytestmark = pytest.mark.usefixtures("seller")

INVOICED, PARKED, NOTHING = (
    pb.SETTLEMENT_OUTCOME_INVOICED,
    pb.SETTLEMENT_OUTCOME_PARKED,
    pb.SETTLEMENT_OUTCOME_NOTHING_TO_BILL,
)


class Unavailable(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "PEER_UNAVAILABLE"


class Refused(DomainError):
    kind = Kind.INVALID
    reason = "VALIDATION_FAILED"


async def settled(books):
    return [(each.outcome, each.reason) for each in await books.events("BillingDueSettled")]


async def test_a_due_becomes_a_final_invoice(books):
    due = billing_due([flat_charge(4900), metered_charge()])
    await books.bill(due)
    row = await books.one(
        "SELECT state, number, net_minor, tax_minor, total_minor, customer_id, run_id, version FROM invoice"
    )
    payer, run_id = decode("cus", due.customer_id), decode("run", due.run_id)
    assert row == ("open", "ACME-2026-000001", 10900, 2071, 12971, payer, run_id, 1)
    (finalized,) = await books.events("InvoiceFinalized")
    facts = finalized.invoice
    assert (facts.number, facts.total.amount_minor, facts.due.amount_minor) == ("ACME-2026-000001", 12971, 12971)
    assert list(facts.subscription_ids) == [due.subscription_id]
    assert (facts.customer_id, facts.content_hash[:3], facts.version) == (due.customer_id, "v1:", 1)
    (told,) = await books.events("BillingDueSettled")
    assert (told.due_id, told.outcome, told.invoice_id) == (due.due_id, INVOICED, facts.invoice_id)
    assert await books.events("InvoicePaid") == []
    assert await books.broken() == {}


async def test_lines_keep_how_their_amount_came_about(books):
    due = billing_due([flat_charge(4900), metered_charge()])
    await books.bill(due)
    rows = await books.rows(
        "SELECT position, charge_id::text, quantity, amount_minor, explanation, rating_id IS NOT NULL, event_count,"
        " exact_numerator, exact_denominator, taxes FROM invoice_line ORDER BY position"
    )
    flat, metered = rows
    assert flat[:4] == (1, due.charges[0].charge_id, "1", 4900)
    assert flat[4:9] == (due.charges[0].explanation, False, 0, "49", "1")
    assert metered[:4] == (2, due.charges[1].charge_id, "1200", 6000)
    assert metered[5:9] == (True, 1200, "60", "1")
    assert flat[9][0]["rule"] == "CUSTOMER_PLACE"
    assert flat[9][0]["source"] == "source"


async def test_the_same_event_twice_is_one_invoice(books):
    event = received(books.tenant_id, billing_due())
    await books.dues.process([event])
    await books.dues.process([event])
    assert await books.one("SELECT count(*) FROM invoice") == 1
    assert len(await books.events()) == 2


async def test_a_due_published_again_is_told_again_without_a_second_invoice(books):
    due = billing_due()
    await books.bill(due)
    await books.bill(due, due)
    assert await books.one("SELECT count(*) FROM invoice") == 1
    told = await books.events("BillingDueSettled")
    assert len(told) == 2
    assert told[0] == told[1]
    assert await books.broken() == {}


async def test_a_charge_is_billed_once_even_by_another_due(books):
    shared, own = flat_charge(4900), flat_charge(100)
    await books.bill(billing_due([shared]))
    await books.bill(billing_due([shared, own]), billing_due([shared]))
    assert [row[0] for row in await books.rows("SELECT net_minor FROM invoice ORDER BY number")] == [4900, 100]
    first, second, third = await books.events("BillingDueSettled")
    assert {first.outcome, second.outcome, third.outcome} == {INVOICED}
    assert third.invoice_id == first.invoice_id != second.invoice_id
    assert await books.broken() == {}


async def test_one_question_each_for_the_whole_batch(books, peers):
    await books.bill(*[billing_due([flat_charge(), metered_charge()]) for _ in range(50)])
    assert (peers.ratings.asked, peers.taxes.asked, peers.parties.asked) == ([(50, True)], [50], [50])
    assert await books.one("SELECT count(DISTINCT number), max(number) FROM invoice") == (50, "ACME-2026-000050")


async def test_a_party_that_is_known_is_not_asked_for_again(books, peers):
    first = billing_due()
    await books.bill(first)
    await books.bill(billing_due(party_id=first.party_id, customer_id=first.customer_id))
    assert peers.parties.asked == [1]


async def test_nothing_to_bill(books, peers):
    await books.bill(billing_due([]))
    assert await settled(books) == [(NOTHING, "")]
    assert await books.one("SELECT count(*) FROM invoice") == 0
    assert peers.taxes.asked == []


async def test_a_total_of_nothing_is_final_and_paid_at_once(books):
    await books.bill(billing_due([flat_charge(0)]))
    assert await books.one("SELECT state, total_minor, number, paid_at FROM invoice") == (
        "paid",
        0,
        "ACME-2026-000001",
        await books.one("SELECT invoice_at FROM invoice"),
    )
    names = [type(event).__name__ for event in await books.events()]
    assert names == ["InvoiceFinalized", "InvoicePaid", "BillingDueSettled"]
    assert await books.broken() == {}


async def test_without_a_seller_the_due_is_parked(database, peers):
    books = Books(database, uuid7(), peers)
    await books.bill(billing_due())
    assert await settled(books) == [(PARKED, "NO_SELLER")]


async def test_a_seller_that_does_not_exist_parks_the_due(books):
    await books.bill(billing_due(seller_id=encode("sel", uuid7())))
    assert await settled(books) == [(PARKED, "SELLER_NOT_FOUND")]


async def test_one_bad_due_never_touches_its_neighbours(books, peers):
    bad_tax = billing_due([flat_charge(tax_category="gold")])
    bad_meter = billing_due([metered_charge()])
    bad_party = billing_due()
    good = billing_due([flat_charge(), metered_charge()])
    peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    peers.ratings.refuse[UUID(bad_meter.charges[0].charge_id)] = Refusal("UNKNOWN_METER", "no such meter")
    peers.parties.unknown.add(decode("party", bad_party.party_id))
    await books.bill(bad_tax, bad_meter, good, bad_party)
    assert await settled(books) == [
        (PARKED, "UNKNOWN_TAX_CATEGORY"),
        (PARKED, "UNKNOWN_METER"),
        (INVOICED, ""),
        (PARKED, "PARTY_NOT_FOUND"),
    ]
    parked = await books.rows("SELECT due_id::text, reason FROM parked_due")
    assert {row[0] for row in parked} == {bad_tax.due_id, bad_meter.due_id, bad_party.due_id}
    assert await books.one("SELECT number FROM invoice") == "ACME-2026-000001"
    assert await books.broken() == {}


async def test_a_parked_due_published_again_stays_parked(books, peers):
    due = billing_due([flat_charge(tax_category="gold")])
    peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    await books.bill(due)
    await books.bill(due)
    assert await settled(books) == [(PARKED, "UNKNOWN_TAX_CATEGORY")] * 2
    assert await books.one("SELECT count(*) FROM parked_due") == 1


@pytest.mark.parametrize("reason", ["NOT_CAUGHT_UP", "UNAVAILABLE"])
async def test_too_early_means_later_and_nothing_is_written(books, peers, reason):
    due = billing_due([metered_charge()])
    charge_id = UUID(due.charges[0].charge_id)
    peers.ratings.refuse[charge_id] = Refusal(reason, "wait")
    event, other = received(books.tenant_id, due), received(books.tenant_id, billing_due())
    with pytest.raises(NotCaughtUp):
        await books.dues.process([event, other])
    assert await books.one("SELECT count(*) FROM settled_due") == 0
    del peers.ratings.refuse[charge_id]
    await books.dues.process([event, other])
    assert await books.one("SELECT count(*) FROM invoice") == 2


@pytest.mark.parametrize("peer", ["ratings", "taxes", "parties"])
async def test_a_service_that_is_away_holds_the_batch(books, peers, peer):
    event = received(books.tenant_id, billing_due([flat_charge(), metered_charge()]))
    getattr(peers, peer).fail = Unavailable("away")
    with pytest.raises(Unavailable):
        await books.dues.process([event])
    assert await books.one("SELECT count(*) FROM settled_due") == 0
    assert await books.one("SELECT count(*) FROM dead_letter") == 0
    getattr(peers, peer).fail = None
    await books.dues.process([event])
    assert await books.one("SELECT count(*) FROM invoice") == 1


@pytest.mark.parametrize("peer", ["ratings", "taxes", "parties"])
async def test_a_question_refused_whole_is_asked_one_by_one_and_parked(books, peers, peer):
    getattr(peers, peer).fail = Refused("no")
    dues = [billing_due([flat_charge(), metered_charge()]) for _ in range(2)]
    await books.bill(*dues)
    assert await settled(books) == [(PARKED, "VALIDATION_FAILED")] * 2
    assert await books.one("SELECT count(*) FROM dead_letter") == 0


async def test_what_is_no_due_goes_to_the_dead_letters(books):
    good = billing_due()
    await books.bill(billing_due(subscription_id="nonsense"), good)
    assert await books.one("SELECT reason FROM dead_letter WHERE state = 'failed'") == "INVALID_ID"
    assert await books.one("SELECT count(*) FROM invoice") == 1


def parts_of(due, count):
    made = []
    for number in range(1, count + 1):
        part = type(due)()
        part.CopyFrom(due)
        part.part, part.parts = number, count
        del part.charges[:]
        part.charges.append(due.charges[number - 1])
        made.append(part)
    return made


async def test_parts_are_one_invoice_once_all_are_there(books):
    due = billing_due([flat_charge(1), flat_charge(2), flat_charge(3)])
    first, second, third = parts_of(due, 3)
    await books.bill(third)
    await books.bill(first, first)
    assert await books.one("SELECT count(*) FROM invoice") == 0
    await books.bill(second)
    rows = await books.rows("SELECT amount_minor FROM invoice_line ORDER BY position")
    assert [row[0] for row in rows] == [1, 2, 3]
    assert await books.one("SELECT count(*) FROM due_part") == 0
    await books.bill(second)  # published again
    assert await books.one("SELECT count(*) FROM invoice") == 1
    assert await books.one("SELECT count(*) FROM due_part") == 0
    assert len(await books.events("BillingDueSettled")) == 2


async def test_parts_in_one_batch(books):
    await books.bill(*parts_of(billing_due([flat_charge(1), flat_charge(2)]), 2))
    assert await books.one("SELECT net_minor FROM invoice") == 3


def test_joining_parts_gives_the_whole():
    due = billing_due([flat_charge(1), flat_charge(2)])
    assert joined(list(reversed(parts_of(due, 2)))) == due


async def test_dates_never_go_back_within_a_series(books):
    await books.bill(billing_due(effective_time=stamp(MARCH)))
    await books.bill(billing_due(effective_time=stamp(JANUARY)))
    rows = await books.rows("SELECT number, invoice_at FROM invoice ORDER BY number_sequence")
    assert rows == [("ACME-2026-000001", MARCH), ("ACME-2026-000002", MARCH)]


async def test_a_batch_is_numbered_in_order_of_date(books):
    late, early = billing_due(effective_time=stamp(MARCH)), billing_due(effective_time=stamp(JANUARY))
    await books.bill(late, early)
    rows = await books.rows("SELECT due_id::text FROM invoice ORDER BY number_sequence")
    assert [row[0] for row in rows] == [early.due_id, late.due_id]


async def test_each_seller_counts_for_itself(books):
    other = await books.add_seller(number_prefix="OTHER", is_default=False)
    await books.bill(billing_due(), billing_due(seller_id=encode("sel", other.seller_id)), billing_due())
    rows = await books.rows("SELECT number FROM invoice ORDER BY number")
    assert [row[0] for row in rows] == ["ACME-2026-000001", "ACME-2026-000002", "OTHER-2026-000001"]


async def test_no_personal_data_leaves_in_events(books):
    await books.bill(billing_due())
    for event in await books.events():
        assert "Müller" not in str(event)
        assert b"M\xc3\xbcller" not in event.SerializeToString()
    assert (await books.one("SELECT content FROM party WHERE customer_id IS NOT NULL"))["name"] == "Anna Müller"
