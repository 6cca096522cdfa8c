"""What the clock drives: jobs, each run by one process at a time, again at once while there is work."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID, uuid4

import structlog
from billing_kernel.ids import uuid7
from prometheus_client import Counter, Gauge

from billing_runtime.call import Call, Role
from billing_runtime.database import Database
from billing_runtime.leases import Leases
from billing_runtime.metrics import REGISTRY

ROWS = Counter("billing_job_rows", "Due rows done", ["job"], registry=REGISTRY)
FAILURES = Counter("billing_job_failures", "Runs that raised", ["job"], registry=REGISTRY)
HELD = Gauge("billing_job_lease_held", "1 while this process runs the job", ["job"], registry=REGISTRY)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """`run()` does one bounded batch and returns how many due rows it did; above 0 it is called again at once."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[int]]


def job_call(job: str, tenant_id: UUID) -> Call:
    """The context in which a job works for one tenant: actor "job:<name>", the tenant's own clock."""
    return Call(tenant_id=tenant_id, actor=f"job:{job}", role=Role.SERVICE, correlation_id=str(uuid7()))


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class JobRunner:
    """Runs jobs until `stop` is set. Several processes may: the lease `job:<name>` picks one for each job."""

    def __init__(self, database: Database, jobs: Sequence[Job], ttl_s: float = 15.0) -> None:
        self._jobs = jobs
        self._leases = Leases(database, process_name(), ttl_s)

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._candidate(job, stop))

    async def _candidate(self, job: Job, stop: asyncio.Event) -> None:
        while not stop.is_set():
            asked_at = monotonic()
            if await self._tried(self._leases.acquire, job):
                HELD.labels(job.name).set(1)
                await self._hold(job, stop, asked_at)
                HELD.labels(job.name).set(0)
            await pause(stop, min(job.every_s, self._leases.ttl_s / 3))
        await self._tried(self._leases.release, job)

    async def _hold(self, job: Job, stop: asyncio.Event, held_at: float) -> None:
        """Works under the lease; the work is cut off before the lease can expire under it."""
        work = asyncio.create_task(self._work(job, stop))
        try:
            await self._renew_while(work, job, held_at)
        finally:
            if not work.done():
                log.warning("lease lost", job=job.name)
                work.cancel()
            await asyncio.wait([work])

    async def _renew_while(self, work: asyncio.Task[None], job: Job, held_at: float) -> None:
        """Returns when the work is done, or before the lease expires, even while a renewal hangs.

        A lease runs from when it was asked for: that is before the database wrote it.
        """
        safe_s, wait_s = self._leases.ttl_s * 2 / 3, self._leases.ttl_s / 4
        while not work.done() and (left_s := held_at + safe_s - monotonic()) > 0:
            await asyncio.wait([work], timeout=min(wait_s, left_s))
            asked_at = monotonic()
            if not work.done() and await self._renewed(job, held_at + safe_s - asked_at):
                held_at = asked_at

    async def _renewed(self, job: Job, limit_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                return await self._tried(self._leases.renew, job)
        return False

    async def _work(self, job: Job, stop: asyncio.Event) -> None:
        while not stop.is_set():
            done = await _attempt(job)
            if done <= 0:
                await pause(stop, job.every_s)

    async def _tried(self, step: Callable[[str], Awaitable[bool]], job: Job) -> bool:
        try:
            return await step(f"job:{job.name}")
        except Exception as error:
            log.warning("lease not reached", job=job.name, error=type(error).__name__)
            return False


async def _attempt(job: Job) -> int:
    try:
        done = await job.run()
    except Exception:
        FAILURES.labels(job.name).inc()
        log.exception("job failed", job=job.name)
        return 0
    ROWS.labels(job.name).inc(done)
    return done


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleeps, but wakes at once when `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
