"""Replaces and deletes drafts, archives plan versions and plans."""

from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.plan import NewVersion, Plan, PlanVersion
from billing_subscriptions.operations.ports import UnitOfWork


async def update_plan_version(uow: UnitOfWork, version_id: UUID, wanted: NewVersion) -> PlanVersion:
    """Raises PlanVersionNotFound and as domain.plan.redraft."""
    plan, before = await _locked(uow, version_id)
    after = rules.redraft(plan, before, wanted, new_id=uuid7)
    await uow.plans.replace_draft(after)
    return after


async def delete_plan_version(uow: UnitOfWork, version_id: UUID) -> None:
    """Raises PlanVersionNotFound, PlanVersionPublished, PlanVersionArchived."""
    _, before = await _locked(uow, version_id)
    rules.refuse_beyond_draft(before)
    await uow.plans.delete_draft(version_id)


async def archive_plan_version(uow: UnitOfWork, version_id: UUID) -> PlanVersion:
    """Raises PlanVersionNotFound, PlanVersionNotPublished."""
    _, before = await _locked(uow, version_id)
    after = rules.archive_version(before, now=await uow.now())
    if after is not before:
        await uow.plans.save_version(after)
    return after


async def archive_plan(uow: UnitOfWork, plan_id: UUID, etag: str) -> Plan:
    """Raises PlanNotFound, Conflict."""
    before = await uow.plans.lock(plan_id)
    check_etag(etag, before.version)
    after = rules.archive(before, now=await uow.now())
    if after is not before:
        await uow.plans.save(after)
    return after


async def _locked(uow: UnitOfWork, version_id: UUID) -> tuple[Plan, PlanVersion]:
    """Versions change behind the lock of their plan alone."""
    plan = await uow.plans.lock((await uow.plans.version(version_id)).plan_id)
    return plan, await uow.plans.version(version_id)
