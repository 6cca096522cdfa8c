"""Events of the subscriptions service -> this service's copies."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from billing.common.v1 import period_pb2, price_model_pb2
from billing.subscriptions.v1 import events_pb2, plan_pb2, subscription_pb2
from billing_kernel.decimals import parse_decimal
from billing_kernel.errors import Invalid
from billing_kernel.period import Interval, Unit
from billing_pricing.models import Flat, Graduated, Model, PerUnit
from billing_pricing.tiers import Tier

from billing_usage.domain.subscription import Item, Price, Subscription
from billing_usage.wire.ids import (
    customer_id_from_text,
    instant_from_pb,
    item_id_from_text,
    price_id_from_text,
    subscription_id_from_text,
)

AMOUNT_PLACES = 12
MODELS_KEPT = 1024
_UNITS: Mapping[int, Unit] = {
    period_pb2.INTERVAL_UNIT_DAY: "day",
    period_pb2.INTERVAL_UNIT_WEEK: "week",
    period_pb2.INTERVAL_UNIT_MONTH: "month",
    period_pb2.INTERVAL_UNIT_YEAR: "year",
}


class UnreadableFacts(Invalid):
    """Facts that no version of this service can use: the event goes to the dead letters."""

    reason = "UNREADABLE_FACTS"


def subscription_from_pb(facts: events_pb2.SubscriptionFacts) -> Subscription:
    """Raises UnreadableFacts, InvalidId, InvalidTime, InvalidInterval, InvalidPriceModel."""
    given = facts.subscription
    plan_items = {item.plan_item_id: item for item in facts.plan_items}
    metered: list[subscription_pb2.SubscriptionItem] = []
    others: list[subscription_pb2.SubscriptionItem] = []
    for item in given.items:
        (metered if _is_metered(plan_items.get(item.plan_item_id)) else others).append(item)
    start = given.start_time
    return Subscription(
        subscription_id=subscription_id_from_text(given.subscription_id),
        customer_id=customer_id_from_text(given.customer_id),
        version=facts.version,
        time_zone=given.time_zone,
        interval=interval_from_pb(facts.interval),
        start_at=instant_from_pb(start, "start_time"),
        anchor_at=instant_from_pb(given.anchor_time if given.HasField("anchor_time") else start, "anchor_time"),
        canceled_at=_canceled_at(given),
        external_customer_id=facts.external_customer_id,
        items=tuple(_item(item, plan_items[item.plan_item_id], given.currency_code) for item in metered),
        other_item_ids=tuple(item_id_from_text(item.subscription_item_id) for item in others),
    )


def interval_from_pb(interval: period_pb2.Interval) -> Interval:
    """Raises UnreadableFacts, InvalidInterval."""
    unit = _UNITS.get(interval.unit)
    if unit is None:
        raise UnreadableFacts("an interval without a unit")
    return Interval(unit, interval.count)


def model_from_pb(model: price_model_pb2.PriceModel) -> Model:
    """Raises UnreadableFacts, InvalidDecimal, InvalidPriceModel."""
    match model.WhichOneof("model"):
        case "flat":
            return Flat(parse_decimal(model.flat.amount, max_fraction=AMOUNT_PLACES))
        case "per_unit":
            return PerUnit(parse_decimal(model.per_unit.unit_amount, max_fraction=AMOUNT_PLACES))
        case "graduated":
            return Graduated(tuple(_tier(tier) for tier in model.graduated.tiers))
        case _:
            raise UnreadableFacts("a price model that this version does not know")


@lru_cache(MODELS_KEPT)
def _model(serialized: bytes) -> Model:
    """The models in use are few, and a month's end names each of them with every subscription."""
    return model_from_pb(price_model_pb2.PriceModel.FromString(serialized))


def _tier(tier: price_model_pb2.PriceTier) -> Tier:
    up_to = parse_decimal(tier.up_to) if tier.up_to else None
    unit = parse_decimal(tier.unit_amount, max_fraction=AMOUNT_PLACES)
    return Tier(up_to, unit, parse_decimal(tier.flat_amount or "0", max_fraction=AMOUNT_PLACES))


def _is_metered(item: plan_pb2.PlanItem | None) -> bool:
    if item is None:
        raise UnreadableFacts("a subscription item without its plan item")
    return item.kind == plan_pb2.PLAN_ITEM_KIND_METERED


def _item(item: subscription_pb2.SubscriptionItem, plan_item: plan_pb2.PlanItem, currency: str) -> Item:
    model = _model(plan_item.price.SerializeToString(deterministic=True))
    price = Price(price_id_from_text(plan_item.price_id), plan_item.meter_code, currency, model)
    return Item(item_id_from_text(item.subscription_item_id), plan_item.code, price)


def _canceled_at(subscription: subscription_pb2.Subscription) -> datetime | None:
    if not subscription.HasField("cancel_time"):
        return None
    return instant_from_pb(subscription.cancel_time, "cancel_time")
