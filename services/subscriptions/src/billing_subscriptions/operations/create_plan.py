"""Creates a plan without versions."""

from collections.abc import Mapping

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import plan as rules
from billing_subscriptions.domain.plan import Plan
from billing_subscriptions.operations.ports import UnitOfWork


async def create_plan(uow: UnitOfWork, code: str, name: str, metadata: Mapping[str, str]) -> Plan:
    """Raises PlanCodeTaken, InvalidName."""
    plan = rules.create(code, name, metadata, plan_id=uuid7(), now=await uow.now())
    await uow.plans.add(plan)
    return plan
