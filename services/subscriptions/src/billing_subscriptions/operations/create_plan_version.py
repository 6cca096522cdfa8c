"""Adds a draft version to a plan."""

from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.plan import NewVersion, PlanVersion
from billing_subscriptions.operations.ports import UnitOfWork


async def create_plan_version(uow: UnitOfWork, plan_id: UUID, wanted: NewVersion) -> PlanVersion:
    """Raises PlanNotFound, UnknownCurrency, InvalidPlanItem, InvalidPrice."""
    plan = await uow.plans.lock(plan_id)  # versions of one plan are numbered one after the other
    number = await uow.plans.last_number(plan_id) + 1
    version = rules.draft(plan, wanted, number=number, new_id=uuid7, now=await uow.now())
    await uow.plans.add_version(version)
    return version
