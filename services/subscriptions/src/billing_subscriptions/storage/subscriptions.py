"""Subscriptions behind the Subscriptions port: what many share is read and written in one statement."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billing_runtime.transaction import Transaction
from psycopg.types.json import Jsonb

from billing_subscriptions.domain.errors import SubscriptionNotFound
from billing_subscriptions.domain.renewal import Renewal
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.storage.mapping import Columns, renewed_to_row, subscription_from_row, subscription_to_row
from billing_subscriptions.storage.statements import Insert, insert_row, names_taken, row, rows
from billing_subscriptions.storage.tables import subscription as subscription_table

_ADD = Insert.into(subscription_table)
_ADD = Insert.into(subscription_table)
_LOCK = "SELECT * FROM subscription WHERE subscription_id = %s FOR UPDATE"
_CLAIM = """
SELECT * FROM subscription WHERE next_due_at <= %s
ORDER BY next_due_at, subscription_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_IS_DUE = "SELECT EXISTS (SELECT FROM subscription WHERE next_due_at <= %s) AS due"

# What a renewal changes, with its type, and what other changes touch besides; the rest of a subscription is fixed.
_RENEWED = {
    "state": "text",
    "period_start": "timestamptz",
    "period_end": "timestamptz",
    "period_index": "int4",
    "ends_at": "timestamptz",
    "canceled_at": "timestamptz",
    "next_due_at": "timestamptz",
    "next_boundary": "text",
    "version": "int8",
    "updated_at": "timestamptz",
}
_CHANGED = {**_RENEWED, "external_id": "text", "items": "jsonb", "metadata": "jsonb"}


def _update(columns: Mapping[str, str]) -> str:
    """One statement for any number of subscriptions; arrays travel in binary."""
    return f"""
    UPDATE subscription SET {", ".join(f"{name} = new.{name}" for name in columns)}
    FROM unnest(%b::uuid[], {", ".join(f"%b::{kind}[]" for kind in columns.values())})
    AS new(subscription_id, {", ".join(columns)})
    WHERE subscription.subscription_id = new.subscription_id AND subscription.version = new.version - 1
    """


_SAVE, _SAVE_RENEWED = _update(_CHANGED), _update(_RENEWED)

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
SELECT * FROM subscription AS s WHERE s.subscription_id = ANY(%s) AND s.state = %s AND {} EXISTS (
    SELECT FROM invoice_standing AS i WHERE i.subscription_id = s.subscription_id AND i.state = 'UNPAID'
) ORDER BY s.subscription_id
"""
_UNPAID, _SETTLED = _STANDING.format(""), _STANDING.format("NOT")


class PostgresSubscriptions:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, subscription: Subscription) -> None:
        await insert_row(self._tx, _ADD.text, _ADD.values(subscription_to_row(subscription)))

    async def lock(self, subscription_id: UUID) -> Subscription:
        found = await row(self._tx, _LOCK, subscription_id)
        if found is None:
            raise SubscriptionNotFound("there is no such subscription")
        return subscription_from_row(found)

    async def save(self, *subscriptions: Subscription) -> None:
        """Each follows the stored version by one; they were read under their locks."""
        await self._write(subscriptions, _SAVE, _CHANGED, subscription_to_row)

    async def save_renewed(self, renewals: Sequence[Renewal]) -> None:
        """As `save`; what a renewal left alone is not written again."""
        touched = [each for each in renewals if each.after.items != each.before.items]
        plain = [each.after for each in renewals if each.after.items == each.before.items]
        await self.save(*(each.after for each in touched))
        await self._write(plain, _SAVE_RENEWED, _RENEWED, renewed_to_row)

    async def _write(
        self,
        subscriptions: Sequence[Subscription],
        statement: str,
        names: Mapping[str, str],
        to_row: Callable[[Subscription], Columns],
    ) -> None:
        if not subscriptions:
            return
        columns = [to_row(subscription) for subscription in subscriptions]
        ids = [subscription.id for subscription in subscriptions]
        with names_taken():
            cursor = await self._tx.raw.execute(statement, (ids, *(_column(columns, name) for name in names)))
        assert cursor.rowcount == len(subscriptions), "a subscription changed under its lock"

    async def claim_due(self, as_of: datetime, limit: int) -> Sequence[Subscription]:
        return [subscription_from_row(found) for found in await rows(self._tx, _CLAIM, as_of, limit)]

    async def is_due(self, as_of: datetime) -> bool:
        found = await row(self._tx, _IS_DUE, as_of)
        return bool(found and found["due"])

    async def note_unpaid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        return await self._note(invoices, _NOTE_UNPAID, _UNPAID, "ACTIVE")

    async def note_paid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        return await self._note(invoices, _NOTE_PAID, _SETTLED, "PAST_DUE")

    async def _note(
        self, invoices: Sequence[tuple[UUID, UUID]], note: str, query: str, state: str
    ) -> Sequence[Subscription]:
        ids = [subscription_id for subscription_id, _ in invoices]
        await self._tx.raw.execute(_LOCK_MANY, (ids,))
        await self._tx.raw.execute(note, (ids, [invoice_id for _, invoice_id in invoices]))
        return [subscription_from_row(found) for found in await rows(self._tx, query, ids, state)]


def _column(columns: Sequence[Columns], name: str) -> list[object]:
    values = [each[name] for each in columns]
    return [Jsonb(value) for value in values] if _CHANGED[name] == "jsonb" else values
