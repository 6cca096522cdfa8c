"""Fields of a subscription that go with another plan version: its plan, its term, and a new cycle of periods."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.period import Interval, local_day

from billing_subscriptions.domain.agenda import regular_at
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import AlignmentKind
from billing_subscriptions.domain.subscription import Boundary, Subscription

Fields = dict[str, Any]
_BOUNDARIES_BACK = 12


def moved_plan(old: PlanVersion, new: PlanVersion, term_left: int | None) -> Fields:
    """The plan and the term: a new interval begins a term anew, else the `term_left` goes on."""
    if new.id == old.id:
        return {"term_periods_left": term_left}
    term: int | None = new.terms.term_periods or None
    if term is not None and term_left is not None and new.interval == old.interval:
        term = term_left
    return {"plan_id": new.plan_id, "plan_version_id": new.id, "term_periods_left": term}


def anew(before: Subscription, version: PlanVersion, at: datetime) -> Fields:
    """The cycle and period under a version of another interval from `at` on, aligned as that version says.

    A trial or a free stub goes on as it is; before the start the first period is another one; else a new period begins.
    """
    aligned = replace(before, anchor_at=anchor_of(before, version, before.cycle_start_at, before.anchor_at))
    if before.period_index < 0:
        return {"anchor_at": aligned.anchor_at}
    if before.next_boundary is Boundary.START:
        cycle = aligned.cycle(version.interval)
        index = max(cycle.index_at(regular_at(before) or before.period.start), 0)
        return {
            "anchor_at": aligned.anchor_at,
            "period": cycle.period(index),
            "cycle_index": before.period_index - index,
        }
    begun = new_cycle(before, at, anchor_of(before, version, at, at), version.interval, before.period_index + 1)
    return {**begun, **_end_of_period(before, begun["period"].end), "period_billed_minor": 0}


def anchor_of(before: Subscription, version: PlanVersion, start: datetime, otherwise: datetime) -> datetime:
    """The anchor of a cycle of the version that begins at `start`; `otherwise` on anniversaries."""
    alignment = version.terms.alignment
    if alignment.kind is AlignmentKind.ANNIVERSARY:
        return otherwise
    return alignment.anchor(start, before.zone, version.interval)


def _end_of_period(before: Subscription, end: datetime) -> Fields:
    """A cancelation with the end of the period goes along with the period."""
    asked = before.cancelation
    if asked is None or asked.at != before.period.end:
        return {}
    planned = before.planned_end_at
    return {"cancelation": replace(asked, at=end), "ends_at": end if planned is None else min(end, planned)}


def new_cycle(before: Subscription, at: datetime, anchor: datetime, interval: Interval, index: int) -> Fields:
    """A cycle of periods that begins at `at`; its first period has the index."""
    return {
        "anchor_at": anchor,
        "cycle_start_at": at,
        "cycle_index": index,
        "first_stub": FirstStub.SHORT,
        "period": Cycle(anchor, before.zone, interval, at).period(0),
        "period_index": index,
        "committed_from": None,
    }


def remembered_anchor(before: Subscription, old: Interval, new: Interval, at: datetime) -> datetime:
    """The anchor of another interval from a boundary of the old one on.

    A boundary on the last day of a short month goes back to one of the old boundaries that had the anchor day, if the
    new ones then fall on `at` as well.
    """
    day = local_day(before.anchor_at, before.zone).day
    if local_day(at, before.zone).day == day:
        return at
    old_grid = Cycle(before.anchor_at, before.zone, old, before.anchor_at)
    last = old_grid.index_at(at)
    for index in range(last - 1, max(last - 1 - _BOUNDARIES_BACK, -1), -1):
        found = old_grid.period(index).start
        new_grid = Cycle(found, before.zone, new, found)
        if local_day(found, before.zone).day == day and new_grid.period(new_grid.index_at(at)).start == at:
            return found
    return at
