"""Quantities of seat items over time: a schedule of steps, so that a change never reaches back into a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Step:
    """From this instant on the quantity is this one."""

    from_at: datetime
    quantity: Fraction


Steps = tuple[Step, ...]


def quantity_at(steps: Sequence[Step], instant: datetime) -> Fraction:
    """The quantity at an instant; before the first step that step's."""
    reached = [step.quantity for step in steps if step.from_at <= instant]
    return reached[-1] if reached else steps[0].quantity


def schedule(steps: Steps, step: Step) -> Steps:
    """The steps with a new last one; a later or equal one of before is replaced."""
    return (*(each for each in steps if each.from_at < step.from_at), step)


def pending(steps: Steps, instant: datetime) -> Fraction | None:
    """The last quantity that is planned for after `instant`; None when nothing is."""
    return steps[-1].quantity if steps and steps[-1].from_at > instant else None


def prune(steps: Steps, instant: datetime) -> Steps:
    """The steps without those that a later one has replaced at `instant`."""
    first = max((index for index, step in enumerate(steps) if step.from_at <= instant), default=0)
    return steps[first:]
