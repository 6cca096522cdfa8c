"""Carries open billing runs on, fair over tenants."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from billing_kernel.errors import DomainError
from billing_runtime.call import calling
from billing_runtime.jobs import Job, job_call

NAME = "billing_runs"
EVERY_S = 0.25
AT_ONCE = 4  # tenants that share the work

log = structlog.get_logger("billing.runs")

Claim = Callable[[], Awaitable[list[tuple[UUID, UUID]]]]
Advance = Callable[[UUID], Awaitable[bool]]
Postpone = Callable[[UUID, UUID], Awaitable[None]]


def runs_job(claim: Claim, advance: Advance, postpone: Postpone) -> Job:
    """`claim()` gives (tenant, run) pairs, `advance(run)` does one step under the tenant's call."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(tenant_id: UUID, run_id: UUID) -> int:
        async with slots:
            try:
                with calling(job_call(NAME, tenant_id)):
                    return int(await advance(run_id))
            except DomainError as refusal:
                log.warning("run_waits", run_id=str(run_id), tenant_id=str(tenant_id), reason=refusal.reason)
            except Exception:
                log.exception("run_failed", run_id=str(run_id), tenant_id=str(tenant_id))
            await postpone(tenant_id, run_id)  # one run that fails never holds up the others
            return 0

    async def run() -> int:
        return sum(await asyncio.gather(*(one(tenant_id, run_id) for tenant_id, run_id in await claim())))

    return Job(NAME, EVERY_S, run)
