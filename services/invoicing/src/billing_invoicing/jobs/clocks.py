"""Moves the test clocks that are on their way."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from billing_kernel.errors import DomainError
from billing_runtime.call import calling
from billing_runtime.jobs import Job, job_call

NAME = "test_clocks"
EVERY_S = 0.25

log = structlog.get_logger("billing.test_clock")

Claim = Callable[[], Awaitable[list[UUID]]]
Move = Callable[[], Awaitable[bool]]
Postpone = Callable[[UUID], Awaitable[None]]


def clocks_job(claim: Claim, move: Move, postpone: Postpone) -> Job:
    """All tenants at once: each has its own clock, and mostly they wait."""

    async def one(tenant_id: UUID) -> int:
        try:
            with calling(job_call(NAME, tenant_id)):
                return int(await move())
        except DomainError as refusal:
            log.warning("test_clock_waits", tenant_id=str(tenant_id), reason=refusal.reason)
            await postpone(tenant_id)
            return 0

    async def run() -> int:
        return sum(await asyncio.gather(*map(one, await claim())))

    return Job(NAME, EVERY_S, run)
