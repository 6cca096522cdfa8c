"""Builders of catalogue requests."""

from typing import Any

from billing.common.v1 import period_pb2, price_model_pb2, tax_facts_pb2
from billing.subscriptions.v1 import add_on_pb2, catalog_pb2, coupon_pb2, plan_pb2, policy_pb2
from google.protobuf.json_format import ParseDict

MONTH = period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1)


def price(**model: Any) -> price_model_pb2.PriceModel:
    """price(flat={"amount": "49"})"""
    return ParseDict(model, price_model_pb2.PriceModel())


def flat(amount: str = "49") -> price_model_pb2.PriceModel:
    return price(flat={"amount": amount})


def per_unit(amount: str) -> price_model_pb2.PriceModel:
    return price(per_unit={"unit_amount": amount})


def in_currency(code: str, of: price_model_pb2.PriceModel) -> plan_pb2.CurrencyPrice:
    return plan_pb2.CurrencyPrice(currency_code=code, price=of)


def item(
    code: str, kind: str, of: price_model_pb2.PriceModel, timing: str = "ADVANCE", **more: Any
) -> plan_pb2.PlanItem:
    return plan_pb2.PlanItem(
        code=code,
        name=code.title(),
        kind=f"PLAN_ITEM_KIND_{kind}",
        timing=f"CHARGE_TIMING_{timing}",
        price=of,
        tax_category="digital_service",
        tax_behavior=tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
        **more,
    )


def terms(**rules: Any) -> policy_pb2.PlanTerms:
    return ParseDict(rules, policy_pb2.PlanTerms())


def version(*items: plan_pb2.PlanItem, **more: Any) -> dict[str, Any]:
    """Fields of CreatePlanVersion, UpdatePlanVersion and CatalogPlanVersion."""
    fields = {"currency_code": "EUR", "interval": MONTH, "items": items or (item("base", "FLAT", flat()),)}
    return fields | more


def content(**more: Any) -> add_on_pb2.AddOnContent:
    """An add-on: EUR 5.00 a month in advance."""
    fields = {
        "name": "Support",
        "kind": plan_pb2.PLAN_ITEM_KIND_FLAT,
        "timing": plan_pb2.CHARGE_TIMING_ADVANCE,
        "currency_code": "EUR",
        "price": flat("5"),
        "tax_category": "digital_service",
        "tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
    }
    return add_on_pb2.AddOnContent(**(fields | more))


def coupon(**more: Any) -> coupon_pb2.CouponTerms:
    """10 % off once."""
    fields = {"name": "Spring", "percent": "10", "duration": coupon_pb2.COUPON_DURATION_ONCE}
    return coupon_pb2.CouponTerms(**(fields | more))


def catalog(**parts: Any) -> catalog_pb2.Catalog:
    return catalog_pb2.Catalog(version=1, **parts)
