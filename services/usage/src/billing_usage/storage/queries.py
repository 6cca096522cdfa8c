"""Plain reads: one stored event, the tenant's statistics, what GetUsage needs, and what the clock asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_runtime.transaction import Transaction

from billing_usage.domain.errors import EventNotFound
from billing_usage.domain.meter import Meter
from billing_usage.domain.stored_event import Statistics, StoredEvent
from billing_usage.domain.subscription import Subject, Subscription
from billing_usage.storage.copy_store import get_subscription
from billing_usage.storage.counting import PostgresEventReads
from billing_usage.storage.meter_store import meters_by_code

_EVENT = """SELECT e.id, e.source, m.code, e.subject, e.at, e.value, e.properties, b.ingested_at
FROM event_key k
JOIN event e ON e.tenant_id = k.tenant_id AND e.batch_id = k.batch_id AND e.source = k.source AND e.id = k.id
JOIN ingest_batch b ON b.tenant_id = k.tenant_id AND b.batch_id = k.batch_id
JOIN meter m ON m.tenant_id = e.tenant_id AND m.meter_id = e.meter_id
WHERE k.tenant_id = %s AND k.source = %s AND k.id = %s"""
_STATISTICS = """SELECT
    (SELECT coalesce(sum(accepted), 0)::bigint FROM ingest_batch WHERE tenant_id = %(tenant)s),
    (SELECT count(*) FROM event WHERE tenant_id = %(tenant)s),
    (SELECT coalesce(sum(duplicates), 0)::bigint FROM ingest_batch WHERE tenant_id = %(tenant)s),
    (SELECT coalesce(sum(event_count), 0)::bigint FROM rating WHERE tenant_id = %(tenant)s)"""
_IS_EMPTY = """SELECT NOT EXISTS (SELECT FROM ingest_batch WHERE tenant_id = %(tenant)s)
    AND NOT EXISTS (SELECT FROM subscription WHERE tenant_id = %(tenant)s)"""


class PostgresUsageReads(PostgresEventReads):
    """The port UsageReads, one transaction."""

    async def now(self) -> datetime:
        return await self._tx.now()

    async def subscription(self, subscription_id: UUID) -> tuple[Subscription, Sequence[Subject]]:
        """Raises SubscriptionNotFound."""
        return await get_subscription(self._tx, subscription_id)

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]:
        return await meters_by_code(self._tx, codes)

    async def get_event(self, source: str, event_id: str) -> StoredEvent:
        """Raises EventNotFound."""
        row = await (await self._tx.raw.execute(_EVENT, (self._tx.tenant_id, source, event_id))).fetchone()
        if row is None:
            raise EventNotFound("there is no event with this source and id")
        found_id, found_source, meter, subject, at, value, properties, ingested_at = row
        return StoredEvent(found_id, found_source, meter, subject, at, Fraction(value), properties or {}, ingested_at)

    async def statistics(self) -> Statistics:
        row = await (await self._tx.raw.execute(_STATISTICS, {"tenant": self._tx.tenant_id})).fetchone()
        assert row is not None, "an aggregate has one row"
        return Statistics(*row)


async def next_due_at(tx: Transaction) -> datetime | None:
    """Nothing here falls due: usage waits to be asked."""
    return None


async def is_empty(tx: Transaction) -> bool:
    """Whether the tenant has no record that depends on time: meters do not."""
    row = await (await tx.raw.execute(_IS_EMPTY, {"tenant": tx.tenant_id})).fetchone()
    assert row is not None
    return bool(row[0])
