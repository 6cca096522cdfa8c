"""The history: entries go in by COPY, and the row of a subscription at any time is their fold, made by PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.byte_form import ByteForm
from billing_runtime.call import Call
from billing_runtime.copy_format import copy_bytes, row_bytes
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.history import ChangeRecord
from billing_subscriptions.domain.step import Step
from billing_subscriptions.storage.statements import rows

LEAF = "subscription_change_rows"
_COLUMNS = {
    "subscription_id": "uuid",
    "version": "int8",
    "customer_id": "uuid",
    "kind": "text",
    "effective_at": "timestamptz",
    "actor": "text",
    "reason": "text",
    "cause": "text",
    "changed": "text",  # a json column reads the same bytes
    "charge_ids": "uuid[]",
}
_TYPES = list(_COLUMNS.values())
_INSERT = f"INSERT INTO subscription_change ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
_COPY_FROM_ROWS = 20  # from here on COPY is faster than inserts

# The last value of every field; what no entry names was added by a migration and is as the row has it.
FOLD = """
SELECT jsonb_object_agg(field.key, field.value -> 1 ORDER BY entry.version) AS fields
FROM subscription_change AS entry, LATERAL jsonb_each(entry.changed::jsonb) AS field
WHERE entry.subscription_id = {subscription_id} AND entry.effective_at <= {as_of}
"""
_AS_OF = f"""
SELECT was.* FROM (SELECT subscription AS whole FROM subscription WHERE subscription_id = %s) AS now,
LATERAL ({FOLD.format(subscription_id="%s", as_of="%s")}) AS folded,
LATERAL jsonb_populate_record(now.whole, folded.fields) AS was
WHERE folded.fields IS NOT NULL
"""
# Rows that are not the fold of their history, among those that {chosen} names.
BROKEN = f"""
SELECT chosen.subscription_id FROM (
    SELECT subscription_id, subscription AS whole FROM subscription {{chosen}}
) AS chosen,
LATERAL ({FOLD.format(subscription_id="chosen.subscription_id", as_of="'infinity'")}) AS folded
WHERE folded.fields IS NULL OR jsonb_populate_record(chosen.whole, folded.fields) IS DISTINCT FROM chosen.whole
"""
_LIST = """
SELECT version, kind, effective_at, recorded_at, actor, reason, cause, changed, charge_ids FROM subscription_change
WHERE subscription_id = %s AND version > %s ORDER BY version LIMIT %s
"""

Entry = tuple[Any, ...]  # in the order of _COLUMNS


def entry_of(step: Step, changed: str, call: Call, reason: str) -> Entry:
    """The entry of a step; `changed` as `changes_text` writes it."""
    after = step.after
    return (
        after.id,
        after.version,
        after.customer_id,
        step.kind.value,
        after.effective_at,  # unlike step.at it never goes back
        call.actor,
        reason,
        call.causation_id or call.correlation_id,
        changed,
        [charge.id for charge in step.made],
    )


def form_of(entry: Entry) -> ByteForm:
    """The COPY row of entries like this one but for (subscription id, customer id, each charge id)."""

    def write(contents: Sequence[bytes]) -> bytes:
        subscription_id, customer_id, *charge_ids = [UUID(bytes=each) for each in contents]
        return row_bytes(_TYPES, (subscription_id, entry[1], customer_id, *entry[3:-1], charge_ids))

    return ByteForm.of(write, [16] * (2 + len(entry[-1])))


async def copy_entries(tx: Transaction, entries: Sequence[bytes]) -> None:
    """Writes entries that were made by forms."""
    async with tx.copy(LEAF, list(_COLUMNS), types=_TYPES) as copy:
        await copy.write(copy_bytes(entries))


async def add_entries(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Writes entries; each names actor and cause already."""
    if len(entries) < _COPY_FROM_ROWS:
        tx.later(*((_INSERT, entry) for entry in entries))
        return
    await tx.send()
    async with tx.copy(LEAF, list(_COLUMNS), types=_TYPES) as copy:
        for entry in entries:
            await copy.write_row(entry)


async def row_as_of(tx: Transaction, subscription_id: UUID, as_of: datetime) -> Mapping[str, Any] | None:
    """The row as it was at a business time; None before its first entry."""
    found = await rows(tx, _AS_OF, subscription_id, subscription_id, as_of)
    return found[0] if found else None


async def entries_of(tx: Transaction, subscription_id: UUID, *, after: int, limit: int) -> Sequence[ChangeRecord]:
    """Entries behind version `after`, oldest first."""
    return [_record(each) for each in await rows(tx, _LIST, subscription_id, after, limit)]


async def broken_rows(tx: Transaction, subscription_ids: Iterable[UUID] | None = None) -> Sequence[UUID]:
    """The verifier: subscriptions of the tenant, or those named, whose row is not the fold of its history."""
    if subscription_ids is None:
        found = await rows(tx, BROKEN.format(chosen=""))
    else:
        found = await rows(tx, BROKEN.format(chosen="WHERE subscription_id = ANY(%s)"), list(subscription_ids))
    return [each["subscription_id"] for each in found]


def _record(row: Mapping[str, Any]) -> ChangeRecord:
    changed = {name: (before, after) for name, (before, after) in row["changed"].items()}
    rest = {name: row[name] for name in row if name not in ("changed", "charge_ids")}
    return ChangeRecord(**rest, changed=changed, charge_ids=tuple(row["charge_ids"]))
