"""Plans and their versions <-> their messages."""

from billing.common.v1 import price_model_pb2, tax_facts_pb2
from billing.subscriptions.v1 import plan_pb2, plans_service_pb2
from billing_pricing import Model, model_to_object

from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan import (
    ItemKind,
    NewItem,
    NewVersion,
    Plan,
    PlanItem,
    PlanVersion,
    PlanVersionState,
    TaxBehavior,
    Timing,
)
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import plan_item_text, plan_text, price_text, version_text
from billing_subscriptions.wire.times import interval_from_pb, interval_to_pb, optional_time, time_to_pb

KINDS = EnumTable(plan_pb2.PlanItemKind, ItemKind, "PLAN_ITEM_KIND_")
TIMINGS = EnumTable(plan_pb2.ChargeTiming, Timing, "CHARGE_TIMING_")
VERSION_STATES = EnumTable(plan_pb2.PlanVersionState, PlanVersionState, "PLAN_VERSION_STATE_")
TAX_BEHAVIORS = EnumTable(tax_facts_pb2.TaxBehavior, TaxBehavior, "TAX_BEHAVIOR_")


def version_from_pb(request: plans_service_pb2.CreatePlanVersionRequest) -> NewVersion:
    return NewVersion(
        currency=request.currency_code,
        interval=interval_from_pb(request.interval),
        items=[_new_item_from_pb(item) for item in request.items],
        trial_days=request.trial_days,
    )


def _new_item_from_pb(item: plan_pb2.PlanItem) -> NewItem:
    return NewItem(
        code=item.code,
        name=item.name,
        kind=KINDS.from_pb(item.kind),
        timing=TIMINGS.from_pb(item.timing),
        price=price_from_pb(item.price),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.from_pb(item.tax_behavior),
    )


def price_from_pb(price: price_model_pb2.PriceModel) -> dict[str, object]:
    """The JSON object of a price model, as billing_pricing reads it."""
    match price.WhichOneof("model"):
        case "flat":
            return {"model": "flat", "amount": price.flat.amount}
        case "per_unit":
            return {"model": "per_unit", "unit_amount": price.per_unit.unit_amount}
        case "graduated":
            return {"model": "graduated", "tiers": [_tier_from_pb(tier) for tier in price.graduated.tiers]}
        case _:
            return {"model": "unspecified"}


def _tier_from_pb(tier: price_model_pb2.PriceTier) -> dict[str, object]:
    return {"up_to": tier.up_to or None, "unit_amount": tier.unit_amount, "flat_amount": tier.flat_amount or "0"}


def price_to_pb(model: Model) -> price_model_pb2.PriceModel:
    """Amounts in their shortest form, such as "49" for "49.00"."""
    found = model_to_object(model)
    match found["model"]:
        case "flat":
            return price_model_pb2.PriceModel(flat=price_model_pb2.FlatModel(amount=str(found["amount"])))
        case "per_unit":
            per_unit = price_model_pb2.PerUnitModel(unit_amount=str(found["unit_amount"]))
            return price_model_pb2.PriceModel(per_unit=per_unit)
        case _:
            tiers = found["tiers"]
            assert found["model"] == "graduated", "no other model is sold"
            assert isinstance(tiers, list)
            graduated = price_model_pb2.GraduatedModel(tiers=map(_tier_to_pb, tiers))
            return price_model_pb2.PriceModel(graduated=graduated)


def _tier_to_pb(tier: dict[str, str | None]) -> price_model_pb2.PriceTier:
    flat_amount = tier["flat_amount"] or "0"
    return price_model_pb2.PriceTier(
        up_to=tier["up_to"] or "",
        unit_amount=tier["unit_amount"] or "0",
        flat_amount="" if flat_amount == "0" else flat_amount,
    )


def plan_to_pb(plan: Plan) -> plan_pb2.Plan:
    return plan_pb2.Plan(
        plan_id=plan_text(plan.id),
        code=plan.code,
        name=plan.name,
        current_version_id=version_text(plan.current_version_id) if plan.current_version_id else "",
        metadata=plan.metadata,
        etag=etag_of(plan.version),
        create_time=time_to_pb(plan.created_at),
        update_time=time_to_pb(plan.updated_at),
    )


def version_to_pb(version: PlanVersion) -> plan_pb2.PlanVersion:
    return plan_pb2.PlanVersion(
        plan_version_id=version_text(version.id),
        plan_id=plan_text(version.plan_id),
        number=version.number,
        state=VERSION_STATES.to_pb(version.state),
        currency_code=version.currency,
        interval=interval_to_pb(version.interval),
        trial_days=version.trial_days,
        items=map(plan_item_to_pb, version.items),
        create_time=time_to_pb(version.created_at),
        publish_time=optional_time(version.published_at),
    )


def plan_item_to_pb(item: PlanItem) -> plan_pb2.PlanItem:
    return plan_pb2.PlanItem(
        plan_item_id=plan_item_text(item.id),
        code=item.code,
        name=item.name,
        kind=KINDS.to_pb(item.kind),
        timing=TIMINGS.to_pb(item.timing),
        price=price_to_pb(item.model),
        price_id=price_text(item.price_id),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
    )
