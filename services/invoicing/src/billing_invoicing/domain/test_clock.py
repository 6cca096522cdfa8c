"""The test clock of a tenant: its time moves from due instant to due instant, never past work that is not done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_invoicing.domain.errors import ClockIsMoving, ClockMovesBackwards


class Phase(StrEnum):
    """STEPPING picks the next instant; BILLING runs the billing there; DRAINING waits until nothing moves."""

    STANDING = "standing"
    STEPPING = "stepping"
    BILLING = "billing"
    DRAINING = "draining"


TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    Phase.STANDING: frozenset({Phase.STEPPING}),
    Phase.STEPPING: frozenset({Phase.BILLING, Phase.STANDING}),
    Phase.BILLING: frozenset({Phase.DRAINING}),
    Phase.DRAINING: frozenset({Phase.STEPPING, Phase.STANDING}),
}
assert set(TRANSITIONS) == set(Phase)

QUIET_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class TestClock:
    """`settled`: everything due up to `now` is done. `moved` counts what the current step did; `idle` says that the
    step before did nothing, so that dues which cannot be done do not hold the clock for ever."""

    __test__ = False  # no test case, whatever its name says to pytest

    now: datetime
    target: datetime | None = None
    phase: Phase = Phase.STANDING
    settled: bool = True
    run_id: UUID | None = None
    steps: int = 0
    quiet: int = 0
    moved: int = 0
    idle: bool = False


def advance(clock: TestClock, to: datetime) -> TestClock:
    """The clock on its way to `to`; the same target again changes nothing.

    Raises ClockIsMoving for another target, ClockMovesBackwards.
    """
    if clock.target is not None:
        if clock.target == to:
            return clock
        raise ClockIsMoving("the clock is on its way", facts={"target": clock.target.isoformat()})
    if to < clock.now:
        raise ClockMovesBackwards("a test clock never moves backwards", facts={"now": clock.now.isoformat()})
    return replace(clock, target=to, phase=Phase.STEPPING, settled=False, steps=0, quiet=0, moved=0, idle=False)


def next_instant(clock: TestClock, dues: Sequence[datetime | None]) -> datetime:
    """Where the clock goes next: the earliest due instant of the services, at most the target.

    After an idle step what is due already is passed over: it waits for something other than time.
    """
    assert clock.target is not None
    ahead = [due for due in dues if due is not None and not (clock.idle and due <= clock.now)]
    return min([clock.target, *(max(due, clock.now) for due in ahead)])


def arrived_at(clock: TestClock, instant: datetime, run_id: UUID) -> TestClock:
    """The clock at its next instant, where the run `run_id` bills."""
    return replace(clock, now=instant, phase=Phase.BILLING, run_id=run_id, steps=clock.steps + 1, quiet=0, moved=0)


def billed(clock: TestClock, published: int) -> TestClock:
    """The run of this step is complete."""
    return replace(clock, phase=Phase.DRAINING, moved=clock.moved + published, quiet=0)


def drained(clock: TestClock, *, attempted: int, busy: bool) -> TestClock:
    """After one look at the services: quiet only when nothing was attempted and nothing is under way."""
    quiet = 0 if busy or attempted else clock.quiet + 1
    seen = replace(clock, moved=clock.moved + attempted, quiet=quiet)
    if quiet < QUIET_ROUNDS:
        return seen
    return replace(seen, phase=Phase.STEPPING, run_id=None, quiet=0, idle=seen.moved == 0)


def finished(clock: TestClock, dues: Sequence[datetime | None]) -> bool:
    """Whether the target is reached and nothing is due there that one more step could do."""
    if clock.now != clock.target or clock.steps == 0:
        return False
    return clock.idle or not any(due is not None and due <= clock.now for due in dues)


def stopped(clock: TestClock, *, settled: bool) -> TestClock:
    """The clock at rest: at its target, or (not settled) where it gave up."""
    return replace(clock, target=None, phase=Phase.STANDING, settled=settled, run_id=None, idle=False)
