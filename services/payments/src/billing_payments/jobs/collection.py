"""What the clock drives: attempts that are due and attempts without an outcome, tenant by tenant."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from billing_runtime.call import calling
from billing_runtime.jobs import Job, job_call

from billing_payments.operations.collect import Collector
from billing_payments.operations.make_due_attempts import make_due_attempts
from billing_payments.operations.ports import Queue
from billing_payments.operations.resolve_unclear import resolve_unclear

RETRIES, RESOLUTIONS = "retries", "resolutions"
RETRIES_EVERY_S = 0.2  # first attempts wait for this
RESOLUTIONS_EVERY_S = 1.0
TENANTS_MAX = 100  # a run; each tenant gets one batch a run, so that a big one cannot starve the others
TENANTS_AT_ONCE = 4

log = structlog.get_logger()

Work = Callable[[], Awaitable[int]]
Find = Callable[[int], Awaitable[Sequence[UUID]]]


def collection_jobs(queue: Queue, collector: Collector) -> list[Job]:
    """Attempts that are due, and outcomes that are missing."""

    async def attempt() -> int:
        return (await make_due_attempts(collector)).claimed

    async def resolve() -> int:
        return await resolve_unclear(collector)

    return [
        Job(RETRIES, RETRIES_EVERY_S, lambda: _for_each(RETRIES, queue.tenants_due, attempt)),
        Job(RESOLUTIONS, RESOLUTIONS_EVERY_S, lambda: _for_each(RESOLUTIONS, queue.tenants_unclear, resolve)),
    ]


async def _for_each(job: str, find: Find, work: Work) -> int:
    tenants = await find(TENANTS_MAX)
    slots = asyncio.Semaphore(TENANTS_AT_ONCE)
    return sum(await asyncio.gather(*(_for_tenant(job, tenant, work, slots) for tenant in tenants)))


async def _for_tenant(job: str, tenant_id: UUID, work: Work, slots: asyncio.Semaphore) -> int:
    """A tenant that fails does not stop the others."""
    async with slots:
        with calling(job_call(job, tenant_id)):
            try:
                return await work()
            except Exception:
                log.exception("tenant failed", job=job, tenant_id=str(tenant_id))
                return 0
