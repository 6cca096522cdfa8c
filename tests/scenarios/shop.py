"""A small tenant: one German seller, one plan at 10.00 a month, customers by their cards."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from billing.common.v1.money_pb2 import Money
from billing.invoicing.v1.invoice_pb2 import Invoice
from billing.invoicing.v1.invoices_service_pb2 import (
    FinalizeInvoiceRequest,
    MarkInvoicePaidRequest,
    VoidInvoiceRequest,
)
from billing.payments.v1.payment_pb2 import Payment
from billing.subscriptions.v1.subscription_pb2 import SubscriptionState
from billing.subscriptions.v1.subscriptions_service_pb2 import GetSubscriptionRequest

from tests.scenarios import catalogue
from tests.scenarios.servers import Servers
from tests.scenarios.world import World

START = datetime(2024, 1, 31, 8, 30, tzinfo=UTC)
GROSS = 1190  # 10.00 and 19 % VAT


@dataclass
class Shop:
    """Ids by name."""

    world: World
    version_id: str
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, servers: Servers, amount: str = "10.00", start: datetime = START) -> "Shop":
        world = await World.start(servers, start)
        seller_id = await catalogue.seller(world)
        await catalogue.registered(world, seller_id, "DE", "DE136695976")
        return cls(world, await catalogue.plan(world, "basic", [catalogue.flat("base", amount)]))

    async def sign_up(self, name: str, card: str = "tok_succeeds", start: datetime | None = None) -> None:
        self.customers[name] = await catalogue.customer(self.world, name, card=card)
        made = await catalogue.subscribe(self.world, self.customers[name], self.version_id, start=start)
        self.subscriptions[name] = made.subscription_id

    async def invoice(self, name: str) -> Invoice:
        """The latest."""
        return (await self.world.invoices(self.customers[name]))[-1]

    async def payment(self, name: str) -> Payment:
        return (await self.world.payments(self.customers[name]))[-1]

    async def standing(self, name: str) -> str:
        request = GetSubscriptionRequest(subscription_id=self.subscriptions[name])
        state = (await self.world.admin.subscriptions.GetSubscription(request)).subscription.state
        return SubscriptionState.Name(state).removeprefix("SUBSCRIPTION_STATE_")

    async def finalize(self, invoice: Invoice) -> Invoice:
        request = FinalizeInvoiceRequest(invoice_id=invoice.invoice_id)
        return (await self.world.admin.invoices.FinalizeInvoice(request)).invoice

    async def void(self, invoice: Invoice) -> Invoice:
        request = VoidInvoiceRequest(invoice_id=invoice.invoice_id, reason="a mistake")
        return (await self.world.admin.invoices.VoidInvoice(request)).invoice

    async def mark_paid(self, invoice: Invoice, minor: int | None = None, currency: str = "EUR") -> Invoice:
        amount = None if minor is None else Money(currency_code=currency, amount_minor=minor)
        request = MarkInvoicePaidRequest(invoice_id=invoice.invoice_id, amount=amount, reference="transfer")
        return (await self.world.admin.invoices.MarkInvoicePaid(request)).invoice
