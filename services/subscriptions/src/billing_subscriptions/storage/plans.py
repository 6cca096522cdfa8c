"""Plans and their versions behind the Plans port."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import insert, update

from billing_subscriptions.domain.errors import PlanNotFound, PlanVersionNotFound
from billing_subscriptions.domain.plan import Plan, PlanVersion, PlanVersionState
from billing_subscriptions.storage.plan_rows import plan_from_row, plan_to_row, version_from_row, version_to_row
from billing_subscriptions.storage.prices import enter_prices, forget_prices
from billing_subscriptions.storage.statements import row, rows, write
from billing_subscriptions.storage.tables import plan as plan_table
from billing_subscriptions.storage.tables import plan_version as version_table

# A plan with its current version at an instant: the newest published one whose effective time has come.
NEWEST_FIRST = "coalesce(v.effective_at, v.published_at) DESC, v.number DESC"
EFFECTIVE = "v.state = 'PUBLISHED' AND coalesce(v.effective_at, v.published_at) <= %s"
SELECT_PLAN = f"""
SELECT p.plan_id, p.code, p.name, p.metadata, p.version, p.created_at, p.updated_at, p.archived_at, (
    SELECT v.plan_version_id FROM plan_version AS v
    WHERE v.plan_id = p.plan_id AND p.archived_at IS NULL AND {EFFECTIVE} ORDER BY {NEWEST_FIRST} LIMIT 1
) AS current_version_id FROM plan AS p
"""
_LAST = "SELECT coalesce(max(number), 0) AS number FROM plan_version WHERE plan_id = %s"
_VERSIONS = "SELECT * FROM plan_version WHERE plan_version_id = ANY(%s)"
_LATEST = """
SELECT DISTINCT ON (v.plan_id) v.* FROM plan_version AS v JOIN plan AS p ON p.plan_id = v.plan_id
WHERE p.code = ANY(%s) AND v.state = 'PUBLISHED' ORDER BY v.plan_id, v.number DESC
"""
_CODES = "SELECT code FROM plan WHERE code = ANY(%s)"
_ITEM_CODES = """
SELECT DISTINCT item ->> 'code' AS code FROM plan_version, jsonb_array_elements(items) AS item
WHERE item ->> 'code' = ANY(%s)
"""
_DELETE = "DELETE FROM plan_version WHERE plan_version_id = %s AND state = 'DRAFT'"


class PostgresPlans:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, plan: Plan) -> None:
        await write(self._tx, insert(plan_table).values(plan_to_row(plan)))

    async def lock(self, plan_id: UUID) -> Plan:
        locked = f"{SELECT_PLAN} WHERE p.plan_id = %s FOR UPDATE OF p"
        found = await row(self._tx, locked, await self._tx.now(), plan_id)
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
        await enter_prices(self._tx, version.items, plan_version_id=version.id)

    async def save_version(self, version: PlanVersion) -> None:
        """Only a draft is ever written again; of others the state alone."""
        where = version_table.c.plan_version_id == version.id
        if version.state is PlanVersionState.ARCHIVED:
            values = {"state": version.state.value, "archived_at": version.archived_at}
            await write(self._tx, update(version_table).where(where).values(values))
            return
        draft = version_table.c.state == "DRAFT"
        await write(self._tx, update(version_table).where(where, draft).values(version_to_row(version)))

    async def replace_draft(self, version: PlanVersion) -> None:
        await forget_prices(self._tx, version.id)
        await self.save_version(version)
        await enter_prices(self._tx, version.items, plan_version_id=version.id)

    async def delete_draft(self, version_id: UUID) -> None:
        await forget_prices(self._tx, version_id)
        await self._tx.raw.execute(_DELETE, [version_id])

    async def lock_by_codes(self, codes: Iterable[str]) -> Mapping[str, Plan]:
        query = f"{SELECT_PLAN} WHERE p.code = ANY(%s) ORDER BY p.plan_id FOR UPDATE OF p"
        found = await rows(self._tx, query, await self._tx.now(), list(codes))
        return {each["code"]: plan_from_row(each) for each in found}

    async def codes_there(self, codes: Iterable[str]) -> frozenset[str]:
        return frozenset([each["code"] for each in await rows(self._tx, _CODES, list(codes))])

    async def item_codes_there(self, codes: Iterable[str]) -> frozenset[str]:
        return frozenset([each["code"] for each in await rows(self._tx, _ITEM_CODES, list(codes))])

    async def latest(self, codes: Iterable[str]) -> Mapping[UUID, PlanVersion]:
        found = map(version_from_row, await rows(self._tx, _LATEST, list(codes)))
        return {version.plan_id: version for version in found}

    async def version(self, version_id: UUID) -> PlanVersion:
        found = await self.versions([version_id])
        if version_id not in found:
            raise PlanVersionNotFound("there is no such plan version")
        return found[version_id]

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]:
        found = map(version_from_row, await rows(self._tx, _VERSIONS, list(version_ids)))
        return {version.id: version for version in found}
