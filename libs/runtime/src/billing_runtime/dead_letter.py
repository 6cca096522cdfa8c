"""Dead letters: an event that failed for good, and behind it the later events of its key, in order.

Rows live in the consumer's database; the failed event also goes to `<topic>.dead-letter` through the outbox. A key
leaves by `replay` (the handler runs again, event by event) or by `skip` (one event given up, with actor and reason).
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from billing_kernel.errors import DomainError, Invalid, Kind, NotFound

from billing_runtime import inbox, outbox
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

if TYPE_CHECKING:
    from billing_runtime.database import Database

UNREADABLE = "billing.common.v1.Unreadable"  # the type given to records without valid CloudEvents headers

_COLUMNS = (
    "topic",
    "key",
    "type",
    "event_id",
    "tenant_id",
    "actor",
    "subject",
    "correlation_id",
    "causation_id",
    "sequence",
    "effective_at",
    "traceparent",
    "payload",
)
_WRITTEN = tuple(column for column in _COLUMNS if column != "tenant_id")
_INSERT = (
    f"INSERT INTO dead_letter (consumer, state, reason, {', '.join(_WRITTEN)})"
    f" VALUES (%s, %s, %s{', %s' * len(_WRITTEN)}) ON CONFLICT DO NOTHING"
)
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_PARKED = (
    "SELECT 1 FROM dead_letter WHERE tenant_id = %s AND consumer = %s AND key = %s"
    " AND state IN ('failed', 'waiting') LIMIT 1"
)
_HEAD = (
    f"SELECT {', '.join(_COLUMNS)} FROM dead_letter WHERE tenant_id = %s AND consumer = %s AND key = %s"
    " AND state IN ('failed', 'waiting') ORDER BY position LIMIT 1"
)
_RESOLVE = (
    "UPDATE dead_letter SET state = %s, resolved_at = clock_timestamp(), resolved_by = %s, resolved_reason = %s"
    " WHERE tenant_id = %s AND consumer = %s AND event_id = %s AND state IN ('failed', 'waiting')"
)
_KEYS = (
    "SELECT tenant_id, key FROM dead_letter WHERE consumer = %s AND state IN ('failed', 'waiting')"
    " GROUP BY tenant_id, key ORDER BY min(position)"
)


class ReplayUnderWay(DomainError):
    """The key was just released: the event is taken again in a moment."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    reason: ClassVar[str] = "REPLAY_UNDER_WAY"


async def bury(tx: Transaction, consumer: str, event: Received, reason: str) -> None:
    """Parks the event's key with this event at its head, and publishes it to the topic's dead letters.

    Nothing happens when another member of the group has given the event its effect meanwhile.
    """
    await lock_key(tx, consumer, event.key)
    if await inbox.seen(tx, consumer, event.id):
        return
    await _insert(tx, consumer, event, "failed", reason)
    extra = {"ce_failedconsumer": consumer, "ce_failurereason": reason}
    tx.publish_rows([outbox.dead_letter_row(event, extra)])


async def park(tx: Transaction, consumer: str, events: Sequence[Received]) -> None:
    """Puts events behind the head of their parked keys. Raises ReplayUnderWay when a key is no longer parked."""
    for key in sorted({event.key for event in events}):
        await lock_key(tx, consumer, key)
        if await (await tx.raw.execute(_PARKED, (tx.tenant_id, consumer, key))).fetchone() is None:
            raise ReplayUnderWay("the key is being replayed")
    for event in events:
        if not await inbox.seen(tx, consumer, event.id):
            await _insert(tx, consumer, event, "waiting", "")


async def head(tx: Transaction, consumer: str, key: str) -> Received | None:
    """The oldest event that the key waits for."""
    row: Any = await (await tx.raw.execute(_HEAD, (tx.tenant_id, consumer, key))).fetchone()
    return Received(*row) if row else None


async def resolve(tx: Transaction, consumer: str, event_id: UUID, state: str, actor: str, reason: str) -> bool:
    """Takes one event out of its queue; False when it was not in one."""
    done = await tx.raw.execute(_RESOLVE, (state, actor, reason, tx.tenant_id, consumer, event_id))
    return done.rowcount == 1


async def parked_keys(database: "Database", consumer: str) -> list[tuple[UUID, str]]:
    """(tenant, key) of every queue, the one that failed first in front."""
    async with database.worker() as conn:
        rows = await conn.exec_driver_sql(_KEYS, (consumer,))
        return [(row.tenant_id, row.key) for row in rows]


async def skip(tx: Transaction, consumer: str, event_id: UUID, actor: str, reason: str) -> None:
    """Gives one event up for this consumer, on record. Raises NotFound when it does not wait here."""
    if not reason.strip():
        raise Invalid("a skip names its reason")
    if not await resolve(tx, consumer, event_id, "skipped", actor, reason):
        raise NotFound("no such event waits here", facts={"event_id": str(event_id)})
    await inbox.mark(tx, consumer, event_id)


async def lock_key(tx: Transaction, consumer: str, key: str) -> None:
    """Held while a key's queue changes, so that no event slips in behind its release."""
    text = "\x1f".join(("dead_letter", str(tx.tenant_id), consumer, key))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)
    await tx.raw.execute(_LOCK, (number,))


async def _insert(tx: Transaction, consumer: str, event: Received, state: str, reason: str) -> None:
    fields: dict[str, Any] = {column: getattr(event, "id" if column == "event_id" else column) for column in _WRITTEN}
    await tx.raw.execute(_INSERT, (consumer, state, reason, *fields.values()))
