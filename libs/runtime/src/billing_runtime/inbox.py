"""The way in: each event takes effect once per consumer, because its inbox row commits with the effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

# One round trip: which keys are parked, and which of the other events are new.
_CLAIM = """
WITH batch AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS b(event_id, key)
), parked AS MATERIALIZED (
    SELECT DISTINCT key FROM dead_letter
    WHERE tenant_id = %(tenant)s AND consumer = %(consumer)s AND key = ANY(%(keys)s)
      AND state IN ('failed', 'waiting')
), fresh AS (
    INSERT INTO inbox (consumer, event_id)
    SELECT %(consumer)s, event_id FROM batch WHERE key NOT IN (SELECT key FROM parked)
    ON CONFLICT DO NOTHING RETURNING event_id
)
SELECT (SELECT array_agg(event_id) FROM fresh), (SELECT array_agg(key) FROM parked)
"""
_MARK = "INSERT INTO inbox (consumer, event_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"

_SEEN = "SELECT 1 FROM inbox WHERE tenant_id = %s AND consumer = %s AND event_id = %s"


@dataclass(frozen=True, slots=True)
class Claim:
    """What this transaction is to do: `fresh` events in order; `parked` ones wait behind a dead letter."""

    fresh: tuple[Received, ...]
    parked: tuple[Received, ...]


async def claim(tx: Transaction, consumer: str, events: Sequence[Received]) -> Claim:
    """Inserts inbox rows of events of the transaction's tenant; what was seen before is in neither list."""
    arguments = {
        "ids": [event.id for event in events],
        "keys": [event.key for event in events],
        "tenant": tx.tenant_id,
        "consumer": consumer,
    }
    row = await (await tx.raw.execute(_CLAIM, arguments)).fetchone()
    new: set[UUID] = set(row[0] or ()) if row else set()
    keys: set[str] = set(row[1] or ()) if row else set()
    parked = tuple(event for event in events if event.key in keys)
    return Claim(_first_of_each(events, new), parked)


async def mark(tx: Transaction, consumer: str, event_id: UUID) -> bool:
    """Makes the event count as done; False when it was done before."""
    return (await tx.raw.execute(_MARK, (consumer, event_id))).rowcount == 1


async def seen(tx: Transaction, consumer: str, event_id: UUID) -> bool:
    """True when the event has taken effect or was skipped."""
    row = await (await tx.raw.execute(_SEEN, (tx.tenant_id, consumer, event_id))).fetchone()
    return row is not None


def _first_of_each(events: Sequence[Received], new: set[UUID]) -> tuple[Received, ...]:
    left = set(new)
    fresh = []
    for event in events:
        if event.id in left:
            left.discard(event.id)
            fresh.append(event)
    return tuple(fresh)
