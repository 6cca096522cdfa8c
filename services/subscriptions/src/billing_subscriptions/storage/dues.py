"""Dues behind the Dues port: open rows with their payload, published with the renewal, closed by the settlement."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from billing.subscriptions.v1.events_pb2 import BillingDue as DueMessage
from billing_runtime.copy_format import Blobs, Uuids
from billing_runtime.fault import failpoint
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.twins import Twins
from billing_subscriptions.operations.ports import Settlement
from billing_subscriptions.storage.statements import row, rows
from billing_subscriptions.wire.dues import DueBook, due_to_pb, parts_of
from billing_subscriptions.wire.events import due_event

_ADDED = {
    "due_id": "uuid",
    "part": "int2",
    "subscription_id": "uuid",
    "customer_id": "uuid",
    "run_id": "uuid",
    "period_index": "int4",
    "charges": "int4",
    "sequence": "int8",
    "effective_at": "timestamptz",
    "payload": "bytea",
}
_ADD = f"""
INSERT INTO billing_due ({", ".join(_ADDED)}, published_at)
SELECT {", ".join(_ADDED)}, clock_timestamp()
FROM unnest({", ".join(f"%b::{kind}[]" for kind in _ADDED.values())}) AS new({", ".join(_ADDED)})
"""
_COLUMNS = {name: f"%b::{kind}[]" for name, kind in _ADDED.items() if kind in ("uuid", "bytea") and name != "run_id"}
_ADD_ALIKE = f"""
INSERT INTO billing_due ({", ".join(_ADDED)}, published_at)
SELECT {", ".join(name if name in _COLUMNS else f"%s::{kind}" for name, kind in _ADDED.items())}, clock_timestamp()
FROM unnest({", ".join(_COLUMNS.values())}) AS new({", ".join(_COLUMNS)})
"""
_COUNT = "SELECT count(*) AS dues FROM billing_due WHERE run_id = %s AND part = 1"
# The payload goes once invoicing has made an invoice of it, or found nothing to bill; a parked one is kept to look at.
_SETTLE = """
UPDATE billing_due SET settled_at = clock_timestamp(), outcome = new.outcome,
payload = CASE WHEN new.outcome = 'PARKED' THEN payload END
FROM (SELECT DISTINCT ON (due_id) due_id, outcome
      FROM unnest(%s::uuid[], %s::text[]) WITH ORDINALITY AS each(due_id, outcome, place)
      ORDER BY due_id, place) AS new
WHERE billing_due.due_id = new.due_id AND billing_due.settled_at IS NULL
"""
_STALE = """
SELECT due_id, part, payload FROM billing_due
WHERE due_id = ANY(%s) AND settled_at IS NULL AND published_at < %s
ORDER BY effective_at, due_id, part FOR UPDATE SKIP LOCKED
"""
_TOUCH = """
UPDATE billing_due SET published_at = clock_timestamp()
FROM unnest(%s::uuid[], %s::int2[]) AS new(due_id, part)
WHERE billing_due.due_id = new.due_id AND billing_due.part = new.part
"""


class PostgresDues:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, dues: Sequence[BillingDue]) -> None:
        book = DueBook()
        parts = [(due, part) for due in dues for part in parts_of(book.due(due))]
        if parts:
            columns = zip(*(_values(due, part) for due, part in parts), strict=True)
            await self._tx.raw.execute(_ADD, tuple(map(list, columns)))
            await self._tx.publish(*(due_event(part) for _, part in parts))
            failpoint("subscriptions.dues_opened")

    async def add_alike(self, due: BillingDue, ids: Sequence[bytes], twins: Twins, payloads: Sequence[bytes]) -> None:
        """Opens the dues of twins, in one part each: `due` is that of the first. They are published elsewhere."""
        values = dict(zip(_ADDED, _values(due, due_to_pb(due)), strict=True))
        shared = [value for name, value in values.items() if name not in _COLUMNS]
        columns = [Uuids(ids), Uuids(twins.ids), Uuids(twins.customer_ids), Blobs(payloads)]
        await self._tx.raw.execute(_ADD_ALIKE, [*shared, *columns])
        failpoint("subscriptions.dues_opened")

    async def count(self, run_id: UUID) -> int:
        found = await row(self._tx, _COUNT, run_id)
        return int(found["dues"]) if found else 0

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        ids = [settlement.due_id for settlement in settlements]
        await self._tx.raw.execute(_SETTLE, (ids, [settlement.outcome.value for settlement in settlements]))

    async def republish(self, due_ids: Sequence[UUID], published_before: datetime) -> int:
        found = await rows(self._tx, _STALE, list(due_ids), published_before.astimezone(UTC))
        await self._tx.publish(*(due_event(DueMessage.FromString(each["payload"])) for each in found))
        await self._tx.raw.execute(_TOUCH, ([each["due_id"] for each in found], [each["part"] for each in found]))
        return len(found)


def _values(due: BillingDue, part: DueMessage) -> tuple[object, ...]:
    """In the order of `_ADDED`."""
    step = due.step
    assert step.due is not None, "a step without a due bills nothing"
    return (
        step.due.id,
        part.part,
        step.after.id,
        step.after.customer_id,
        due.run_id,
        step.due.index,
        len(part.charges),
        part.subscription_version,
        step.at,
        part.SerializeToString(deterministic=True),
    )
