"""Copies of customers and subscriptions: the port CopyStore on PostgreSQL, and how they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.period import Interval
from billing_pricing import Price as PriceModel
from billing_pricing import price_from_json, price_to_json
from billing_runtime.transaction import Transaction
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert

from billing_usage.domain.errors import SubscriptionNotFound
from billing_usage.domain.subscription import Customer, Item, Name, Price, Subject, Subscription, subjects
from billing_usage.storage.tables import customer, price, subscription, subscription_item
from billing_usage.wire.ids import customer_text, subscription_text

MODELS_KEPT = 4096


class PostgresCopyStore:
    """One transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lock_customers(self, customer_ids: Sequence[UUID]) -> Mapping[UUID, Customer]:
        query = (
            select(customer)
            .where(customer.c.tenant_id == self._tx.tenant_id, customer.c.customer_id.in_(customer_ids))
            .order_by(customer.c.customer_id)
            .with_for_update()
        )
        rows = await self._tx.conn.execute(query)
        return {row.customer_id: Customer(row.customer_id, row.version, names_of(row.names)) for row in rows}

    async def save_customers(self, customers: Sequence[Customer]) -> None:
        rows = [
            {"customer_id": each.customer_id, "version": each.version, "names": _names_row(each.names)}
            for each in customers
        ]
        await self._upsert(customer, "customer_id", rows, newer=customer.c.version)

    async def save_subscriptions(self, subscriptions: Sequence[Subscription]) -> None:
        """A stored copy of the same or a newer version stands."""
        items = [item for each in subscriptions for item in each.items]
        prices = {item.price.price_id: item.price for item in items}
        if prices:
            fresh = insert(price).on_conflict_do_nothing()
            await self._tx.conn.execute(fresh, [_price_row(prices[key]) for key in sorted(prices)])
        rows = [_subscription_row(each) for each in subscriptions]
        await self._upsert(subscription, "subscription_id", rows, newer=subscription.c.version)
        item_rows = sorted((row for each in subscriptions for row in _item_rows(each)), key=lambda row: row["item_id"])
        await self._upsert(subscription_item, "item_id", item_rows, newer=subscription_item.c.version)

    async def _upsert(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]], newer: Any) -> None:
        if not rows:
            return
        statement = insert(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name != key}
        statement = statement.on_conflict_do_update(
            index_elements=["tenant_id", key], set_=changed, where=newer < statement.excluded.version
        )
        await self._tx.conn.execute(statement, rows)


async def get_subscription(tx: Transaction, subscription_id: UUID) -> tuple[Subscription, Sequence[Subject]]:
    """The copy with its metered items, and its subjects. Raises SubscriptionNotFound."""
    s, c = subscription, customer
    joined = s.outerjoin(c, (c.c.tenant_id == s.c.tenant_id) & (c.c.customer_id == s.c.customer_id))
    query = select(s, c.c.names).select_from(joined)
    query = query.where(s.c.tenant_id == tx.tenant_id, s.c.subscription_id == subscription_id)
    row = (await tx.conn.execute(query)).one_or_none()
    if row is None:
        raise SubscriptionNotFound("there is no such subscription")
    names = names_of(row.names or ())
    found = Subscription(
        subscription_id=row.subscription_id,
        customer_id=row.customer_id,
        version=row.version,
        start_at=row.start_at,
        cycle=_cycle(row),
        canceled_at=row.canceled_at,
        external_customer_id=names[-1].external_id if names else "",
        items=await _items(tx, subscription_id, row.version),
    )
    return found, subjects_of(row.subscription_id, row.customer_id, names)


def subjects_of(subscription_id: UUID, customer_id: UUID, names: Sequence[Name]) -> Sequence[Subject]:
    """How events may name the subscription."""
    return subjects(subscription_text(subscription_id), customer_text(customer_id), names)


def names_of(rows: Sequence[Sequence[str]]) -> tuple[Name, ...]:
    """The names in a row's JSON."""
    return tuple(
        Name(text, datetime.fromisoformat(since), datetime.fromisoformat(until)) for text, since, until in rows
    )


def price_of(price_id: UUID, meter_code: str, currency: str, model: str) -> Price:
    """The price in a row."""
    return Price(price_id, meter_code, currency, _model(model))


@lru_cache(MODELS_KEPT)
def _model(text: str) -> PriceModel:
    """Prices are few and never change."""
    return price_from_json(text)


def _cycle(row: Any) -> Cycle:
    interval = Interval(row.interval_unit, row.interval_count)
    stub = FirstStub(row.first_stub) if row.first_stub else FirstStub.SHORT
    return Cycle(row.anchor_at, row.time_zone, interval, row.cycle_start_at or row.anchor_at, stub)


async def _items(tx: Transaction, subscription_id: UUID, version: int) -> tuple[Item, ...]:
    i, p = subscription_item, price
    joined = i.join(p, (p.c.tenant_id == i.c.tenant_id) & (p.c.price_id == i.c.price_id))
    query = select(i.c.item_id, i.c.code, i.c.window_start_at, p).select_from(joined).order_by(i.c.position)
    query = query.where(i.c.tenant_id == tx.tenant_id, i.c.subscription_id == subscription_id)
    query = query.where(i.c.version == version)
    rows = await tx.conn.execute(query)
    return tuple(
        Item(
            row.item_id,
            row.code,
            price_of(row.price_id, row.meter_code, row.currency, row.model),
            row.window_start_at,
        )
        for row in rows
    )


def _names_row(names: Sequence[Name]) -> list[list[str]]:
    return [[name.external_id, name.since.isoformat(), name.until.isoformat()] for name in names]


def _price_row(value: Price) -> dict[str, Any]:
    return {
        "price_id": value.price_id,
        "meter_code": value.meter_code,
        "currency": value.currency,
        "model": price_to_json(value.model),
    }


def _subscription_row(value: Subscription) -> dict[str, Any]:
    cycle = value.cycle
    return {
        "subscription_id": value.subscription_id,
        "customer_id": value.customer_id,
        "version": value.version,
        "time_zone": cycle.zone,
        "interval_unit": cycle.interval.unit,
        "interval_count": cycle.interval.count,
        "start_at": value.start_at,
        "anchor_at": cycle.anchor,
        "canceled_at": value.canceled_at,
        "cycle_start_at": cycle.start,
        "first_stub": cycle.first_stub.value,
    }


def _item_rows(value: Subscription) -> list[dict[str, Any]]:
    shared = {
        "subscription_id": value.subscription_id,
        "customer_id": value.customer_id,
        "version": value.version,
    }
    metered: list[dict[str, Any]] = [
        {
            "item_id": item.item_id,
            "code": item.code,
            "price_id": item.price.price_id,
            "window_start_at": item.window_start_at,
        }
        for item in value.items
    ]
    others = [
        {"item_id": item_id, "code": "", "price_id": None, "window_start_at": None} for item_id in value.other_item_ids
    ]
    return [{**item, "position": position, **shared} for position, item in enumerate([*metered, *others])]
