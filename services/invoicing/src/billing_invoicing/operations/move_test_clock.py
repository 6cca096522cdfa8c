"""One bounded step of a test clock on its way. Everything is kept in its row, so a crash only repeats a step."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from billing_kernel.ids import uuid7

from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.domain.test_clock import (
    Phase,
    TestClock,
    arrived_at,
    billed,
    drained,
    finished,
    next_instant,
    stopped,
)
from billing_invoicing.operations.peer_ports import Clocks, PaymentRetries
from billing_invoicing.operations.ports import Begin, Read

RETRIES_MAX = 1000  # attempts of one call
log = structlog.get_logger("billing.test_clock")


@dataclass(frozen=True, slots=True)
class Movement:
    """What moving a clock takes. `steps_max` bounds one advance; `pause` is the time between two quiet looks, long
    enough for an event to reach whoever listens."""

    begin: Begin
    read: Read
    clocks: Clocks
    retries: PaymentRetries
    steps_max: int
    pause: Callable[[], Awaitable[None]]


async def move_test_clock(movement: Movement) -> bool:
    """Whether the clock is at something else now; False: it stands, or looks again a little later."""
    async with movement.read() as reads:
        clock = await reads.test_clocks.get()
    if clock is None or clock.phase is Phase.STANDING:
        return False
    return await _STEPS[clock.phase](movement, clock)


async def _step(movement: Movement, clock: TestClock) -> bool:
    """Picks the next instant, sets every clock to it, and starts a run there."""
    dues = await movement.clocks.next_dues()
    if finished(clock, dues):
        return await _save(movement, clock, stopped(clock, settled=True))
    if clock.steps >= movement.steps_max:
        log.error("test_clock_gave_up", steps=clock.steps, now=clock.now.isoformat())
        return await _save(movement, clock, stopped(clock, settled=False))
    instant = next_instant(clock, dues)
    await movement.clocks.set(instant)
    run = _run_at(instant)
    return await _save(movement, clock, arrived_at(clock, instant, run.run_id), run)


def _run_at(instant: datetime) -> Run:
    return Run(
        run_id=uuid7(),
        version=1,
        as_of=instant,
        mode=Mode.FINAL,
        state=RunState.CLAIMING,
        published=0,
        metadata={"test_clock": "true"},
        created_at=instant,
    )


async def _bill(movement: Movement, clock: TestClock) -> bool:
    """Waits for the run of this step; the job of the runs does it."""
    run_id = clock.run_id
    assert run_id is not None, "a clock that bills has a run"
    async with movement.read() as reads:
        run = await reads.runs.get(run_id)
    if run.state is not RunState.COMPLETE:
        return False
    return await _save(movement, clock, billed(clock, run.published))


async def _drain(movement: Movement, clock: TestClock) -> bool:
    """Makes the payment attempts that are due, and looks whether anything still moves."""
    attempted, more, unresolved = await movement.retries.run(clock.now, RETRIES_MAX)
    pending = await movement.clocks.pending()
    async with movement.read() as reads:
        untried = await reads.invoices.untried()
    busy = more or unresolved > 0 or pending > 0 or untried
    after = drained(clock, attempted=attempted, busy=busy)
    if after.quiet:
        await movement.pause()
    await _save(movement, clock, after)
    return not busy


async def _save(movement: Movement, before: TestClock, after: TestClock, run: Run | None = None) -> bool:
    """Writes the step, unless somebody else did."""
    async with movement.begin() as uow:
        if await uow.test_clocks.lock() != before:
            return True
        if run is not None:
            await uow.runs.insert(run)
        await uow.test_clocks.save(after)
    return True


_STEPS: Mapping[Phase, Callable[[Movement, TestClock], Awaitable[bool]]] = {
    Phase.STEPPING: _step,
    Phase.BILLING: _bill,
    Phase.DRAINING: _drain,
}
assert set(_STEPS) == set(Phase) - {Phase.STANDING}
