"""Newer versions of a plan that running subscriptions move to at their renewal: which one, whenever it is claimed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.plan import PlanVersion

Newer = Mapping[UUID, tuple[PlanVersion, ...]]


def by_plan(versions: Iterable[PlanVersion]) -> Newer:
    """Published versions by plan, the newest first."""
    found: dict[UUID, tuple[PlanVersion, ...]] = {}
    for each in sorted(versions, key=_rank, reverse=True):
        found[each.plan_id] = (*found.get(each.plan_id, ()), each)
    return found


def newer_at(newer: Newer, present: PlanVersion, at: datetime) -> PlanVersion | None:
    """The newest version that was sold at `at`, if it is newer than the present one; what came later plays no part."""
    found = next((each for each in newer.get(present.plan_id, ()) if _sold(each, at)), None)
    return found if found is not None and _rank(found) > _rank(present) else None


def _sold(version: PlanVersion, at: datetime) -> bool:
    begun = version.effective_at is not None and version.effective_at <= at
    return begun and (version.archived_at is None or version.archived_at > at)


def _rank(version: PlanVersion) -> tuple[datetime, int]:
    assert version.effective_at is not None, "subscriptions are of published versions"
    return version.effective_at, version.number
