"""Subscriptions <-> their rows: one table of columns serves the row, its update and the history."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid5

from billing_kernel.cycle import FirstStub
from billing_kernel.period import Period

from billing_subscriptions.domain.subscription import (
    Backdating,
    Boundary,
    Cancelation,
    Change,
    ScheduledChange,
    State,
    Subscription,
    SubscriptionItem,
)
from billing_subscriptions.storage.charge_json import charge_from_json, charge_to_json
from billing_subscriptions.storage.life_json import (
    cancelation_from_json,
    cancelation_to_json,
    coupon_from_json,
    coupon_to_json,
    decimal,
    item_from_json,
    item_to_json,
    pause_from_json,
    pause_to_json,
    scheduled_from_json,
    scheduled_to_json,
)

Row = Mapping[str, Any]
LEGACY = UUID("0c5f8a86-7e9b-5a37-9d0a-0a3f4f8d2d11")  # the namespace of ids for what an earlier release wrote


@dataclass(frozen=True, slots=True)
class Column:
    """`read` takes the value from a subscription, `store` makes it what the driver writes: jsonb as plain objects.

    `often`: a renewal may change it, so a month's end writes it.
    """

    name: str
    type: str
    read: Callable[[Subscription], Any]
    store: Callable[[Any], Any] | None = None
    often: bool = False

    def stored(self, subscription: Subscription) -> Any:
        value = self.read(subscription)
        return value if self.store is None else self.store(value)

    def json(self, value: Any) -> Any:
        """The value as the history keeps it."""
        stored = value if self.store is None else self.store(value)
        if isinstance(stored, datetime):
            return stored.isoformat()
        return str(stored) if isinstance(stored, UUID) else stored


def _each(store: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    return lambda values: [store(value) for value in values]


_VALUE = attrgetter("value")
COLUMNS: tuple[Column, ...] = (
    Column("subscription_id", "uuid", attrgetter("id")),
    Column("external_id", "text", lambda each: each.external_id or None),
    Column("customer_id", "uuid", attrgetter("customer_id")),
    Column("plan_id", "uuid", attrgetter("plan_id")),
    Column("plan_version_id", "uuid", attrgetter("plan_version_id")),
    Column("state", "text", attrgetter("state"), _VALUE, often=True),
    Column("currency", "text", attrgetter("currency")),
    Column("zone", "text", attrgetter("zone")),
    Column("anchor_at", "timestamptz", attrgetter("anchor_at")),
    Column("cycle_start_at", "timestamptz", attrgetter("cycle_start_at")),
    Column("cycle_index", "int4", attrgetter("cycle_index")),
    Column("first_stub", "text", attrgetter("first_stub"), _VALUE),
    Column("started_at", "timestamptz", attrgetter("started_at")),
    Column("period_start", "timestamptz", attrgetter("period.start"), often=True),
    Column("period_end", "timestamptz", attrgetter("period.end"), often=True),
    Column("period_index", "int4", attrgetter("period_index"), often=True),
    Column("trial_end_at", "timestamptz", attrgetter("trial_end_at")),
    Column("ends_at", "timestamptz", attrgetter("ends_at"), often=True),
    Column("planned_end_at", "timestamptz", attrgetter("planned_end_at")),
    Column("cancelation", "jsonb", attrgetter("cancelation"), cancelation_to_json),
    Column("canceled_at", "timestamptz", attrgetter("canceled_at"), often=True),
    Column("next_due_at", "timestamptz", attrgetter("next_due_at"), often=True),
    Column("next_boundary", "text", attrgetter("next_boundary"), _VALUE, often=True),
    Column("items", "jsonb", attrgetter("items"), _each(item_to_json)),
    Column("scheduled", "jsonb", attrgetter("scheduled"), _each(scheduled_to_json)),
    Column("pause", "jsonb", attrgetter("pause"), pause_to_json),
    Column("coupons", "jsonb", attrgetter("coupons"), _each(coupon_to_json)),
    Column("pending", "jsonb", attrgetter("pending"), _each(charge_to_json)),
    Column("expires_at", "timestamptz", attrgetter("expires_at")),
    Column("billed_from", "timestamptz", attrgetter("billed_from")),
    Column("backdating", "text", attrgetter("backdating"), _VALUE),
    Column("backdated_until", "timestamptz", attrgetter("backdated_until")),
    Column("term_periods_left", "int4", attrgetter("term_periods_left"), often=True),
    Column("unpaid", "bool", attrgetter("unpaid")),
    Column("payment_gated", "bool", attrgetter("payment_gated")),
    Column("period_billed_minor", "int8", attrgetter("period_billed_minor"), often=True),
    Column("committed_from", "timestamptz", attrgetter("committed_from")),
    Column("seller_id", "uuid", attrgetter("seller_id")),
    Column("metadata", "jsonb", attrgetter("metadata"), dict),
    Column("version", "int8", attrgetter("version"), often=True),
    Column("effective_at", "timestamptz", attrgetter("effective_at"), often=True),
    Column("created_at", "timestamptz", attrgetter("created_at")),
    Column("updated_at", "timestamptz", attrgetter("updated_at"), often=True),
)


def subscription_to_row(subscription: Subscription) -> dict[str, Any]:
    return {column.name: column.stored(subscription) for column in COLUMNS}


def changes(before: Subscription | None, after: Subscription) -> dict[str, tuple[Any, Any]]:
    """Column -> (before, after) of what differs, as JSON; every column of a new subscription."""
    if before is None:
        return {column.name: (None, column.json(column.read(after))) for column in COLUMNS}
    found: dict[str, tuple[Any, Any]] = {}
    for column in COLUMNS:
        old, new = column.read(before), column.read(after)
        if old is not new and old != new:
            found[column.name] = (column.json(old), column.json(new))
    return found


def changes_text(changed: Mapping[str, tuple[Any, Any]]) -> str:
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":"))


def subscription_from_row(row: Row) -> Subscription:
    currency, started_at = row["currency"], _utc(row["started_at"])
    items, scheduled = _items(row)
    return Subscription(
        id=row["subscription_id"],
        external_id=row["external_id"] or "",
        customer_id=row["customer_id"],
        plan_id=row["plan_id"],
        plan_version_id=row["plan_version_id"],
        state=State(row["state"]),
        currency=currency,
        zone=row["zone"],
        anchor_at=_utc(row["anchor_at"]),
        cycle_start_at=_utc(row["cycle_start_at"] or row["anchor_at"]),
        cycle_index=row["cycle_index"],
        first_stub=FirstStub(row["first_stub"]),
        started_at=started_at,
        period=Period(_utc(row["period_start"]), _utc(row["period_end"])),
        period_index=row["period_index"],
        trial_end_at=_utc_or_none(row["trial_end_at"]),
        ends_at=_utc_or_none(row["ends_at"]),
        planned_end_at=_utc_or_none(row["planned_end_at"]),
        cancelation=_cancelation(row),
        canceled_at=_utc_or_none(row["canceled_at"]),
        next_due_at=_utc_or_none(row["next_due_at"]),
        next_boundary=Boundary(row["next_boundary"]),
        items=items,
        scheduled=scheduled,
        pause=pause_from_json(row["pause"]),
        coupons=tuple([coupon_from_json(each) for each in row["coupons"] or ()]),
        pending=tuple([charge_from_json(each, currency) for each in row["pending"] or ()]),
        expires_at=_utc_or_none(row["expires_at"]),
        billed_from=_utc_or_none(row["billed_from"]),
        backdating=Backdating(row["backdating"]),
        backdated_until=_utc_or_none(row["backdated_until"]),
        term_periods_left=row["term_periods_left"],
        unpaid=row["unpaid"] or row["state"] == "PAST_DUE",
        payment_gated=row["payment_gated"],
        period_billed_minor=row["period_billed_minor"],
        committed_from=_utc_or_none(row["committed_from"]),
        seller_id=row["seller_id"],
        metadata=row["metadata"] or {},
        version=row["version"],
        effective_at=_utc(row["effective_at"] or started_at),
        created_at=_utc(row["created_at"]),
        updated_at=_utc(row["updated_at"]),
    )


def _items(row: Row) -> tuple[tuple[SubscriptionItem, ...], tuple[ScheduledChange, ...]]:
    """Items and scheduled changes; an earlier release kept planned quantities as steps of an item."""
    currency = row["currency"]
    scheduled = [scheduled_from_json(each) for each in row["scheduled"] or ()]
    items = []
    for item in row["items"]:
        if steps := item.get("steps"):
            at, quantity = steps[-1]
            begun = [each for each in steps if datetime.fromisoformat(each[0]) <= row["period_start"]] or steps
            if begun[-1] is not steps[-1]:
                change = Change(quantities={item["code"]: decimal(quantity)})
                scheduled.append(ScheduledChange(uuid5(LEGACY, f"{item['id']}|{at}"), _parsed(at), change))
            item = {**item, "quantity": begun[-1][1]}
        item.pop("steps", None)
        items.append(item_from_json(item, currency))
    return tuple(items), tuple(scheduled)


def _cancelation(row: Row) -> Cancelation | None:
    """An earlier release planned an end by `ends_at` alone."""
    found = cancelation_from_json(row["cancelation"])
    if (
        found is None
        and row["ends_at"]
        and row["planned_end_at"] is None
        and row["state"] not in ("CANCELED", "EXPIRED")
    ):
        return Cancelation(_utc(row["ends_at"]))
    return found


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _utc_or_none(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
