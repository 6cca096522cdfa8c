"""Publishes dues again that invoicing has not settled for too long: nothing is lost to any retention."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing_runtime.jobs import Job

NAME = "republish_dues"
EVERY_S = 60.0

Stale = Callable[[datetime], Awaitable[Sequence[tuple[UUID, UUID]]]]
Republish = Callable[[UUID, Sequence[UUID], datetime], Awaitable[int]]


def republish_dues(stale: Stale, republish: Republish, after: timedelta) -> Job:
    """`stale(before)` names (tenant, due) pairs of all tenants; `republish(tenant, dues, before)` works in one."""

    async def run() -> int:
        before = datetime.now(UTC) - after  # wall time: this is about machines, not about business
        tenants: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for tenant_id, due_id in await stale(before):
            tenants[tenant_id].append(due_id)
        return sum([await republish(tenant_id, due_ids, before) for tenant_id, due_ids in tenants.items()])

    return Job(NAME, EVERY_S, run)
