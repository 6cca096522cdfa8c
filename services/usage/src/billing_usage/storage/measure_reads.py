"""What BatchMeasureUsage reads: meters, subjects of many subscriptions, totals."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_usage.domain.meter import Meter
from billing_usage.domain.subscription import Subject
from billing_usage.storage.copy_store import names_of, subjects_of
from billing_usage.storage.counting import PostgresEventReads
from billing_usage.storage.meter_store import meters_by_code

_SUBJECTS = """SELECT s.subscription_id, s.customer_id, c.names FROM subscription s
LEFT JOIN customer c ON c.tenant_id = s.tenant_id AND c.customer_id = s.customer_id
WHERE s.tenant_id = %s AND s.subscription_id = ANY(%s)"""


class PostgresMeasureReads(PostgresEventReads):
    """The port MeasureReads, one transaction."""

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]:
        return await meters_by_code(self._tx, codes)

    async def subjects(self, subscription_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Subject]]:
        """How events may name each; the ones that are not known are left out."""
        arguments = (self._tx.tenant_id, list(subscription_ids))
        rows = await (await self._tx.raw.execute(_SUBJECTS, arguments)).fetchall()
        return {
            subscription_id: subjects_of(subscription_id, customer_id, names_of(names or ()))
            for subscription_id, customer_id, names in rows
        }
