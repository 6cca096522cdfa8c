"""What of the catalogue the life of subscriptions needs, behind the Catalogue port."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.catalog_errors import PlanArchived
from billing_subscriptions.domain.errors import PlanNotFound, PlanVersionNotPublished
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import RunningSubscriptions
from billing_subscriptions.domain.step import AddOnOffer
from billing_subscriptions.storage.add_ons import PostgresAddOns
from billing_subscriptions.storage.beside import Beside
from billing_subscriptions.storage.plan_rows import version_from_row
from billing_subscriptions.storage.plans import EFFECTIVE, NEWEST_FIRST
from billing_subscriptions.storage.statements import row, rows

_VERSIONS = "SELECT * FROM plan_version WHERE plan_version_id = ANY(%s)"
_NEWEST = f"""
SELECT DISTINCT ON (v.plan_id) v.* FROM plan_version AS v WHERE v.plan_id = ANY(%s) AND {EFFECTIVE}
ORDER BY v.plan_id, {NEWEST_FIRST}
"""
# Which versions, and those of their plans that move running subscriptions, also if they were archived since or are
# sold later: a renewal takes what was sold at its instant, however late or early it is worked out. What they say is
# known for good once they are published.
_HEAD = "v.plan_version_id, v.plan_id, v.state, v.archived_at"
_WANTED = "v.plan_version_id = ANY(%s)"
_OF = "v.plan_version_id = (SELECT plan_version_id FROM subscription WHERE subscription_id = %s)"


def _heads(wanted: str) -> str:
    """The parameters of `wanted` come twice."""
    return f"""
    SELECT {_HEAD}, false AS moves FROM plan_version AS v WHERE {wanted}
    UNION ALL
    SELECT {_HEAD}, true AS moves FROM plan_version AS v
    WHERE v.plan_id IN (SELECT v.plan_id FROM plan_version AS v WHERE {wanted})
        AND v.terms ->> 'running_subscriptions' = '{RunningSubscriptions.MOVE_AT_RENEWAL.value}'
        AND v.state <> 'DRAFT'
    """


_SOLD = _heads(_WANTED)
SOLD_TO = _heads(f"({_OF} OR {_WANTED})")
KNOWN_MAX = 4096
_KNOWN: dict[UUID, PlanVersion] = {}  # read before, of whatever tenant; asked only for ids that the tenant can see
_CODES = "SELECT plan_id, code FROM plan WHERE plan_id = ANY(%s)"
_PLAN = "SELECT plan_id, archived_at FROM plan WHERE code = %s"


class PostgresCatalogue:
    def __init__(self, tx: Transaction, beside: Beside | None = None) -> None:
        self._tx = tx
        self._beside = beside or Beside()

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]:
        found = map(version_from_row, await rows(self._tx, _VERSIONS, list(version_ids)))
        return {version.id: version for version in found}

    async def newest(self, plan_ids: Iterable[UUID], at: datetime) -> Mapping[UUID, PlanVersion]:
        found = map(version_from_row, await rows(self._tx, _NEWEST, list(plan_ids), at))
        return {version.plan_id: version for version in found}

    async def sold(self, version_ids: Iterable[UUID]) -> tuple[Mapping[UUID, PlanVersion], Sequence[PlanVersion]]:
        wanted = list(version_ids)
        heads = self._beside.take_heads(frozenset(wanted))
        if heads is None:
            heads = await rows(self._tx, _SOLD, wanted, wanted)
        known = await self._known(heads)
        versions = {each["plan_version_id"]: known[each["plan_version_id"]] for each in heads if not each["moves"]}
        return versions, [known[each["plan_version_id"]] for each in heads if each["moves"]]

    async def _known(self, heads: Iterable[Mapping[str, Any]]) -> Mapping[UUID, PlanVersion]:
        """Whole versions by id; what is not known yet, or was archived since, is read."""
        found: dict[UUID, PlanVersion] = {}
        missing: list[UUID] = []
        for head in heads:
            before = _KNOWN.get(head["plan_version_id"])
            if before is not None and (before.state, before.archived_at) == (head["state"], head["archived_at"]):
                found[before.id] = before
            else:
                missing.append(head["plan_version_id"])
        if missing:
            found.update(await self.versions(missing))
            if len(_KNOWN) > KNOWN_MAX:
                _KNOWN.clear()
            _KNOWN.update({key: each for key, each in found.items() if each.published_at is not None})
        return found

    async def current(self, plan_code: str, at: datetime) -> PlanVersion:
        plan = await row(self._tx, _PLAN, plan_code)
        if plan is None:
            raise PlanNotFound(f"there is no plan {plan_code!r}", facts={"plan_code": plan_code})
        if plan["archived_at"] is not None:
            raise PlanArchived(f"the plan {plan_code!r} is archived", facts={"plan": plan_code})
        found = await self.newest([plan["plan_id"]], at)
        if not found:
            raise PlanVersionNotPublished(f"the plan {plan_code!r} has no version that is sold now")
        return found[plan["plan_id"]]

    async def add_ons(self, codes: Iterable[str], currency: str) -> Mapping[str, AddOnOffer]:
        found = await PostgresAddOns(self._tx).by_codes(codes)
        return {code: _offer(each.in_currency(currency)) for code, each in found.items() if each.archived_at is None}

    async def plan_codes(self, plan_ids: Iterable[UUID]) -> Mapping[UUID, str]:
        return {each["plan_id"]: each["code"] for each in await rows(self._tx, _CODES, list(plan_ids))}


def _offer(add_on: AddOn) -> AddOnOffer:
    rules = add_on.conditions
    return AddOnOffer(add_on.item, add_on.once, rules.plan_codes, rules.requires, rules.excludes)
