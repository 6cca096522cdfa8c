"""Changes the name or the labels of a plan."""

from collections.abc import Mapping
from uuid import UUID

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.plan import Plan
from billing_subscriptions.operations.ports import UnitOfWork


async def update_plan(
    uow: UnitOfWork, plan_id: UUID, name: str | None, metadata: Mapping[str, str] | None, etag: str
) -> Plan:
    """None leaves a field as it is. Raises PlanNotFound, Conflict, InvalidName."""
    before = await uow.plans.lock(plan_id)
    check_etag(etag, before.version)
    after = rules.rename(
        before,
        before.name if name is None else name,
        before.metadata if metadata is None else metadata,
        now=await uow.now(),
    )
    await uow.plans.save(after)
    return after
