"""Publishes a draft: from then on it never changes and new subscriptions take it."""

from uuid import UUID

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.events import PlanVersionPublished
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.operations.known import known_of
from billing_subscriptions.operations.ports import Meters, Read, UnitOfWork


async def known_meters(read: Read, meters: Meters, version_id: UUID) -> frozenset[str]:
    """The meters of a version that exist. Raises PlanVersionNotFound and transient errors of the usage service."""
    async with read() as reads:
        version = await reads.version(version_id)
    return await meters.known(version.meter_codes)


async def publish_plan_version(uow: UnitOfWork, version_id: UUID, meters: frozenset[str]) -> PlanVersion:
    """`meters` was asked of the usage service before the transaction began: no call waits inside one.

    Raises PlanVersionNotFound, PlanVersionPublished, PlanVersionArchived, PlanArchived, MeterNotFound, FeatureMissing,
    ProductMissing.
    """
    plan = await uow.plans.lock((await uow.plans.version(version_id)).plan_id)
    draft = await uow.plans.version(version_id)  # again, behind the lock
    now = await uow.now()
    known = await known_of(uow, meters, draft.feature_codes, draft.product_codes)
    selling, published = rules.publish(plan, draft, known=known, now=now)
    await uow.plans.save_version(published)
    await uow.plans.save(selling)
    await uow.publish(PlanVersionPublished(published, now))
    return published
