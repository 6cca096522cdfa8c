"""Items of plan versions and add-ons <-> their messages."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from billing.common.v1 import tax_facts_pb2
from billing.subscriptions.v1 import add_on_pb2, plan_pb2
from billing_kernel.decimals import format_decimal

from billing_subscriptions.domain.plan_item import (
    ItemKind,
    ItemPrice,
    JsonPrice,
    NewItem,
    PlanItem,
    TaxBehavior,
    Timing,
)
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import plan_item_text, price_text
from billing_subscriptions.wire.prices import price_from_pb, price_to_pb

KINDS = EnumTable(plan_pb2.PlanItemKind, ItemKind, "PLAN_ITEM_KIND_")
TIMINGS = EnumTable(plan_pb2.ChargeTiming, Timing, "CHARGE_TIMING_")
TAX_BEHAVIORS = EnumTable(tax_facts_pb2.TaxBehavior, TaxBehavior, "TAX_BEHAVIOR_")


def new_item_from_pb(item: plan_pb2.PlanItem) -> NewItem:
    """Raises UnspecifiedValue."""
    sold = sold_from_pb(item.code, item)
    return replace(sold, min_quantity=item.min_quantity, max_quantity=item.max_quantity)


def sold_from_pb(code: str, item: plan_pb2.PlanItem | add_on_pb2.AddOnContent) -> NewItem:
    """What is sold by a plan item or an add-on, without bounds of its quantity. Raises UnspecifiedValue."""
    return NewItem(
        code=code,
        name=item.name,
        kind=KINDS.from_pb(item.kind),
        timing=TIMINGS.from_pb(item.timing),
        price=price_from_pb(item.price),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.from_pb(item.tax_behavior),
        currency_prices=currency_prices_from_pb(item.currency_prices),
        product_code=item.product_code,
    )


def plan_item_to_pb(item: PlanItem) -> plan_pb2.PlanItem:
    """The price of the currency in which the item is looked at, then those of the others by code."""
    return plan_pb2.PlanItem(
        plan_item_id=plan_item_text(item.id),
        code=item.code,
        name=item.name,
        kind=KINDS.to_pb(item.kind),
        timing=TIMINGS.to_pb(item.timing),
        price=price_to_pb(item.price),
        price_id=price_text(item.price_id),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
        currency_prices=currency_prices_to_pb(item),
        product_code=item.product_code,
        min_quantity=format_decimal(item.min_quantity) if item.min_quantity else "",
        max_quantity="" if item.max_quantity is None else format_decimal(item.max_quantity),
    )


def currency_prices_from_pb(given: Iterable[plan_pb2.CurrencyPrice]) -> list[tuple[str, JsonPrice]]:
    return [(each.currency_code, price_from_pb(each.price)) for each in given]


def currency_prices_to_pb(item: PlanItem) -> list[plan_pb2.CurrencyPrice]:
    """Those of the other currencies, by code."""
    others: Mapping[str, ItemPrice] = {code: each for code, each in item.prices.items() if each.id != item.price_id}
    return [
        plan_pb2.CurrencyPrice(currency_code=code, price=price_to_pb(each.price), price_id=price_text(each.id))
        for code, each in sorted(others.items())
    ]
