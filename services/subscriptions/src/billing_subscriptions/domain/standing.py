"""What payments and labels do to a subscription."""

from collections.abc import Mapping
from datetime import datetime

from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.step import Step, StepKind
from billing_subscriptions.domain.subscription import State, Subscription, moved


def mark_standing(before: Subscription, *, unpaid: bool, at: datetime, now: datetime) -> Step | None:
    """Past due with an unpaid invoice, active without; an incomplete one runs with its first payment.

    Others only remember it until they run again. None where nothing changes, and for what has ended.
    """
    if before.ended:
        return None
    if not unpaid and before.state is State.INCOMPLETE:
        state = moved(before.state, State.ACTIVE)
        after = changed(before, at=at, now=now, state=state, unpaid=False, expires_at=None)
        return Step(StepKind.ACTIVATED, at, before, after)
    if before.unpaid == unpaid:
        return None
    state = before.state
    if unpaid and state is State.ACTIVE:
        state = moved(state, State.PAST_DUE)
    elif not unpaid and state is State.PAST_DUE:
        state = moved(state, State.ACTIVE)
    kind = StepKind.PAST_DUE if unpaid else StepKind.PAID
    return Step(kind, at, before, changed(before, at=at, now=now, state=state, unpaid=unpaid))


def relabel(before: Subscription, external_id: str, metadata: Mapping[str, str], *, now: datetime) -> Step:
    """The subscription under another external id and other labels."""
    after = changed(before, at=now, now=now, external_id=external_id, metadata=metadata)
    return Step(StepKind.RELABELED, now, before, after)
