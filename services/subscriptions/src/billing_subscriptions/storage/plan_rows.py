"""Rows of plans, their versions and items <-> domain values, both ways. Rows are mappings of column names."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.period import Interval
from billing_pricing import price_from_json, price_to_object

from billing_subscriptions.domain.plan import (
    ItemKind,
    ItemPrice,
    Plan,
    PlanItem,
    PlanVersion,
    PlanVersionState,
    TaxBehavior,
    Timing,
)
from billing_subscriptions.storage.terms_json import terms_from_json, terms_to_json

Row = Mapping[Any, Any]
Columns = dict[str, Any]


def plan_to_row(plan: Plan) -> Columns:
    """`current_version_id` is still kept for replicas of the release before; reads work it out from the versions."""
    return {
        "plan_id": plan.id,
        "code": plan.code,
        "name": plan.name,
        "current_version_id": plan.current_version_id,
        "metadata": dict(plan.metadata),
        "version": plan.version,
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
        "archived_at": plan.archived_at,
    }


def plan_from_row(row: Row) -> Plan:
    return Plan(
        id=row["plan_id"],
        code=row["code"],
        name=row["name"],
        current_version_id=row["current_version_id"],
        metadata=row["metadata"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        archived_at=row["archived_at"],
    )


def version_to_row(version: PlanVersion) -> Columns:
    return {
        "plan_version_id": version.id,
        "plan_id": version.plan_id,
        "number": version.number,
        "state": version.state.value,
        "currency": version.currency,
        "interval_unit": version.interval.unit,
        "interval_count": version.interval.count,
        "trial_days": version.trial_days,
        "items": [plan_item_to_json(item) for item in version.items],
        "created_at": version.created_at,
        "published_at": version.published_at,
        "terms": terms_to_json(version.terms),
        "effective_at": version.effective_at,
        "archived_at": version.archived_at,
    }


def version_from_row(row: Row) -> PlanVersion:
    return PlanVersion(
        id=row["plan_version_id"],
        plan_id=row["plan_id"],
        number=row["number"],
        state=PlanVersionState(row["state"]),
        currency=row["currency"],
        interval=Interval(row["interval_unit"], row["interval_count"]),
        trial_days=row["trial_days"],
        items=tuple(plan_item_from_json(item, row["currency"]) for item in row["items"]),
        created_at=row["created_at"],
        published_at=row["published_at"],
        terms=terms_from_json(row["terms"]),
        archived_at=row["archived_at"],
    )


def plan_item_to_json(item: PlanItem) -> Columns:
    """The price at which the item is looked at stands first; `prices` are those of the other currencies."""
    others = {currency: each for currency, each in item.prices.items() if each.id != item.price_id}
    written: Columns = {
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
    }
    optional: Columns = {
        "prices": [[currency, str(each.id), price_to_object(each.price)] for currency, each in others.items()],
        "product_code": item.product_code,
        "min_quantity": format_decimal(item.min_quantity) if item.min_quantity else "",
        "max_quantity": "" if item.max_quantity is None else format_decimal(item.max_quantity),
    }
    return written | {name: value for name, value in optional.items() if value}


def plan_item_from_json(item: Mapping[str, Any], currency: str) -> PlanItem:
    """`currency` is that of the first price."""
    own = ItemPrice(UUID(item["price_id"]), price_from_json(item["price"]))
    prices = {currency: own}
    for other, price_id, price in item.get("prices", ()):
        prices[other] = ItemPrice(UUID(price_id), price_from_json(price))
    most = item.get("max_quantity", "")
    return PlanItem(
        id=UUID(item["plan_item_id"]),
        code=item["code"],
        name=item["name"],
        kind=ItemKind(item["kind"]),
        timing=Timing(item["timing"]),
        price=own.price,
        price_id=own.id,
        meter_code=item["meter_code"],
        tax_category=item["tax_category"],
        tax_behavior=TaxBehavior(item["tax_behavior"]),
        prices=prices,
        product_code=item.get("product_code", ""),
        min_quantity=parse_decimal(item.get("min_quantity", "0")),
        max_quantity=parse_decimal(most) if most else None,
    )
