"""Billing runs: what fell due up to an instant becomes invoices; complete when every published due is settled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.money import Money


class RunState(StrEnum):
    """CLAIMING asks subscriptions for more; SETTLING waits for its dues; COMPLETE is the end."""

    CLAIMING = "claiming"
    SETTLING = "settling"
    COMPLETE = "complete"


TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.CLAIMING: frozenset({RunState.SETTLING}),
    RunState.SETTLING: frozenset({RunState.COMPLETE}),
    RunState.COMPLETE: frozenset(),
}
assert set(TRANSITIONS) == set(RunState)


class Mode(StrEnum):
    """What a run makes."""

    DRAFT = "draft"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the dues of a run, counted from what was settled."""

    settled: int = 0
    parked: int = 0
    invoices: int = 0
    totals: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """`published` is what subscriptions said last; everything else of its progress is in the tally."""

    run_id: UUID
    version: int
    as_of: datetime
    mode: Mode
    state: RunState
    published: int
    metadata: Mapping[str, str]
    created_at: datetime
    completed_at: datetime | None = None


def claimed(run: Run, *, published: int, more: bool) -> Run:
    """The run after one more answer of subscriptions. Answers may come twice: `published` never goes back."""
    assert run.state is RunState.CLAIMING
    state = RunState.CLAIMING if more else RunState.SETTLING
    return replace(run, version=run.version + 1, published=max(run.published, published), state=state)


def completed(run: Run, tally: Tally, *, now: datetime) -> Run | None:
    """The finished run; None while dues are open."""
    if run.state is not RunState.SETTLING or tally.settled < run.published:
        return None
    return replace(run, version=run.version + 1, state=RunState.COMPLETE, completed_at=now)
