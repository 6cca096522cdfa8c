"""Forgets the standing of invoices that were paid long ago."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

from billing_runtime.jobs import Job

NAME = "prune_standings"
EVERY_S = 3600.0
KEEP = timedelta(days=90)

Prune = Callable[[date], Awaitable[int]]


def prune_standings(prune: Prune) -> Job:
    """`prune(before)` deletes over all tenants and answers how many."""

    async def run() -> int:
        await prune((datetime.now(UTC) - KEEP).date())
        return 0

    return Job(NAME, EVERY_S, run)
