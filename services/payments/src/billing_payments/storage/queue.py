"""What waits, over all tenants, as the worker role sees it."""

from collections.abc import Sequence
from uuid import UUID

from billing_runtime.database import Database
from sqlalchemy import text

# A tenant with a test clock lives by it, every other one by the wall clock; each half has its index.
_DUE = text(
    """
SELECT tenant_id FROM (
    SELECT payment.tenant_id, payment.next_attempt_at FROM payment
    WHERE payment.state = 'SCHEDULED' AND payment.next_attempt_at <= clock_timestamp()
      AND NOT EXISTS (SELECT FROM tenant_clock WHERE tenant_clock.tenant_id = payment.tenant_id)
    UNION ALL
    SELECT tenant_clock.tenant_id, first.next_attempt_at FROM tenant_clock CROSS JOIN LATERAL (
        SELECT payment.next_attempt_at FROM payment
        WHERE payment.tenant_id = tenant_clock.tenant_id
          AND payment.state = 'SCHEDULED' AND payment.next_attempt_at <= tenant_clock.now_at
        ORDER BY payment.next_attempt_at LIMIT 1
    ) AS first
) AS due
GROUP BY tenant_id ORDER BY min(next_attempt_at) LIMIT :limit
"""
)
_UNCLEAR = text(
    """
SELECT tenant_id FROM payment_attempt
WHERE state IN ('PROCESSING', 'UNKNOWN') AND held_until <= clock_timestamp()
GROUP BY tenant_id ORDER BY min(held_until) LIMIT :limit
"""
)


class PostgresQueue:
    """`Queue` in the worker role."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def tenants_due(self, limit: int) -> Sequence[UUID]:
        async with self.database.worker() as conn:
            return (await conn.execute(_DUE, {"limit": limit})).scalars().all()

    async def tenants_unclear(self, limit: int) -> Sequence[UUID]:
        async with self.database.worker() as conn:
            return (await conn.execute(_UNCLEAR, {"limit": limit})).scalars().all()
