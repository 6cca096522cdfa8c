"""Thirteen months of twelve customers with a frozen clock: every line of every invoice, every attempt, every cent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from billing.common.v1.money_pb2 import Money
from billing.invoicing.v1.invoice_pb2 import INVOICE_STATE_OPEN, INVOICE_STATE_PAID
from billing.invoicing.v1.invoices_service_pb2 import MarkInvoicePaidRequest
from billing.payments.v1.payments_service_pb2 import ConfirmPaymentRequest
from billing.subscriptions.v1.subscriptions_service_pb2 import (
    CANCEL_AT_NOW,
    CANCEL_AT_PERIOD_END,
    CancelAt,
    CancelSubscriptionRequest,
    ChangeSubscriptionQuantityRequest,
    ItemQuantity,
)
from billing.usage.v1.usage_event_pb2 import EVENT_OUTCOME_DUPLICATE, UsageEvent
from billing.usage.v1.usage_service_pb2 import IngestEventsRequest

from tests.scenarios import cast as people
from tests.scenarios.book import book, expected
from tests.scenarios.cast import STARTS, Cast
from tests.scenarios.catalogue import ingest, used
from tests.scenarios.servers import Servers
from tests.scenarios.world import World

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # so far ahead of the clock events may lie

Deed = Callable[[], Awaitable[object]]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Year:
    """The play: who does what when. `events` is what is still to be used, in order of time."""

    world: World
    cast: Cast
    events: list[UsageEvent] = field(default_factory=people.usage)

    def deeds(self) -> list[tuple[datetime, Deed]]:
        """In order of time; sign-ups are deeds too."""
        starts = [(at, self.starting(name)) for name, (_, at, _, _) in STARTS.items()]
        return sorted([*starts, *self.happenings()], key=lambda deed: deed[0])

    def happenings(self) -> list[tuple[datetime, Deed]]:
        late = used("late", "calls", "anna", utc("2024-05-01T00:00:00"), "500000")
        return [
            (utc("2024-02-15T12:00:00"), lambda: self.pay_in_part("bruno", 2000, "transfer 1")),
            (utc("2024-03-01T00:00:00"), lambda: self.authenticate("ines")),
            (utc("2024-03-02T12:00:00"), lambda: self.pay_in_part("bruno", None, "transfer 2")),
            (utc("2024-03-05T12:00:00"), lambda: self.cancel("kim", CANCEL_AT_NOW)),
            (utc("2024-03-10T12:00:00"), lambda: self.change_seats("bruno", "9")),
            (utc("2024-03-11T12:00:00"), lambda: self.change_seats("bruno", "8")),
            (utc("2024-04-02T10:00:00"), lambda: self.authenticate("ines")),
            (utc("2024-04-10T12:00:00"), lambda: self.cancel("ines", CANCEL_AT_PERIOD_END)),
            (utc("2024-06-01T12:00:00"), lambda: ingest(self.world, [late])),
            (utc("2024-06-02T12:00:00"), self.send_again),
            (utc("2024-08-15T12:00:00"), lambda: self.change_seats("bruno", "3")),
            (utc("2024-09-10T12:00:00"), lambda: self.cancel("denis", CANCEL_AT_PERIOD_END)),
            (utc("2024-11-01T12:00:00"), lambda: self.cancel("pia", CANCEL_AT_PERIOD_END)),
            (utc("2024-11-15T11:00:00"), lambda: self.cancel("greta", CANCEL_AT_NOW)),
        ]

    async def run(self) -> None:
        for at, deed in self.deeds():
            if at > self.world.now:
                await self.world.play(at, self.use)
            await deed()
        await self.world.play(UNTIL, self.use)

    def starting(self, name: str) -> Deed:
        return lambda: people.start(self.world, self.cast, name)

    async def use(self, now: datetime) -> None:
        """Sends what was used until now, and a little ahead: boundaries come in pairs."""
        known = [event for event in self.events if event.time.ToDatetime(tzinfo=UTC) <= now + AHEAD]
        if known:
            await self.world.settle()
            await ingest(self.world, known)
            self.events = self.events[len(known) :]

    async def send_again(self) -> None:
        answer = await self.world.admin.usage.IngestEvents(IngestEventsRequest(events=people.usage()[:3]))
        assert [each.outcome for each in answer.results] == [EVENT_OUTCOME_DUPLICATE] * 3

    async def pay_in_part(self, name: str, minor: int | None, reference: str) -> None:
        invoice = (await self.world.invoices(self.cast.customers[name]))[0]
        amount = None if minor is None else Money(currency_code="EUR", amount_minor=minor)
        request = MarkInvoicePaidRequest(invoice_id=invoice.invoice_id, amount=amount, reference=reference)
        paid = (await self.world.admin.invoices.MarkInvoicePaid(request)).invoice
        assert paid.state == (INVOICE_STATE_OPEN if minor else INVOICE_STATE_PAID)

    async def authenticate(self, name: str) -> None:
        payment = (await self.world.payments(self.cast.customers[name]))[-1]
        asker = self.world.customer(self.cast.customers[name])
        await asker.payments.ConfirmPayment(ConfirmPaymentRequest(payment_id=payment.payment_id))
        await asker.close()

    async def change_seats(self, name: str, quantity: str) -> None:
        item = ItemQuantity(code="seat", quantity=quantity)
        request = ChangeSubscriptionQuantityRequest(subscription_id=self.cast.subscriptions[name], item=item)
        await self.world.admin.subscriptions.ChangeSubscriptionQuantity(request)

    async def cancel(self, name: str, at: CancelAt.ValueType) -> None:
        request = CancelSubscriptionRequest(subscription_id=self.cast.subscriptions[name], cancel_at=at)
        await self.world.admin.subscriptions.CancelSubscription(request)
        await self.world.bill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def year(servers: Servers) -> AsyncIterator[Year]:
    """The whole play, with every event delivered twice."""
    world = await World.start(servers, people.BEGIN)
    played = Year(world, await people.assemble(world))
    servers.mesh.copies = 2
    await played.run()
    servers.mesh.copies = 1
    yield played


@pytest.mark.parametrize("name", sorted(STARTS))
async def test_every_line_of_every_invoice_is_as_worked_out(year: Year, name: str) -> None:
    assert book(await year.world.invoices(year.cast.customers[name])) == expected(name)
