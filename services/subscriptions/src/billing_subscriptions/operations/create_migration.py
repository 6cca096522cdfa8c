"""Starts a bulk migration: the job carries it on."""

from collections.abc import Mapping
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.ids import uuid7

from billing_subscriptions.domain import migration as rules
from billing_subscriptions.domain.errors import PlanVersionNotFound
from billing_subscriptions.domain.migration import Migration, NewMigration
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.operations.migration_ports import MigrationWork


async def create_migration(uow: MigrationWork, wanted: NewMigration, actor: str) -> Migration:
    """Raises PlanVersionNotFound, PlanVersionNotPublished, PlanVersionArchived, InvalidMigration, MigrationOverlaps.

    Plans are locked in order of their ids: two migrations of the same versions see each other.
    """
    found = await uow.plans.versions({*wanted.from_version_ids, wanted.to_version_id})
    target = _version(found, wanted.to_version_id, "to_plan_version_id")
    sources = [
        _version(found, each, f"from_plan_version_ids[{index}]") for index, each in enumerate(wanted.from_version_ids)
    ]
    for plan_id in sorted({version.plan_id for version in found.values()}):
        await uow.plans.lock(plan_id)
    made = rules.create(
        wanted,
        sources,
        target,
        await uow.migrations.running(),
        migration_id=uuid7(),
        total=await uow.migrations.count(wanted.from_version_ids),
        actor=actor,
        now=await uow.now(),
    )
    await uow.migrations.add(made)
    return made


def _version(found: Mapping[UUID, PlanVersion], version_id: UUID, name: str) -> PlanVersion:
    if version_id not in found:
        violation = Violation(name, "names no plan version", "plan_version.unknown")
        raise PlanVersionNotFound("there is no such plan version", violations=[violation])
    return found[version_id]
