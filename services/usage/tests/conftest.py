"""Builders of this service's messages, and its database."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from billing.common.v1 import period_pb2, price_model_pb2
from billing.subscriptions.v1 import events_pb2, plan_pb2, subscription_pb2
from billing.usage.v1 import usage_event_pb2
from billing_kernel.ids import encode, uuid7
from billing_runtime.consumer import Processor
from billing_runtime.database import Database
from billing_runtime.events import Received
from billing_usage.consumers.subscriptions import subscriptions_consumer
from billing_usage.storage.copy_store import PostgresCopyStore
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def stamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def period(start: datetime = JANUARY, end: datetime = FEBRUARY) -> period_pb2.Period:
    return period_pb2.Period(start=stamp(start), end=stamp(end))


def graduated(*tiers: tuple[str, str]) -> price_model_pb2.PriceModel:
    """(up to, unit amount) each."""
    made = [price_model_pb2.PriceTier(up_to=up_to, unit_amount=unit) for up_to, unit in tiers]
    return price_model_pb2.PriceModel(graduated=price_model_pb2.GraduatedModel(tiers=made))


def per_unit(amount: str) -> price_model_pb2.PriceModel:
    return price_model_pb2.PriceModel(per_unit=price_model_pb2.PerUnitModel(unit_amount=amount))


API_CALLS = graduated(("10000", "0"), ("100000", "0.002"), ("", "0.001"))


@dataclass
class Subscribed:
    """A monthly subscription since January 2026 with one metered item a meter and one flat fee."""

    meters: Sequence[str] = ("api",)
    price: price_model_pb2.PriceModel = field(default_factory=lambda: API_CALLS)
    currency: str = "EUR"
    customer_id: UUID = field(default_factory=uuid7)
    external_id: str = "acme"
    subscription_id: UUID = field(default_factory=uuid7)
    version: int = 1

    def __post_init__(self) -> None:
        self.item_ids = {meter: uuid7() for meter in (*self.meters, "")}
        self.price_ids = {meter: uuid7() for meter in (*self.meters, "")}

    @property
    def text(self) -> str:
        return encode("sub", self.subscription_id)

    @property
    def customer(self) -> str:
        return encode("cus", self.customer_id)

    def item(self, meter: str = "api") -> str:
        return encode("si", self.item_ids[meter])

    def price_id(self, meter: str = "api") -> str:
        return encode("price", self.price_ids[meter])

    def facts(self, **changes: Any) -> events_pb2.SubscriptionFacts:
        plan_items = [self._plan_item(meter) for meter in self.item_ids]
        given = subscription_pb2.Subscription(
            subscription_id=self.text,
            customer_id=self.customer,
            currency_code=self.currency,
            time_zone="UTC",
            anchor_time=stamp(JANUARY),
            start_time=stamp(JANUARY),
            items=[
                subscription_pb2.SubscriptionItem(subscription_item_id=self.item(meter), plan_item_id=meter or "flat")
                for meter in self.item_ids
            ],
        )
        given.MergeFrom(subscription_pb2.Subscription(**changes))
        month = period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1)
        return events_pb2.SubscriptionFacts(
            version=self.version,
            subscription=given,
            plan_items=plan_items,
            interval=month,
            external_customer_id=self.external_id,
        )

    def _plan_item(self, meter: str) -> plan_pb2.PlanItem:
        return plan_pb2.PlanItem(
            plan_item_id=meter or "flat",
            code=f"{meter or 'base'}-item",
            kind=plan_pb2.PLAN_ITEM_KIND_METERED if meter else plan_pb2.PLAN_ITEM_KIND_FLAT,
            price=self.price if meter else price_model_pb2.PriceModel(flat=price_model_pb2.FlatModel(amount="49")),
            price_id=self.price_id(meter),
            meter_code=meter,
        )


def usage_event(number: int | str = 1, at: datetime = JANUARY, **changes: Any) -> usage_event_pb2.UsageEvent:
    fields: dict[str, Any] = {"id": f"event-{number}", "source": "test", "meter_code": "api", "time": stamp(at)}
    if not changes.keys() & {"subscription_id", "customer_id", "external_customer_id"}:
        fields["external_customer_id"] = "acme"
    return usage_event_pb2.UsageEvent(**(fields | changes))


def received(tenant_id: UUID, payload: Message, at: datetime = JANUARY, **changes: Any) -> Received:
    fields: dict[str, Any] = {
        "topic": "billing.subscriptions.v1",
        "key": "cus",
        "type": payload.DESCRIPTOR.full_name,
        "id": uuid7(),
        "tenant_id": tenant_id,
        "actor": "user:alice",
        "subject": "sub",
        "correlation_id": "test",
        "causation_id": None,
        "sequence": 1,
        "effective_at": at,
        "traceparent": None,
        "payload": payload.SerializeToString(),
    }
    return Received(**(fields | changes))


@pytest.fixture(scope="session")
def build() -> SimpleNamespace:
    return SimpleNamespace(
        subscribed=Subscribed,
        event=usage_event,
        received=received,
        stamp=stamp,
        period=period,
        graduated=graduated,
        per_unit=per_unit,
        january=JANUARY,
        february=FEBRUARY,
    )


@pytest.fixture(scope="session")
def usage_url(service_database: Callable[..., Any]) -> str:
    return service_database("usage", "billing_usage").database_url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def usage_database(usage_url: str) -> AsyncIterator[Database]:
    database = Database.open(usage_url, pool_max=8)
    yield database
    await database.close()


@pytest.fixture
def hear(usage_database: Database, tenant_id: UUID) -> Callable[..., Any]:
    """`await hear(SubscriptionStarted(...), ...)`: the consumer's effect of events of this test's tenant."""
    processor = Processor(usage_database, subscriptions_consumer(PostgresCopyStore))

    async def process(*payloads: Message, at: datetime = JANUARY) -> None:
        await processor.process([received(tenant_id, payload, at) for payload in payloads])

    return process
