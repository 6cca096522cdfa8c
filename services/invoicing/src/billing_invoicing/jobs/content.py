"""Compares the hash of final invoices with what is stored, a piece at a time, for ever round."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from billing_runtime.call import calling
from billing_runtime.jobs import Job, job_call

NAME = "content_hashes"
EVERY_S = 60.0
TENANTS_MAX = 20  # of one round: checking never takes more than a little of the machine

log = structlog.get_logger("billing.invariants")

Tenants = Callable[[], Awaitable[list[UUID]]]
Check = Callable[[UUID | None], Awaitable[tuple[list[UUID], UUID | None]]]


def content_job(tenants: Tenants, check: Check) -> Job:
    """`check(after)` looks at one piece of the tenant's invoices: (those that differ, where to go on)."""
    places: dict[UUID, UUID | None] = {}
    turns: list[UUID] = []

    async def run() -> int:
        if not turns:
            turns.extend(await tenants())
        chosen = turns[:TENANTS_MAX]
        del turns[:TENANTS_MAX]
        for tenant_id in chosen:
            with calling(job_call(NAME, tenant_id)):
                broken, places[tenant_id] = await check(places.get(tenant_id))
            if broken:
                log.error("invariant broken", rule="content_hash", rows=len(broken), first=str(broken[0]))
        return 0

    return Job(NAME, EVERY_S, run)
