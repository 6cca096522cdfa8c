"""Plans and their versions behind the Plans port."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import insert, update

from billing_subscriptions.domain.errors import PlanNotFound, PlanVersionNotFound
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.storage.plan_rows import plan_from_row, plan_to_row, version_from_row, version_to_row
from billing_subscriptions.storage.statements import row, rows, write
from billing_subscriptions.storage.tables import plan as plan_table
from billing_subscriptions.storage.tables import plan_version as version_table

_LOCK = "SELECT * FROM plan WHERE plan_id = %s FOR UPDATE"
_LAST = "SELECT coalesce(max(number), 0) AS number FROM plan_version WHERE plan_id = %s"
_VERSIONS = "SELECT * FROM plan_version WHERE plan_version_id = ANY(%s)"


class PostgresPlans:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, plan: Plan) -> None:
        await write(self._tx, insert(plan_table).values(plan_to_row(plan)))

    async def lock(self, plan_id: UUID) -> Plan:
        found = await row(self._tx, _LOCK, plan_id)
        if found is None:
            raise PlanNotFound("there is no such plan")
        return plan_from_row(found)

    async def save(self, plan: Plan) -> None:
        await write(self._tx, update(plan_table).where(plan_table.c.plan_id == plan.id).values(plan_to_row(plan)))

    async def last_number(self, plan_id: UUID) -> int:
        found = await row(self._tx, _LAST, plan_id)
        return int(found["number"]) if found else 0

    async def add_version(self, version: PlanVersion) -> None:
        await write(self._tx, insert(version_table).values(version_to_row(version)))

    async def save_version(self, version: PlanVersion) -> None:
        """Only a draft is ever written again."""
        where = (version_table.c.plan_version_id == version.id, version_table.c.state == "DRAFT")
        await write(self._tx, update(version_table).where(*where).values(version_to_row(version)))

    async def version(self, version_id: UUID) -> PlanVersion:
        found = await self.versions([version_id])
        if version_id not in found:
            raise PlanVersionNotFound("there is no such plan version")
        return found[version_id]

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]:
        found = map(version_from_row, await rows(self._tx, _VERSIONS, list(version_ids)))
        return {version.id: version for version in found}
