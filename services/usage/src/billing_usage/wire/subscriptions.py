"""Events of the subscriptions service -> this service's copies."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from billing.common.v1 import period_pb2, price_model_pb2
from billing.subscriptions.v1 import events_pb2, plan_pb2, policy_pb2, subscription_pb2
from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.errors import Invalid
from billing_kernel.period import Interval, Unit
from billing_pricing import Price as PriceModel
from billing_pricing.contract import price_from_contract
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from billing_usage.domain.subscription import Item, Price, Subscription
from billing_usage.wire.ids import (
    customer_id_from_text,
    instant_from_pb,
    item_id_from_text,
    price_id_from_text,
    subscription_id_from_text,
)

MODELS_KEPT = 1024
_UNITS: Mapping[int, Unit] = {
    period_pb2.INTERVAL_UNIT_DAY: "day",
    period_pb2.INTERVAL_UNIT_WEEK: "week",
    period_pb2.INTERVAL_UNIT_MONTH: "month",
    period_pb2.INTERVAL_UNIT_YEAR: "year",
}
_FIRST_STUBS: Mapping[int, FirstStub] = {
    policy_pb2.FIRST_STUB_UNSPECIFIED: FirstStub.SHORT,
    policy_pb2.FIRST_STUB_SHORT: FirstStub.SHORT,
    policy_pb2.FIRST_STUB_LONG: FirstStub.LONG,
    policy_pb2.FIRST_STUB_NONE: FirstStub.NONE,
}


class UnreadableFacts(Invalid):
    """Facts that no version of this service can use: the event goes to the dead letters."""

    reason = "UNREADABLE_FACTS"


def subscription_from_pb(facts: events_pb2.SubscriptionFacts) -> Subscription:
    """Raises UnreadableFacts, InvalidId, InvalidTime, InvalidInterval, UnknownZone, InvalidPriceModel."""
    given = facts.subscription
    plan_items = {item.plan_item_id: item for item in facts.plan_items}
    metered: list[Item] = []
    others: list[UUID] = []
    for item in given.items:
        definition = _definition(item, plan_items)
        if definition.kind == plan_pb2.PLAN_ITEM_KIND_METERED:
            metered.append(_item(item, definition, given.currency_code))
        else:
            others.append(item_id_from_text(item.subscription_item_id))
    return Subscription(
        subscription_id=subscription_id_from_text(given.subscription_id),
        customer_id=customer_id_from_text(given.customer_id),
        version=facts.version,
        start_at=instant_from_pb(given.start_time, "start_time"),
        cycle=_cycle(given, interval_from_pb(facts.interval)),
        canceled_at=_optional(given, "cancel_time"),
        external_customer_id=facts.external_customer_id,
        items=tuple(metered),
        other_item_ids=tuple(others),
    )


def interval_from_pb(interval: period_pb2.Interval) -> Interval:
    """Raises UnreadableFacts, InvalidInterval."""
    unit = _UNITS.get(interval.unit)
    if unit is None:
        raise UnreadableFacts("an interval without a unit")
    return Interval(unit, interval.count)


def model_from_pb(model: price_model_pb2.PriceModel) -> PriceModel:
    """Raises InvalidPriceModel."""
    return price_from_contract(MessageToDict(model, preserving_proto_field_name=True))


@lru_cache(MODELS_KEPT)
def _model(serialized: bytes) -> PriceModel:
    """The models in use are few, and a month's end names each of them with every subscription."""
    return model_from_pb(price_model_pb2.PriceModel.FromString(serialized))


def _cycle(given: subscription_pb2.Subscription, interval: Interval) -> Cycle:
    """Boundaries lie by the anchor; periods begin there too, unless the facts name another start."""
    anchor = _optional(given, "anchor_time") or instant_from_pb(given.start_time, "start_time")
    begins = _optional(given, "cycle_start_time") or anchor
    return Cycle(anchor, given.time_zone, interval, begins, _FIRST_STUBS.get(given.first_stub, FirstStub.SHORT))


def _definition(
    item: subscription_pb2.SubscriptionItem, plan_items: Mapping[str, plan_pb2.PlanItem]
) -> plan_pb2.PlanItem:
    """What an item is: its own definition where it is an add-on or has a price of its own, else the plan's."""
    found = item.own_item if item.HasField("own_item") else plan_items.get(item.plan_item_id)
    if found is None:
        raise UnreadableFacts("a subscription item without its plan item")
    return found


def _item(item: subscription_pb2.SubscriptionItem, definition: plan_pb2.PlanItem, currency: str) -> Item:
    price_id, model = definition.price_id, definition.price
    for other in definition.currency_prices:
        if other.currency_code == currency:
            price_id, model = other.price_id, other.price
    price = Price(
        price_id_from_text(price_id),
        definition.meter_code,
        currency,
        _model(model.SerializeToString(deterministic=True)),
    )
    window = _optional(item, "window_start_time")
    return Item(item_id_from_text(item.subscription_item_id), definition.code, price, window)


def _optional(message: Message, field: str) -> datetime | None:
    return instant_from_pb(getattr(message, field), field) if message.HasField(field) else None
