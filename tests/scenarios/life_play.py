"""The play of a life: every command and every boundary is previewed just before it happens, and kept to its word."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc
from billing.common.v1.party_pb2 import Address, Party
from billing.common.v1.period_pb2 import Interval
from billing.invoicing.v1.invoice_pb2 import Invoice
from billing.invoicing.v1.invoices_service_pb2 import PreviewUpcomingInvoiceRequest
from billing.payments.v1.payment_methods_service_pb2 import CreatePaymentMethodRequest
from billing.subscriptions.v1.charge_pb2 import Charge
from billing.subscriptions.v1.customers_service_pb2 import CreateCustomerRequest
from billing.subscriptions.v1.plan_pb2 import PlanItem
from billing.subscriptions.v1.plans_service_pb2 import (
    CreatePlanRequest,
    CreatePlanVersionRequest,
    PublishPlanVersionRequest,
)
from billing.subscriptions.v1.policy_pb2 import PlanTerms
from billing.subscriptions.v1.subscription_pb2 import ItemQuantity, Subscription, SubscriptionChange
from billing.subscriptions.v1.subscriptions_service_pb2 import (
    CANCEL_AT_NOW,
    CancelSubscriptionRequest,
    ChangeSubscriptionRequest,
    ChangeSubscriptionResponse,
    CreateSubscriptionRequest,
    GetSubscriptionRequest,
    ListSubscriptionsRequest,
    PauseSubscriptionRequest,
    PreviewCancelationRequest,
    PreviewChangeRequest,
    PreviewSubscriptionRequest,
    ResumeSubscriptionRequest,
)
from billing.usage.v1.usage_event_pb2 import UsageEvent

from tests.scenarios import catalogue
from tests.scenarios.callers import reason_of, refusal
from tests.scenarios.servers import Servers
from tests.scenarios.world import World, instant, stamp

MONTH, YEAR = catalogue.MONTH, catalogue.YEAR
AHEAD = timedelta(minutes=5)


@dataclass
class Life:
    """One tenant with a German seller. Ids by name; `previews` are the upcoming invoices as they were told in the
    instant before each was made, `promised` what the next boundary of a subscription bills by its last preview (and
    how often that was `kept`), `events` what is still to be used, in order of time."""

    world: World
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    previews: list[Invoice] = field(default_factory=list)
    promised: dict[str, list[Charge]] = field(default_factory=dict)
    kept: int = 0
    events: list[UsageEvent] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, servers: Servers, now: datetime) -> AsyncIterator["Life"]:
        """Every event is delivered twice."""
        servers.mesh.copies = 2
        try:
            world = await World.start(servers, now)
            seller_id = await catalogue.seller(world)
            await catalogue.registered(world, seller_id, "DE", "DE136695976")
            yield cls(world)
        finally:
            servers.mesh.copies = 1

    async def version(
        self,
        plan: str,
        items: Sequence[PlanItem],
        *,
        currency: str = "EUR",
        interval: Interval = MONTH,
        trial_days: int = 0,
        terms: PlanTerms | None = None,
    ) -> str:
        """A published version of a plan, which is made with its first version."""
        plans = self.world.admin.plans
        if plan not in self.plans:
            self.plans[plan] = (await plans.CreatePlan(CreatePlanRequest(code=plan, name=plan.title()))).plan.plan_id
        made = await plans.CreatePlanVersion(
            CreatePlanVersionRequest(
                plan_id=self.plans[plan],
                currency_code=currency,
                interval=interval,
                trial_days=trial_days,
                items=items,
                terms=terms,
            )
        )
        version_id: str = made.plan_version.plan_version_id
        await plans.PublishPlanVersion(PublishPlanVersionRequest(plan_version_id=version_id))
        return version_id

    async def customer(
        self,
        name: str,
        country: str = "DE",
        *,
        zone: str = "Europe/Berlin",
        currency: str = "EUR",
        card: str = "tok_succeeds",
        payer: str = "",
    ) -> None:
        address = Address(line1="1 Main", city="City", postal_code="10000", country_code=country)
        request = CreateCustomerRequest(
            external_id=name,
            party=Party(name=name.title(), email=f"{name}@customer.test", address=address),
            currency_code=currency,
            time_zone=zone,
            parent_customer_id=self.customers.get(payer, ""),
            billed_to_parent=bool(payer),
        )
        customer_id = (await self.world.admin.customers.CreateCustomer(request)).customer.customer_id
        self.customers[name] = customer_id
        if card:
            method = CreatePaymentMethodRequest(customer_id=customer_id, token=card)
            await self.world.admin.methods.CreatePaymentMethod(method)
        await self.world.settle()

    async def start(
        self, name: str, customer: str, version_id: str, quantities: Mapping[str, str] | None = None, **fields: Any
    ) -> Subscription:
        """A subscription by its name, previewed and started."""
        request = CreateSubscriptionRequest(
            customer_id=self.customers[customer],
            plan_version_id=version_id,
            external_id=name,
            quantities=quantities_of(quantities or {}),
            **fields,
        )
        asked = PreviewSubscriptionRequest(subscription=request)
        shown = await self.world.admin.subscriptions.PreviewSubscription(asked)
        made = (await self.world.admin.subscriptions.CreateSubscription(request)).subscription
        assert plain(shown.subscription) == plain(made)
        self.subscriptions[name] = made.subscription_id
        await self.world.settle()
        return made

    async def change(self, name: str, change: SubscriptionChange, **fields: Any) -> ChangeSubscriptionResponse:
        """A change, previewed and made: both tell the same, or refuse for the same reason."""
        subscription_id, subscriptions = self.subscriptions[name], self.world.admin.subscriptions
        asked = {"subscription_id": subscription_id, "change": change, **fields}
        told = await refusal(subscriptions.PreviewChange(PreviewChangeRequest(**asked)))
        if told != ("OK", ""):
            assert await refusal(subscriptions.ChangeSubscription(ChangeSubscriptionRequest(**asked))) == told
        shown = await subscriptions.PreviewChange(PreviewChangeRequest(**asked))
        made: ChangeSubscriptionResponse = await subscriptions.ChangeSubscription(ChangeSubscriptionRequest(**asked))
        assert list(shown.charges) == list(made.charges)
        assert (shown.net, shown.effective_time) == (made.net, made.effective_time)
        assert list(shown.rules) == list(made.rules)
        assert plain(shown.subscription) == plain(made.subscription)
        self.promised[subscription_id] = list(shown.next_charges)
        await self.world.settle()
        return made

    async def cancel(self, name: str, **fields: Any) -> Subscription:
        """A cancelation, previewed and made; `credit` and the like as the call takes them."""
        asked, subscriptions = {"subscription_id": self._about_to(name), **fields}, self.world.admin.subscriptions
        request = CancelSubscriptionRequest(**asked)
        told = await refusal(subscriptions.PreviewCancelation(PreviewCancelationRequest(**asked)))
        if told != ("OK", ""):
            assert await refusal(subscriptions.CancelSubscription(request)) == told
        shown = await subscriptions.PreviewCancelation(PreviewCancelationRequest(**asked))
        made = await subscriptions.CancelSubscription(request)
        assert plain(shown.subscription) == plain(made.subscription)
        if request.cancel_at == CANCEL_AT_NOW:
            assert list(shown.charges) == list(made.charges)
        await self.world.settle()
        canceled: Subscription = made.subscription
        return canceled

    async def pause(self, name: str, **fields: Any) -> Subscription:
        request = PauseSubscriptionRequest(subscription_id=self._about_to(name), **fields)
        return (await self.world.admin.subscriptions.PauseSubscription(request)).subscription

    async def resume(self, name: str) -> Subscription:
        request = ResumeSubscriptionRequest(subscription_id=self._about_to(name))
        made = (await self.world.admin.subscriptions.ResumeSubscription(request)).subscription
        await self.world.settle()
        return made

    async def get(self, name: str, as_of: datetime | None = None) -> Subscription:
        asked = GetSubscriptionRequest(subscription_id=self.subscriptions[name], as_of=stamp(as_of) if as_of else None)
        return (await self.world.admin.subscriptions.GetSubscription(asked)).subscription

    async def until(self, when: datetime) -> None:
        """From due instant to due instant; what falls due is previewed first, and before that all is used."""
        await self.world.play(when, self._before_billing)

    async def invoices(self, name: str) -> list[Invoice]:
        return await self.world.invoices(self.customers[name])

    def _about_to(self, name: str) -> str:
        subscription_id = self.subscriptions[name]
        self.promised.pop(subscription_id, None)
        return subscription_id

    async def _before_billing(self, now: datetime) -> None:
        """Events lie a little ahead of the clock too, so that those at a cut are there before it."""
        known = [event for event in self.events if instant(event.time) <= now + AHEAD]
        if known:
            await catalogue.ingest(self.world, known)
            self.events = self.events[len(known) :]
        await self._preview(now)

    async def _preview(self, now: datetime) -> None:
        asked = ListSubscriptionsRequest(page_size=100)
        for each in (await self.world.admin.subscriptions.ListSubscriptions(asked)).subscriptions:
            if each.HasField("next_due_time") and instant(each.next_due_time) <= now:
                await self._upcoming(each, now)

    async def _upcoming(self, subscription: Subscription, now: datetime) -> None:
        """Nothing where the boundary bills nothing."""
        asked = PreviewUpcomingInvoiceRequest(subscription_id=subscription.subscription_id)
        try:
            shown = (await self.world.admin.invoices.PreviewUpcomingInvoice(asked)).invoice
        except grpc.aio.AioRpcError as error:
            if reason_of(error) != "NOTHING_TO_BILL":
                raise
            return
        if instant(shown.invoice_time) > now:
            return
        self.previews.append(shown)
        promised = self.promised.pop(subscription.subscription_id, None)
        if promised is not None:
            filled_up = {line.charge_id for line in shown.lines if not line.code}
            assert [each.charge_id for each in promised] == [
                line.charge_id for line in shown.lines if line.charge_id not in filled_up
            ]
            amounts = {line.charge_id: line.amount_minor for line in shown.lines}
            fixed = [each for each in promised if each.HasField("amount")]
            assert [each.amount.amount_minor for each in fixed] == [amounts[each.charge_id] for each in fixed]
            self.kept += 1


def quantities_of(quantities: Mapping[str, str]) -> list[ItemQuantity]:
    return [ItemQuantity(code=code, quantity=quantity) for code, quantity in quantities.items()]


def seats_of(quantity: str, code: str = "seat") -> SubscriptionChange:
    return SubscriptionChange(quantities=[ItemQuantity(code=code, quantity=quantity)])


def plain(subscription: Subscription) -> Subscription:
    """Without what only a record has: ids, etag and times of record."""
    made = Subscription()
    made.CopyFrom(subscription)
    for name in ("subscription_id", "etag", "create_time", "update_time"):
        made.ClearField(name)
    for item in made.items:
        item.ClearField("subscription_item_id")
    for coupon in made.coupons:
        coupon.ClearField("redemption_id")
    for change in made.scheduled_changes:
        change.ClearField("scheduled_change_id")
    return made
