"""Changes that wait for their time: which may stand beside each other."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from uuid import UUID, uuid5

from billing_kernel.errors import Violation

from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.errors import ScheduledChangeConflict
from billing_subscriptions.domain.subscription import Change, ScheduledChange, Subscription

SCHEDULED = UUID("c3f0d7be-9a0f-5f4d-8b0e-7d5a2c1b6e44")  # the namespace of scheduled change ids, fixed for good
SCHEDULED_MAX = 100


def planned(
    before: Subscription, number: int, at: datetime, wanted: Change, wishes: Wishes, phase_code: str = ""
) -> ScheduledChange:
    """A change that waits until `at`; `number` tells those of one step apart. Its id is the same in a preview."""
    made = uuid5(SCHEDULED, f"{before.id}|{before.version + 1}|{number}")
    return ScheduledChange(made, at, wanted, wishes.proration, wishes.settlement, phase_code)


def scheduled_with(
    before: Subscription, waiting: Sequence[ScheduledChange], *, replaces: bool = False
) -> tuple[ScheduledChange, ...]:
    """The scheduled changes of `before` and these, in the order of time.

    `replaces`: one that contradicts a new one goes. Raises ScheduledChangeConflict.
    """
    there = list(before.scheduled)
    for each in waiting:
        if before.ends_at is not None and each.at >= before.ends_at:
            raise _conflict(f"the subscription ends at {before.ends_at.isoformat()}, before the change", each.at)
        against = [other for other in there if contradicts(each, other)]
        if against and not replaces:
            raise _conflict("another change of the same waits for the same instant", each.at, against[0])
        there = [*(other for other in there if other not in against), each]
    if len(there) > SCHEDULED_MAX:
        raise _conflict(f"no more than {SCHEDULED_MAX} changes wait at a time", waiting[-1].at)
    return tuple(sorted(there, key=lambda each: (each.at, each.change.plan_version_id is None)))


def without_waiting(scheduled: Sequence[ScheduledChange], codes: Set[str]) -> tuple[ScheduledChange, ...]:
    """What still waits where the quantities of these items were set now: those of phases and of plan changes."""
    found = []
    for each in scheduled:
        wanted = each.change
        if codes & wanted.codes and not each.phase_code and wanted.plan_version_id is None:
            quantities, add_ons = _but(wanted.quantities, codes), _but(wanted.add_ons, codes)
            wanted = replace(wanted, quantities=quantities, add_ons=add_ons)
            each = replace(each, change=wanted)
        if wanted != Change():
            found.append(each)
    return tuple(found)


def _but(quantities: Mapping[str, Fraction], codes: Set[str]) -> dict[str, Fraction]:
    return {code: quantity for code, quantity in quantities.items() if code not in codes}


def contradicts(one: ScheduledChange, other: ScheduledChange) -> bool:
    """Both change the plan, or the same item, at one instant."""
    if one.at != other.at:
        return False
    both_plans = one.change.plan_version_id is not None and other.change.plan_version_id is not None
    return both_plans or bool(one.change.codes & other.change.codes)


def _conflict(text: str, at: datetime, other: ScheduledChange | None = None) -> ScheduledChangeConflict:
    facts = {"effective_time": at.isoformat()} | ({"scheduled_change": str(other.id)} if other else {})
    return ScheduledChangeConflict(
        text, facts=facts, violations=[Violation("effective_time", text, "schedule.conflict")]
    )
