"""The play of the twelve months: who does what when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from billing.common.v1.money_pb2 import Money
from billing.invoicing.v1.invoice_pb2 import INVOICE_STATE_OPEN, INVOICE_STATE_PAID
from billing.invoicing.v1.invoices_service_pb2 import MarkInvoicePaidRequest, PreviewUpcomingInvoiceRequest
from billing.payments.v1.payments_service_pb2 import ConfirmPaymentRequest
from billing.subscriptions.v1.policy_pb2 import CHANGE_WHEN_PERIOD_END
from billing.subscriptions.v1.subscription_pb2 import ItemQuantity, Subscription
from billing.subscriptions.v1.subscriptions_service_pb2 import (
    CANCEL_AT_NOW,
    CANCEL_AT_PERIOD_END,
    CancelAt,
    CancelSubscriptionRequest,
    ChangeSubscriptionQuantityRequest,
    ListSubscriptionsRequest,
)
from billing.usage.v1.usage_event_pb2 import EVENT_OUTCOME_DUPLICATE, UsageEvent
from billing.usage.v1.usage_service_pb2 import IngestEventsRequest

from tests.scenarios import cast as people
from tests.scenarios.book import book
from tests.scenarios.callers import reason_of
from tests.scenarios.cast import STARTS, Cast
from tests.scenarios.catalogue import ingest, used
from tests.scenarios.world import World, instant

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # so far ahead of the clock events may lie

Deed = Callable[[], Awaitable[object]]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Year:
    """The play: who does what when. `events` is what is still to be used, in order of time; `previews` are the upcoming
    invoices by name, as they were told in the instant before each of them was made; `at_once` is whose last one a call
    made at once, before anybody could ask."""

    world: World
    cast: Cast
    events: list[UsageEvent] = field(default_factory=people.usage)
    previews: dict[str, str] = field(default_factory=dict)
    at_once: set[str] = field(default_factory=set)

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
                await self.world.play(at, self.before_billing)
            await deed()
            await self.world.settle()
        await self.world.play(UNTIL, self.before_billing)

    def starting(self, name: str) -> Deed:
        return lambda: people.start(self.world, self.cast, name)

    async def before_billing(self, now: datetime) -> None:
        await self.use(now)
        await self.preview(now)

    async def preview(self, now: datetime) -> None:
        listed = await self.world.admin.subscriptions.ListSubscriptions(ListSubscriptionsRequest(page_size=100))
        for each in listed.subscriptions:
            if each.HasField("next_due_time") and instant(each.next_due_time) <= now:
                name = next(name for name, known in self.cast.subscriptions.items() if known == each.subscription_id)
                self.previews[name] = self.previews.get(name, "") + await self.upcoming(each)

    async def upcoming(self, subscription: Subscription) -> str:
        """Nothing where the last instant of a canceled subscription bills nothing."""
        request = PreviewUpcomingInvoiceRequest(subscription_id=subscription.subscription_id)
        try:
            answer = await self.world.admin.invoices.PreviewUpcomingInvoice(request)
        except grpc.aio.AioRpcError as error:
            if reason_of(error) != "NOTHING_TO_BILL":
                raise
            return ""
        return book([answer.invoice], states=False)

    async def use(self, now: datetime) -> None:
        """Sends what was used until now, and a little ahead: boundaries come in pairs."""
        known = [event for event in self.events if event.time.ToDatetime(tzinfo=UTC) <= now + AHEAD]
        if known:
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
        request = ChangeSubscriptionQuantityRequest(
            subscription_id=self.cast.subscriptions[name], item=item, when=CHANGE_WHEN_PERIOD_END
        )
        await self.world.admin.subscriptions.ChangeSubscriptionQuantity(request)

    async def cancel(self, name: str, at: CancelAt.ValueType) -> None:
        request = CancelSubscriptionRequest(subscription_id=self.cast.subscriptions[name], cancel_at=at)
        canceled = await self.world.admin.subscriptions.CancelSubscription(request)
        if canceled.charges:
            self.at_once.add(name)
