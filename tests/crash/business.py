"""A small business that lives through months: what it does is the same in every tenant, to the cent."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing.common.v1 import collection_pb2, party_pb2, period_pb2, price_model_pb2, tax_facts_pb2
from billing.invoicing.v1 import billing_run_pb2
from billing.invoicing.v1 import billing_runs_service_pb2 as runs
from billing.invoicing.v1 import sellers_service_pb2 as sellers
from billing.payments.v1 import payment_methods_service_pb2 as methods
from billing.subscriptions.v1 import customers_service_pb2 as customers
from billing.subscriptions.v1 import plan_pb2
from billing.subscriptions.v1 import plans_service_pb2 as plans
from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing.tax.v1 import registration_pb2
from billing.tax.v1 import registrations_service_pb2 as registrations
from billing.usage.v1 import meter_pb2, usage_event_pb2
from billing.usage.v1 import meters_service_pb2 as meters
from billing.usage.v1 import usage_service_pb2 as usage
from billing_testkit.fleet import Fleet
from google.protobuf.timestamp_pb2 import Timestamp

from tests.crash.clients import Clients

METER = "calls"
BATCH = 100
TOKENS = (
    "tok_succeeds",
    "tok_succeeds",
    "tok_timeout_after_charge",
    "tok_soft_decline_then_succeeds",
    "tok_hard_decline",
)
LANES = 6


@dataclass(frozen=True)
class Size:
    """`customers` sign up each month; each of them makes `events` usage events a month."""

    customers: int
    events: int


@dataclass
class Business:
    """`accepted` counts what the usage service acknowledged as new."""

    clients: Clients
    size: Size
    first_month: datetime
    version_id: str = ""
    cohorts: list[list[str]] = field(default_factory=list)
    sent: int = 0

    @classmethod
    def found(cls, fleet: Fleet, tenant: UUID, size: Size, months: int) -> "Business":
        """Seller, tax registration, meter and a published plan; the first month lies `months` + 1 before this one."""
        business = cls(Clients(fleet, tenant), size, months_before(datetime.now(UTC), months + 1))
        business._set_up()
        return business

    @property
    def tenant(self) -> UUID:
        return self.clients.tenant

    def start_of(self, month: int) -> datetime:
        return months_before(self.first_month, -month)

    def live(self, month: int) -> str:
        """Signs up a cohort, sends the usage of the month before, asks for the billing run; the id of the run."""
        with ThreadPoolExecutor(LANES) as pool:
            cohort = pool.map(lambda place: self._sign_up(month, place), range(self.size.customers))
            events = pool.map(self._ingest, list(self._batches(month)))
            self.cohorts.append(list(cohort))
            list(events)
        return self.ask_for_run(month)

    def _set_up(self) -> None:
        call, start = self.clients.call, stamp(months_before(self.first_month, 1))
        address = party_pb2.Address(line1="Hauptstr. 1", city="Berlin", postal_code="10115", country_code="DE")
        party = party_pb2.Party(name="Mesh GmbH", company="Mesh GmbH", address=address)
        seller = sellers.CreateSellerRequest(party=party, time_zone="Europe/Berlin", number_prefix="M")
        seller_id = call("sellers", "CreateSeller", seller, key="seller").seller.seller_id
        domestic = registration_pb2.REGISTRATION_SCHEME_DOMESTIC
        registration = registrations.CreateRegistrationRequest(
            seller_id=seller_id, country_code="DE", scheme=domestic, tax_number="DE136695976", start_time=start
        )
        call("registrations", "CreateRegistration", registration, key="registration")
        meter = meters.CreateMeterRequest(code=METER, name="Calls", aggregation=meter_pb2.METER_AGGREGATION_SUM)
        call("meters", "CreateMeter", meter, key="meter")
        self.version_id = self._publish([base_item(), calls_item()])

    def _publish(self, items: Sequence[plan_pb2.PlanItem]) -> str:
        call = self.clients.call
        plan = call("plans", "CreatePlan", plans.CreatePlanRequest(code="basic", name="Basic"), key="plan").plan
        month = period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1)
        wanted = plans.CreatePlanVersionRequest(plan_id=plan.plan_id, currency_code="EUR", interval=month, items=items)
        version = call("plans", "CreatePlanVersion", wanted, key="version").plan_version
        publish = plans.PublishPlanVersionRequest(plan_version_id=version.plan_version_id)
        return str(call("plans", "PublishPlanVersion", publish, key="publish").plan_version.plan_version_id)

    def _sign_up(self, month: int, place: int) -> str:
        """Customer, payment method, subscription; the id of the subscription."""
        call, name = self.clients.call, f"c{month:02d}-{place:04d}"
        customer_id = call("customers", "CreateCustomer", new_customer(name), key=name).customer.customer_id
        token = TOKENS[place % len(TOKENS)]
        method = methods.CreatePaymentMethodRequest(customer_id=customer_id, gateway="sandbox", token=token)
        call("methods", "CreatePaymentMethod", method, key=name)
        wanted = subscriptions.CreateSubscriptionRequest(
            customer_id=customer_id,
            plan_version_id=self.version_id,
            external_id=name,
            start_time=stamp(self.start_of(month)),
        )
        made = call("subscriptions", "CreateSubscription", wanted, key=name).subscription
        return str(made.subscription_id)

    def _batches(self, month: int) -> Iterator[usage.IngestEventsRequest]:
        """The usage of the month before, of everybody who was there."""
        events = [
            _event(month, subscription_id, place, number, self.start_of(month - 1))
            for cohort in self.cohorts
            for place, subscription_id in enumerate(cohort)
            for number in range(self.size.events)
        ]
        for first in range(0, len(events), BATCH):
            yield usage.IngestEventsRequest(events=events[first : first + BATCH])

    def _ingest(self, batch: usage.IngestEventsRequest) -> None:
        answer = self.clients.call("usage", "IngestEvents", batch)
        assert answer.rejected == 0, answer.results[0]
        self.sent += len(batch.events)

    def ask_for_run(self, month: int) -> str:
        """Bills everything due at the start of the month; the id of the run."""
        as_of = stamp(self.start_of(month) + timedelta(hours=1))
        request = runs.RunBillingRequest(as_of=as_of, mode=billing_run_pb2.INVOICE_MODE_FINAL)
        return str(self.clients.call("runs", "RunBilling", request, key=f"run-{month}").run.run_id)


def months_before(instant: datetime, months: int) -> datetime:
    """The first of a month, `months` before that of `instant`."""
    number = instant.year * 12 + instant.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def stamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def new_customer(external_id: str = "") -> customers.CreateCustomerRequest:
    """A German consumer whose card is charged."""
    address = party_pb2.Address(line1="Unter den Linden 1", city="Berlin", postal_code="10117", country_code="DE")
    party = party_pb2.Party(name="Ada Lovelace", email="ada@example.com", address=address)
    return customers.CreateCustomerRequest(
        external_id=external_id,
        party=party,
        currency_code="EUR",
        time_zone="UTC",
        collection_method=collection_pb2.COLLECTION_METHOD_CHARGE,
    )


def base_item() -> plan_pb2.PlanItem:
    """EUR 49.00 a month in advance."""
    flat = price_model_pb2.PriceModel(flat=price_model_pb2.FlatModel(amount="49"))
    return _item("base", "Base fee", plan_pb2.PLAN_ITEM_KIND_FLAT, plan_pb2.CHARGE_TIMING_ADVANCE, flat)


def calls_item() -> plan_pb2.PlanItem:
    """The first 100 calls free, then EUR 0.013 each, in arrears."""
    tiers = [
        price_model_pb2.PriceTier(up_to="100", unit_amount="0"),
        price_model_pb2.PriceTier(unit_amount="0.013"),
    ]
    model = price_model_pb2.PriceModel(graduated=price_model_pb2.GraduatedModel(tiers=tiers))
    item = _item("calls", "Calls", plan_pb2.PLAN_ITEM_KIND_METERED, plan_pb2.CHARGE_TIMING_ARREARS, model)
    item.meter_code = METER
    return item


def _item(
    code: str,
    name: str,
    kind: "plan_pb2.PlanItemKind.ValueType",
    timing: "plan_pb2.ChargeTiming.ValueType",
    price: price_model_pb2.PriceModel,
) -> plan_pb2.PlanItem:
    return plan_pb2.PlanItem(
        code=code,
        name=name,
        kind=kind,
        timing=timing,
        price=price,
        tax_category="saas",
        tax_behavior=tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
    )


def _event(month: int, subscription_id: str, place: int, number: int, start: datetime) -> usage_event_pb2.UsageEvent:
    """Deterministic in place and number: every tenant has the same usage."""
    return usage_event_pb2.UsageEvent(
        id=f"{month}-{subscription_id}-{number}",
        source="crash",
        meter_code=METER,
        subscription_id=subscription_id,
        time=stamp(start + timedelta(minutes=1 + number)),
        value=str(1 + (place * 7 + number * 13) % 97),
    )
