"""Items of plan versions and of add-ons <-> their JSON in columns."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_pricing import price_from_json, price_to_object

from billing_subscriptions.domain.plan_item import ItemKind, ItemPrice, PlanItem, TaxBehavior, Timing

Json = dict[str, Any]


def plan_item_to_json(item: PlanItem) -> Json:
    """Every currency's price; `price` is that of the currency in which the item is looked at."""
    return {
        "plan_item_id": str(item.id),
        "code": item.code,
        "name": item.name,
        "kind": item.kind.value,
        "timing": item.timing.value,
        "price": price_to_object(item.price),
        "price_id": str(item.price_id),
        "meter_code": item.meter_code,
        "tax_category": item.tax_category,
        "tax_behavior": item.tax_behavior.value,
        "prices": {
            currency: {"price_id": str(each.id), "price": price_to_object(each.price)}
            for currency, each in item.prices.items()
        },
        "product_code": item.product_code,
        "min_quantity": format_decimal(item.min_quantity),
        "max_quantity": None if item.max_quantity is None else format_decimal(item.max_quantity),
    }


def plan_item_from_json(item: Mapping[str, Any], currency: str) -> PlanItem:
    """`currency` is the one of `price`, where an earlier release left `prices` out."""
    price, price_id = price_from_json(item["price"]), UUID(item["price_id"])
    most = item.get("max_quantity")
    return PlanItem(
        id=UUID(item["plan_item_id"]),
        code=item["code"],
        name=item["name"],
        kind=ItemKind(item["kind"]),
        timing=Timing(item["timing"]),
        price=price,
        price_id=price_id,
        meter_code=item["meter_code"],
        tax_category=item["tax_category"],
        tax_behavior=TaxBehavior(item["tax_behavior"]),
        prices=_prices(item.get("prices")) or {currency: ItemPrice(price_id, price)},
        product_code=item.get("product_code", ""),
        min_quantity=parse_decimal(item["min_quantity"]) if "min_quantity" in item else Fraction(0),
        max_quantity=None if most is None else parse_decimal(most),
    )


def _prices(given: Mapping[str, Any] | None) -> dict[str, ItemPrice]:
    return {
        currency: ItemPrice(UUID(each["price_id"]), price_from_json(each["price"]))
        for currency, each in (given or {}).items()
    }
