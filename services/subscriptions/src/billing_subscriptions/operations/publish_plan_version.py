"""Publishes a draft: from then on it never changes and new subscriptions take it."""

from uuid import UUID

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.events import PlanVersionPublished
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.operations.ports import UnitOfWork


async def publish_plan_version(uow: UnitOfWork, version_id: UUID, known_meters: frozenset[str]) -> PlanVersion:
    """`known_meters` was asked of the usage service before the transaction began: no call waits inside one.

    Raises PlanVersionNotFound, PlanVersionPublished, MeterNotFound.
    """
    plan = await uow.plans.lock((await uow.plans.version(version_id)).plan_id)
    draft = await uow.plans.version(version_id)  # again, behind the lock
    now = await uow.now()
    selling, published = rules.publish(plan, draft, known_meters=known_meters, now=now)
    await uow.plans.save_version(published)
    await uow.plans.save(selling)
    await uow.publish(PlanVersionPublished(published, now))
    return published
