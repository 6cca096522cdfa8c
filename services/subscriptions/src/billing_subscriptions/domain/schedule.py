"""Schedules of future phases, and changes that wait: set, replaced and taken back until they begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.change import bad_time, refuse_ended, refuse_unsold
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.errors import InvalidChange, ScheduledChangeConflict, ScheduledChangeNotFound
from billing_subscriptions.domain.scheduling import planned, scheduled_with
from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.shape import shaped
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Change, Subscription


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase to come: what changes when it begins."""

    code: str
    start_at: datetime
    change: Change
    wishes: Wishes = Wishes()  # noqa: RUF009 frozen, so safe to share


def set_schedule(before: Subscription, phases: Sequence[Phase], offers: Offers, *, now: datetime) -> Step:
    """Replaces the phases that have not begun; none clears them. Other scheduled changes stay.

    Each phase is tried on what the phases before it leave. Raises SubscriptionIsCanceled, InvalidChange,
    InvalidChangeTime, ScheduledChangeConflict and what changing raises.
    """
    refuse_ended(before)
    _check_order(phases, now)
    _try(before, phases, offers)
    waiting = [
        planned(before, index, each.start_at, each.change, each.wishes, each.code) for index, each in enumerate(phases)
    ]
    others = replace(before, scheduled=tuple(each for each in before.scheduled if not each.phase_code))
    try:
        scheduled = scheduled_with(others, waiting)
    except ScheduledChangeConflict as refusal:
        refusal.violations = tuple(_of_start(phases, refusal.facts, violation) for violation in refusal.violations)
        raise
    after = changed(before, at=now, now=now, scheduled=scheduled)
    return Step(StepKind.SCHEDULE_SET, now, before, after)


def unschedule(before: Subscription, scheduled_change_id: UUID, *, now: datetime) -> Step:
    """Takes back a change that waits. Raises ScheduledChangeNotFound."""
    left = tuple(each for each in before.scheduled if each.id != scheduled_change_id)
    if len(left) == len(before.scheduled):
        raise ScheduledChangeNotFound("no such change waits")
    return Step(StepKind.CHANGE_UNSCHEDULED, now, before, changed(before, at=now, now=now, scheduled=left))


def _check_order(phases: Sequence[Phase], now: datetime) -> None:
    last, codes = now, set[str]()
    for index, each in enumerate(phases):
        field = f"phases[{index}]"
        if each.start_at <= last:
            behind = "now" if index == 0 else "the phase before"
            raise bad_time(f"{field}.start_time", f"does not lie behind {behind}", start_time=each.start_at.isoformat())
        if each.code in codes:
            raise _invalid(f"{field}.code", f"{each.code!r} is used twice")
        if each.change == Change():
            raise _invalid(f"{field}.change", "changes nothing")
        last = each.start_at
        codes.add(each.code)


def _try(before: Subscription, phases: Sequence[Phase], offers: Offers) -> None:
    version = offers.versions[before.plan_version_id]
    for index, each in enumerate(phases):
        try:
            refuse_unsold(each.change, version, offers)
            shape = shaped(before, version, each.change, offers)
        except DomainError as refusal:
            refusal.violations = tuple(_of_phase(index, violation) for violation in refusal.violations)
            raise
        version = shape.version
        before = replace(before, plan_version_id=version.id, plan_id=version.plan_id, items=shape.items)


def _of_phase(index: int, violation: Violation) -> Violation:
    """The field as it is called in the schedule."""
    path = f"phases[{index}].change"
    field = violation.field.removeprefix("change.")
    return replace(violation, field=f"{path}.{field}")


def _of_start(phases: Sequence[Phase], facts: Mapping[str, str], violation: Violation) -> Violation:
    """The start of the phase that conflicts: no two begin at one instant."""
    starts = [each.start_at.isoformat() for each in phases]
    return replace(violation, field=f"phases[{starts.index(facts['effective_time'])}].start_time")


def _invalid(field: str, description: str) -> InvalidChange:
    return InvalidChange(f"{field}: {description}", violations=[Violation(field, description, "schedule.phase")])
