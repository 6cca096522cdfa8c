"""Subscriptions behind the Subscriptions port: rows and history, what many share in one statement."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction
from psycopg.types.json import Jsonb

from billing_subscriptions.domain.errors import SubscriptionNotFound
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.twin_ports import Claimed
from billing_subscriptions.storage.beside import Beside
from billing_subscriptions.storage.catalogue import SOLD_TO
from billing_subscriptions.storage.claims import claim
from billing_subscriptions.storage.history import Entry, add_entries, entry_of
from billing_subscriptions.storage.statements import Insert, insert_row, names_taken, row, rows
from billing_subscriptions.storage.subscription_rows import (
    COLUMNS,
    Column,
    changes,
    changes_text,
    subscription_from_row,
    subscription_to_row,
)
from billing_subscriptions.storage.tables import subscription as subscription_table

_ADD = Insert.into(subscription_table)
_CUSTOMER = """
SELECT * FROM customer WHERE customer_id = (SELECT customer_id FROM subscription WHERE subscription_id = %s)
"""
_LOCK = "SELECT * FROM subscription WHERE subscription_id = %s FOR UPDATE"
_IS_DUE = "SELECT EXISTS (SELECT FROM subscription WHERE next_due_at <= %s) AS due"

_ALL = tuple(column for column in COLUMNS if column.name != "subscription_id")
_OFTEN = tuple(column for column in _ALL if column.often)
_SELDOM = frozenset(column.name for column in _ALL if not column.often)

# First and last state of a subscription in one write, with the names of all columns that changed between them.
Span = tuple[Subscription | None, Subscription, set[str]]


def _update(columns: Iterable[Column]) -> str:
    """One statement for any number of subscriptions; arrays travel in binary."""
    names, kinds = [column.name for column in columns], [column.type for column in columns]
    return f"""
    UPDATE subscription SET {", ".join(f"{name} = new.{name}" for name in names)}
    FROM unnest(%b::uuid[], %b::int8[], {", ".join(f"%b::{kind}[]" for kind in kinds)})
    AS new(subscription_id, read_version, {", ".join(names)})
    WHERE subscription.subscription_id = new.subscription_id AND subscription.version = new.read_version
    """


_SAVE_ALL, _SAVE_OFTEN = _update(_ALL), _update(_OFTEN)

# The subscriptions are locked first: two services' events about one subscription must not pass each other unseen.
_LOCK_MANY = "SELECT FROM subscription WHERE subscription_id = ANY(%s) ORDER BY subscription_id FOR NO KEY UPDATE"
_NOTE_UNPAID = """
INSERT INTO invoice_standing (subscription_id, invoice_id, state)
SELECT subscription_id, invoice_id, 'UNPAID' FROM unnest(%s::uuid[], %s::uuid[]) AS new(subscription_id, invoice_id)
ON CONFLICT DO NOTHING
"""
_NOTE_PAID = """
INSERT INTO invoice_standing (subscription_id, invoice_id, state)
SELECT DISTINCT subscription_id, invoice_id, 'PAID'
FROM unnest(%s::uuid[], %s::uuid[]) AS new(subscription_id, invoice_id)
ON CONFLICT (tenant_id, subscription_id, invoice_id) DO UPDATE SET state = 'PAID', noted_on = excluded.noted_on
"""
_STANDING = """
SELECT * FROM subscription AS s WHERE s.subscription_id = ANY(%s) AND s.state NOT IN ('CANCELED', 'EXPIRED')
AND {} EXISTS (
    SELECT FROM invoice_standing AS i WHERE i.subscription_id = s.subscription_id AND i.state = 'UNPAID'
) ORDER BY s.subscription_id
"""
_UNPAID, _SETTLED = _STANDING.format(""), _STANDING.format("NOT")


class PostgresSubscriptions:
    def __init__(self, tx: Transaction, beside: Beside | None = None) -> None:
        self._tx = tx
        self._beside = beside or Beside()
        self._texts: dict[tuple[Any, ...], tuple[frozenset[str], str]] = {}

    async def lock(self, subscription_id: UUID, version_ids: Collection[UUID] = ()) -> Subscription:
        """What its change will ask for is read behind the lock, in the same round trip."""
        wanted = (subscription_id, list(version_ids))
        found, customers, heads = await self._tx.together(
            (_LOCK, (subscription_id,)),
            (_CUSTOMER, (subscription_id,)),
            (SOLD_TO, (*wanted, *wanted)),
        )
        if not found:
            raise SubscriptionNotFound("there is no such subscription")
        self._beside.customers = {each["customer_id"]: each for each in customers}
        self._beside.heads = (frozenset({*version_ids, found[0]["plan_version_id"]}), heads)
        return subscription_from_row(found[0])

    async def write(self, steps: Sequence[Step], reason: str = "") -> None:
        """Rows first: a name that is taken refuses before the history is written."""
        spans: dict[UUID, Span] = {}
        entries = [self._entry(step, reason, spans) for step in steps]
        self._texts.clear()
        if len(spans) == 1:
            await self._write_one(*next(iter(spans.values())))
            await add_entries(self._tx, entries)
            return
        await self._tx.send()
        often: list[tuple[int, Subscription]] = []
        seldom: list[tuple[int, Subscription]] = []
        for before, after, changed in spans.values():
            if before is None:
                await insert_row(self._tx, _ADD.text, _ADD.values(subscription_to_row(after)))
            else:
                (often if changed.isdisjoint(_SELDOM) else seldom).append((before.version, after))
        await self._save(often, _SAVE_OFTEN, _OFTEN)
        await self._save(seldom, _SAVE_ALL, _ALL)
        await add_entries(self._tx, entries)

    async def _write_one(self, before: Subscription | None, after: Subscription, changed: set[str]) -> None:
        """Only the columns that changed; at once where a name may be taken, else with what is sent next."""
        if before is None:
            wanted = (_ADD.text, _ADD.values(subscription_to_row(after)))
        else:
            columns = tuple(column for column in _ALL if column.name in changed)
            values = [_value(column, after) for column in columns]
            wanted = (_update_one(columns), [*values, after.id, before.version])
        self._tx.later(wanted)
        if after.external_id and "external_id" in changed:
            with names_taken():
                await self._tx.send()

    def _entry(self, step: Step, reason: str, spans: dict[UUID, Span]) -> Entry:
        after = step.after
        changed, text = self._changed(step)
        first, _, names = spans.get(after.id, (step.before, after, set()))
        spans[after.id] = (first, after, names.union(changed))
        return entry_of(step, text, self._tx.call, reason)

    def _changed(self, step: Step) -> tuple[Collection[str], str]:
        """What a step changed and its text. Twins of one version changed the same."""
        before, after = step.before, step.after
        if before is None or step.twin is None:
            changed = changes(before, after)
            return changed.keys(), changes_text(changed)
        key = (id(step.twin), after.version, before.effective_at, before.updated_at, after.updated_at)
        found = self._texts.get(key)
        if found is None:
            changed = changes(before, after)
            found = self._texts[key] = (frozenset(changed), changes_text(changed))
        return found

    async def _save(
        self, changed: Sequence[tuple[int, Subscription]], statement: str, columns: Sequence[Column]
    ) -> None:
        """Each is written over the version that was read under its lock."""
        if not changed:
            return
        versions, after = [version for version, _ in changed], [each for _, each in changed]
        arrays = [_array(column, after) for column in columns]
        with names_taken():
            cursor = await self._tx.raw.execute(statement, ([each.id for each in after], versions, *arrays))
        assert cursor.rowcount == len(changed), "a subscription changed under its lock"

    async def claim_due(self, as_of: datetime, limit: int) -> Claimed:
        return await claim(self._tx, as_of, limit)

    async def is_due(self, as_of: datetime) -> bool:
        found = await row(self._tx, _IS_DUE, as_of)
        return bool(found and found["due"])

    async def note_unpaid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        return await self._note(invoices, _NOTE_UNPAID, _UNPAID)

    async def note_paid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        return await self._note(invoices, _NOTE_PAID, _SETTLED)

    async def _note(self, invoices: Sequence[tuple[UUID, UUID]], note: str, query: str) -> Sequence[Subscription]:
        ids = [subscription_id for subscription_id, _ in invoices]
        await self._tx.raw.execute(_LOCK_MANY, (ids,))
        await self._tx.raw.execute(note, (ids, [invoice_id for _, invoice_id in invoices]))
        return [subscription_from_row(found) for found in await rows(self._tx, query, ids)]


@lru_cache(maxsize=256)
def _update_one(columns: tuple[Column, ...]) -> str:
    """Fails where a subscription has changed under its lock: then there is no row to divide by."""
    sets = ", ".join(f"{column.name} = %s" for column in columns)
    update = f"UPDATE subscription SET {sets} WHERE subscription_id = %s AND version = %s RETURNING 1"
    return f"WITH written AS ({update}) SELECT 1 / count(*) FROM written"


def _value(column: Column, subscription: Subscription) -> Any:
    value = column.stored(subscription)
    return Jsonb(value) if column.type == "jsonb" and value is not None else value


def _array(column: Column, subscriptions: Sequence[Subscription]) -> list[Any]:
    values = [column.stored(each) for each in subscriptions]
    if column.type != "jsonb":
        return values
    return [None if value is None else Jsonb(value) for value in values]
