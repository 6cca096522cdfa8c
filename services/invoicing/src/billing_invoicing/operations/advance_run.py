"""One bounded step of a billing run: another chunk of dues, or a look at whether all of them are settled."""

from uuid import UUID

from billing_runtime.fault import failpoint

from billing_invoicing.domain.events import RunCompleted
from billing_invoicing.domain.run import Run, RunState, claimed, completed
from billing_invoicing.operations.peer_ports import Renewals
from billing_invoicing.operations.ports import Begin, Read


async def advance_run(begin: Begin, read: Read, renewals: Renewals, run_id: UUID, *, chunk: int) -> bool:
    """Whether anything moved. May be repeated and cut off anywhere: subscriptions counts by run id."""
    async with read() as reads:
        run = await reads.runs.get(run_id)
    if run.state is RunState.CLAIMING:
        await _claim(begin, renewals, run, chunk)
        return True
    return run.state is RunState.SETTLING and await _complete(begin, read, run_id)


async def _claim(begin: Begin, renewals: Renewals, run: Run, chunk: int) -> None:
    published, more = await renewals.run(run.run_id, run.as_of, chunk)
    failpoint("invoicing.run_claimed")
    async with begin() as uow:
        latest = await uow.runs.lock(run.run_id)
        if latest.state is RunState.CLAIMING:
            await uow.runs.save(claimed(latest, published=published, more=more))


async def _complete(begin: Begin, read: Read, run_id: UUID) -> bool:
    """Counts without a lock; only a run that looks finished is locked."""
    async with read() as reads:
        run, tally = await reads.runs.get(run_id), await reads.runs.tally(run_id)
        if completed(run, tally, now=await reads.now()) is None:
            return False
    async with begin() as uow:
        now = await uow.now()
        done = completed(await uow.runs.lock(run_id), tally, now=now)
        if done is not None:
            await uow.runs.save(done)
            await uow.publish(RunCompleted(done, tally, now))
    failpoint("invoicing.committed")
    return done is not None
