"""The history of a subscription, with the names of the plan versions in it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_subscriptions.domain.history import ChangeRecord
from billing_subscriptions.operations.ports import Catalogue, Reads


async def list_changes(
    reads: Reads, subscription_id: UUID, *, after: int, limit: int
) -> tuple[Sequence[ChangeRecord], Mapping[str, str]]:
    """Entries behind version `after`, oldest first; "pro v2" by the id of a version. Raises SubscriptionNotFound."""
    found = await reads.changes(subscription_id, after=after, limit=limit)
    sides = (side for each in found for side in each.changed.get("plan_version_id", ()))
    return found, await _names(reads.catalogue, {UUID(str(side)) for side in sides if side})


async def _names(catalogue: Catalogue, version_ids: set[UUID]) -> Mapping[str, str]:
    versions = (await catalogue.versions(version_ids)).values() if version_ids else ()
    codes = await catalogue.plan_codes({each.plan_id for each in versions}) if versions else {}
    return {str(each.id): f"{codes[each.plan_id]} v{each.number}" for each in versions}
