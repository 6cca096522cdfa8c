"""Claims over all tenants, in the worker role: dues that are open for too long, standings that are old."""

from datetime import date, datetime
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_subscriptions.storage.statements import row

TENANT_MAX = 100  # dues of one tenant in a batch, so that a big one does not starve the others
BATCH_MAX = 500
STANDING_DAYS = 90

# While our own outbox still holds dues the broker is behind, and publishing more would only make it worse.
_STALE = text(
    """
    SELECT tenant_id, due_id FROM (
        SELECT tenant_id, due_id, min(published_at) AS published_at,
               row_number() OVER (PARTITION BY tenant_id ORDER BY min(published_at)) AS place
        FROM billing_due WHERE settled_at IS NULL AND published_at < :before
        GROUP BY tenant_id, due_id
    ) AS waiting
    WHERE place <= :tenant_max AND NOT EXISTS (SELECT FROM outbox WHERE topic = :topic)
    ORDER BY published_at LIMIT :batch_max
    """
)
_PRUNE = text("DELETE FROM invoice_standing WHERE state = 'PAID' AND noted_on < :before")
_OLDEST = text("SELECT min(published_at) FROM billing_due WHERE settled_at IS NULL")
_NEXT_DUE = "SELECT min(next_due_at) AS next_due_at FROM subscription WHERE next_due_at IS NOT NULL"
_IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM customer) AND NOT EXISTS (SELECT FROM plan) AS is_empty"


async def stale_dues(conn: AsyncConnection, before: datetime, topic: str) -> list[tuple[UUID, UUID]]:
    """(tenant, due) of open dues last published before `before` (wall time), a fair pick over the tenants."""
    arguments = {"before": before, "tenant_max": TENANT_MAX, "batch_max": BATCH_MAX, "topic": topic}
    found = await conn.execute(_STALE, arguments)
    return [(each.tenant_id, each.due_id) for each in found]


async def prune_standings(conn: AsyncConnection, before: date) -> int:
    """Forgets invoices that were paid before `before`: no event about their payment comes so late."""
    return (await conn.execute(_PRUNE, {"before": before})).rowcount


async def oldest_open_due(conn: AsyncConnection) -> date | None:
    """The day of the oldest open due: its event stays in the outbox archive."""
    oldest = (await conn.execute(_OLDEST)).scalar_one()
    return oldest.date() if oldest else None


async def next_due_at(tx: Transaction) -> datetime | None:
    """When the tenant's next boundary falls due."""
    found = await row(tx, _NEXT_DUE)
    return found["next_due_at"] if found else None


async def is_empty(tx: Transaction) -> bool:
    """Whether the tenant has neither customers nor plans."""
    found = await row(tx, _IS_EMPTY)
    return bool(found and found["is_empty"])
