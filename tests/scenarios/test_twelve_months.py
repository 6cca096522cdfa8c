"""Thirteen months of twelve customers with a frozen clock: every line of every invoice, every attempt, every cent.

Every event is delivered twice. The books were worked out by hand, with fractions, from prices and calendars.
"""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import pytest_asyncio
from billing.usage.v1.usage_service_pb2 import GetUsageStatisticsRequest
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_pricing import explanation_from_json, verify

from tests.scenarios import cast as people
from tests.scenarios.book import book, expected, expected_payments, ledger
from tests.scenarios.cast import STARTS
from tests.scenarios.servers import Servers
from tests.scenarios.world import World
from tests.scenarios.year import UNTIL, Year

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = sorted(STARTS)
SERIES = re.compile(r"^MESH-(\d{4})-(\d{6})$")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def year(servers: Servers) -> AsyncIterator[Year]:
    """The whole play."""
    world = await World.start(servers, people.BEGIN)
    played = Year(world, await people.assemble(world))
    servers.mesh.copies = 2
    await played.run()
    servers.mesh.copies = 1
    yield played


@pytest.mark.parametrize("name", NAMES)
async def test_every_line_of_every_invoice_is_as_worked_out(year: Year, name: str) -> None:
    assert book(await year.world.invoices(year.cast.customers[name])) == expected(name)


@pytest.mark.parametrize("name", NAMES)
async def test_every_attempt_of_every_payment_is_as_worked_out(year: Year, name: str) -> None:
    assert ledger(await year.world.payments(year.cast.customers[name])) == expected_payments(name)


@pytest.mark.parametrize("name", NAMES)
async def test_every_invoice_was_previewed_as_it_was_made(year: Year, name: str) -> None:
    invoices = await year.world.invoices(year.cast.customers[name])
    assert year.previews[name] == book(invoices[: len(invoices) - (name in year.at_once)], states=False)


@pytest.mark.parametrize("name", NAMES)
async def test_every_line_explains_its_amount(year: Year, name: str) -> None:
    for invoice in await year.world.invoices(year.cast.customers[name]):
        for line in invoice.lines:
            exact = Fraction(int(line.exact_amount.numerator), int(line.exact_amount.denominator))
            rounded = Money(invoice.currency_code, line.amount_minor)
            assert verify(explanation_from_json(line.explanation), exact, rounded), line
            assert line.explanation_sentence


async def test_numbers_have_no_gap_and_dates_never_go_back(year: Year) -> None:
    by_year: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for invoice in await year.world.invoices():
        found = SERIES.match(invoice.number)
        assert found, invoice.number
        by_year[found[1]].append((int(found[2]), invoice.invoice_time.ToNanoseconds()))
    assert {name: len(taken) for name, taken in by_year.items()} == {"2024": 98, "2025": 13}
    for taken in by_year.values():
        numbers, dates = zip(*sorted(taken), strict=True)
        assert numbers == tuple(range(1, len(taken) + 1))
        assert list(dates) == sorted(dates)


async def test_a_declined_card_makes_past_due_and_the_retry_makes_active(year: Year) -> None:
    told = [*year.world.events("SubscriptionPastDue"), *year.world.events("SubscriptionActivated")]
    cara = year.cast.subscriptions["cara"]
    standings = sorted((each.effective_at, each.type.rpartition(".")[2]) for each in told if each.subject == cara)
    invoiced = [
        each.invoice_time.ToDatetime(tzinfo=UTC) for each in await year.world.invoices(year.cast.customers["cara"])
    ]
    past_due = [(at, "SubscriptionPastDue") for at in invoiced]
    active = [(at + timedelta(days=3), "SubscriptionActivated") for at in invoiced[:-1]]
    assert standings == sorted(past_due + active)


async def test_every_event_took_effect_once(year: Year, servers: Servers) -> None:
    told = {event.id: event for event in year.world.events()}
    assert len(told) == len(year.world.events()), "each was published once"
    for processor in servers.mesh.processors:
        name, handlers, topics = processor.consumer.name, processor.consumer.handlers, processor.consumer.topics
        heard = sum(event.type in handlers and event.topic in topics for event in told.values())
        assert _inbox(servers, year, processor.database.worker_role, name) == heard
        assert heard > 0, name


async def test_events_and_records_agree(year: Year) -> None:
    invoices, payments = await year.world.invoices(), await year.world.payments()
    told = Counter(event.type.rpartition(".")[2] for event in year.world.events())
    attempts = Counter(attempt.state for payment in payments for attempt in payment.attempts)
    assert told["BillingDue"] == told["BillingDueSettled"] == told["InvoiceFinalized"] == len(invoices) == 111
    assert told["InvoicePaid"] == sum(invoice.due_minor == 0 for invoice in invoices) == 95
    assert told["PaymentSucceeded"] == 94
    assert told["PaymentFailed"] == 16
    assert sum(attempts.values()) == 110


async def test_usage_is_counted_once_and_late_usage_changes_nothing(year: Year) -> None:
    found = await year.world.admin.usage.GetUsageStatistics(GetUsageStatisticsRequest())
    assert (found.accepted, found.stored, found.duplicates) == (44, 44, 3)
    assert found.rated == 42, "not the one that came late, not the one of the period that runs"


async def test_every_invariant_of_every_service_holds(year: Year, servers: Servers) -> None:
    assert await year.world.broken_rules() == {}


async def test_everything_delivered_and_run_again_changes_nothing(year: Year, servers: Servers) -> None:
    before = servers.content(year.world.tenant_id, leave_out=["billing_run"])
    assert before
    await servers.mesh.redeliver(year.world.events())
    for as_of in (UNTIL, datetime(2024, 6, 30, tzinfo=UTC)):
        assert (await year.world.bill(as_of)).published == 0
    assert servers.content(year.world.tenant_id, leave_out=["billing_run"]) == before


async def test_everything_told_again_under_new_ids_changes_no_book(year: Year, servers: Servers) -> None:
    again = [replace(event, id=uuid7()) for event in year.world.events()]
    await servers.mesh.redeliver(again)
    await year.world.settle()
    for name in NAMES:
        assert book(await year.world.invoices(year.cast.customers[name])) == expected(name)
        assert ledger(await year.world.payments(year.cast.customers[name])) == expected_payments(name)
    assert await year.world.broken_rules() == {}


def _inbox(servers: Servers, year: Year, worker_role: str, consumer: str) -> int:
    service = worker_role.removeprefix("billing_").removesuffix("_worker")
    with servers.connect(service) as conn:
        counted = "SELECT count(*) FROM inbox WHERE tenant_id = %s AND consumer = %s"
        row = conn.execute(counted, [year.world.tenant_id, consumer]).fetchone()
    assert row is not None
    return int(row[0])
