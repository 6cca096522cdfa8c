"""Rows <-> domain values, both ways. Rows are mappings of column names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.period import Interval, Period
from billing_pricing import model_from_json, model_to_object

from billing_subscriptions.domain.customer import Address, CollectionMethod, Customer, CustomerState, Party, Terms
from billing_subscriptions.domain.plan import (
    ItemKind,
    Plan,
    PlanItem,
    PlanVersion,
    PlanVersionState,
    TaxBehavior,
    Timing,
)
from billing_subscriptions.domain.quantity import Step
from billing_subscriptions.domain.subscription import Boundary, State, Subscription, SubscriptionItem
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType

Row = Mapping[Any, Any]
Columns = dict[str, Any]


def customer_to_row(customer: Customer) -> Columns:
    terms = customer.terms
    return {
        "customer_id": customer.id,
        "external_id": terms.external_id or None,
        "party_id": customer.party_id,
        "party_version": customer.party_version,
        "country": customer.country,
        "region": customer.region,
        "tax_ids": [{"type": tax_id.type.value, "value": tax_id.value} for tax_id in terms.tax_ids],
        "currency": terms.currency,
        "zone": terms.zone,
        "collection": terms.collection.value,
        "net_terms_days": terms.net_terms_days,
        "seller_id": customer.seller_id,
        "state": customer.state.value,
        "metadata": dict(terms.metadata),
        "version": customer.version,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }


def customer_from_row(row: Row) -> Customer:
    terms = Terms(
        external_id=row["external_id"] or "",
        tax_ids=tuple(TaxId(TaxIdType(each["type"]), each["value"]) for each in row["tax_ids"]),
        currency=row["currency"],
        zone=row["zone"],
        collection=CollectionMethod(row["collection"]),
        net_terms_days=row["net_terms_days"],
        metadata=row["metadata"],
    )
    return Customer(
        id=row["customer_id"],
        party_id=row["party_id"],
        party_version=row["party_version"],
        country=row["country"],
        region=row["region"],
        terms=terms,
        seller_id=row["seller_id"],
        state=CustomerState(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def party_to_row(customer: Customer, party: Party) -> Columns:
    address = party.address
    return {
        "party_id": customer.party_id,
        "version": customer.party_version,
        "customer_id": customer.id,
        "name": party.name,
        "company": party.company,
        "email": party.email,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "postal_code": address.postal_code,
        "region": address.region,
        "country": address.country,
    }


def party_from_row(row: Row) -> Party:
    """Reads the columns of `party`, also from a row joined as party_<column>."""
    address = Address(
        country=row["party_country"],
        region=row["party_region"],
        line1=row["line1"],
        line2=row["line2"],
        city=row["city"],
        postal_code=row["postal_code"],
    )
    return Party(name=row["party_name"], address=address, company=row["company"], email=row["email"])


def plan_to_row(plan: Plan) -> Columns:
    return {
        "plan_id": plan.id,
        "code": plan.code,
        "name": plan.name,
        "current_version_id": plan.current_version_id,
        "metadata": dict(plan.metadata),
        "version": plan.version,
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
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
        "items": [_plan_item_to_json(item) for item in version.items],
        "created_at": version.created_at,
        "published_at": version.published_at,
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
        items=tuple(_plan_item_from_json(item) for item in row["items"]),
        created_at=row["created_at"],
        published_at=row["published_at"],
    )


def _plan_item_to_json(item: PlanItem) -> Columns:
    return {
        "plan_item_id": str(item.id),
        "code": item.code,
        "name": item.name,
        "kind": item.kind.value,
        "timing": item.timing.value,
        "price": model_to_object(item.model),
        "price_id": str(item.price_id),
        "meter_code": item.meter_code,
        "tax_category": item.tax_category,
        "tax_behavior": item.tax_behavior.value,
    }


def _plan_item_from_json(item: Columns) -> PlanItem:
    return PlanItem(
        id=UUID(item["plan_item_id"]),
        code=item["code"],
        name=item["name"],
        kind=ItemKind(item["kind"]),
        timing=Timing(item["timing"]),
        model=model_from_json(item["price"]),
        price_id=UUID(item["price_id"]),
        meter_code=item["meter_code"],
        tax_category=item["tax_category"],
        tax_behavior=TaxBehavior(item["tax_behavior"]),
    )


def subscription_to_row(subscription: Subscription) -> Columns:
    return {
        **renewed_to_row(subscription),
        "subscription_id": subscription.id,
        "external_id": subscription.external_id or None,
        "customer_id": subscription.customer_id,
        "plan_version_id": subscription.plan_version_id,
        "currency": subscription.currency,
        "zone": subscription.zone,
        "anchor_at": subscription.anchor_at,
        "started_at": subscription.started_at,
        "trial_end_at": subscription.trial_end_at,
        "items": [_item_to_json(item) for item in subscription.items],
        "seller_id": subscription.seller_id,
        "metadata": dict(subscription.metadata),
        "created_at": subscription.created_at,
    }


def renewed_to_row(subscription: Subscription) -> Columns:
    """The columns that a renewal may change: a month's end writes nothing else."""
    return {
        "state": subscription.state.value,
        "period_start": subscription.period.start,
        "period_end": subscription.period.end,
        "period_index": subscription.period_index,
        "ends_at": subscription.ends_at,
        "canceled_at": subscription.canceled_at,
        "next_due_at": subscription.next_due_at,
        "next_boundary": subscription.next_boundary.value,
        "version": subscription.version,
        "updated_at": subscription.updated_at,
    }


def subscription_from_row(row: Row) -> Subscription:
    return Subscription(
        id=row["subscription_id"],
        external_id=row["external_id"] or "",
        customer_id=row["customer_id"],
        plan_version_id=row["plan_version_id"],
        state=State(row["state"]),
        currency=row["currency"],
        zone=row["zone"],
        anchor_at=_utc(row["anchor_at"]),
        started_at=_utc(row["started_at"]),
        period=Period(row["period_start"], row["period_end"]),
        period_index=row["period_index"],
        trial_end_at=_utc_or_none(row["trial_end_at"]),
        ends_at=_utc_or_none(row["ends_at"]),
        canceled_at=_utc_or_none(row["canceled_at"]),
        next_due_at=_utc_or_none(row["next_due_at"]),
        next_boundary=Boundary(row["next_boundary"]),
        items=tuple(_item_from_json(item) for item in row["items"]),
        seller_id=row["seller_id"],
        metadata=row["metadata"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _item_to_json(item: SubscriptionItem) -> Columns:
    return {
        "id": str(item.id),
        "plan_item_id": str(item.plan_item_id),
        "code": item.code,
        "steps": [[step.from_at.isoformat(), format_decimal(step.quantity)] for step in item.steps],
    }


def _item_from_json(item: Columns) -> SubscriptionItem:
    steps = tuple(Step(datetime.fromisoformat(at), _decimal(quantity)) for at, quantity in item["steps"])
    return SubscriptionItem(UUID(item["id"]), UUID(item["plan_item_id"]), item["code"], steps)


def _decimal(text: str) -> Fraction:
    return Fraction(int(text)) if text.isdigit() else parse_decimal(text)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _utc_or_none(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
