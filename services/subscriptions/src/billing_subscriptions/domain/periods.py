"""Regular boundaries: the start, the end of the trial, the end of a period. One thing is closed, the next opened."""

from dataclasses import replace
from datetime import datetime, timedelta

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.commitments import commitment_of
from billing_subscriptions.domain.ending import end_state, finished
from billing_subscriptions.domain.items import Frame
from billing_subscriptions.domain.moves import Fields, anchor_of, anew, moved_plan, new_cycle, remembered_anchor
from billing_subscriptions.domain.opening import closing, opening
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import TrialEnd
from billing_subscriptions.domain.settling import changed, regular
from billing_subscriptions.domain.step import Offers, Step, StepKind, regular_due
from billing_subscriptions.domain.subscription import Boundary, Pause, PauseBilling, State, Subscription, moved
from billing_subscriptions.domain.turning import Turn, running, turned

GATE = timedelta(hours=23)  # how long a first payment is waited for


def period_end(before: Subscription, offers: Offers, prices: PriceBook, *, at: datetime, now: datetime) -> Step:
    """The period is charged in arrears, and the next one opened and charged ahead, unless the subscription ends."""
    version = offers.versions[before.plan_version_id]
    frame = Frame(before, version, prices)
    paid = before.period_index >= 0 and not before.voided
    made = closing(frame, at) if paid else []
    key, commitment = regular_due(before.id, before.period_index + 1), commitment_of(frame, at)
    state = end_state(before, version, at)
    if state is not None:
        return finished(before, state, made, key, at=at, now=now, commitment=commitment)
    turn = turned(before, version, offers, prices, at, renews=before.period_index >= 0)
    term_left = _term_left(before, version) if paid else before.term_periods_left
    fields = _onward(before, version, turn, at) | moved_plan(version, turn.version, term_left)
    after = changed(before, at=at, now=now, **fields)
    items, charges = opening(Frame(after, turn.version, prices))
    kind = turn.kind or StepKind.RENEWED
    made += charges
    return regular(kind, before, after, made, key, at=at, commitment=commitment, rules=turn.rules, items=items)


def start_boundary(before: Subscription, offers: Offers, prices: PriceBook, *, at: datetime, now: datetime) -> Step:
    """The trial, a free stub or the first paid period begins; a payment gate waits where there is something to pay."""
    version, key = offers.versions[before.plan_version_id], regular_due(before.id, 0)
    state = end_state(before, version, at)
    if state is not None:
        return finished(before, state, [], key, at=at, now=now)
    turn = turned(before, version, offers, prices, at, renews=False)
    fields = _with_plan(before, version, turn)
    if turn.version.interval != version.interval:
        fields |= anew(before, turn.version, at)
    trial = before.period_index < 0 and before.trial_end_at is not None
    fields["next_boundary"] = Boundary.TRIAL_END if trial else Boundary.PERIOD_END
    if before.state is State.SCHEDULED:
        fields["state"] = moved(State.SCHEDULED, State.TRIALING if trial else State.ACTIVE)
    after = changed(before, at=at, now=now, **fields)
    if before.period_index < 0:
        return Step(turn.kind or StepKind.STARTED, at, before, after, rules=turn.rules)
    items, charges = opening(Frame(after, turn.version, prices))
    if before.payment_gated and before.state is State.SCHEDULED and sum(each.rounded_minor for each in charges) > 0:
        fields |= {"state": moved(before.state, State.INCOMPLETE), "expires_at": at + GATE}
        after = changed(before, at=at, now=now, **fields)
    return regular(turn.kind or StepKind.STARTED, before, after, charges, key, at=at, rules=turn.rules, items=items)


def trial_end(
    before: Subscription,
    offers: Offers,
    prices: PriceBook,
    *,
    at: datetime,
    now: datetime,
    has_payment_method: bool = True,
) -> Step:
    """The first paid period begins, unless the version cancels or pauses trials of customers without payment method."""
    version, key = offers.versions[before.plan_version_id], regular_due(before.id, 0)
    state = end_state(before, version, at)
    if state is None and not has_payment_method and version.terms.trial_end is TrialEnd.CANCEL:
        state = State.CANCELED
    if state is not None:
        return finished(before, state, [], key, at=at, now=now)
    turn = turned(before, version, offers, prices, at, renews=False)
    if not has_payment_method and version.terms.trial_end is TrialEnd.PAUSE and turn.state is State.TRIALING:
        pause = Pause(at, None, PauseBilling.VOID)
        turn = replace(turn, state=moved(turn.state, State.PAUSED), pause=pause, kind=StepKind.PAUSED)
    if turn.state is State.PAUSED and turn.pause is not None and turn.pause.billing is PauseBilling.VOID:
        after = changed(before, at=at, now=now, **_with_plan(before, version, turn))
        return Step(turn.kind or StepKind.PAUSED, at, before, after, rules=turn.rules)
    return first_period(before, version, turn, prices, at=at, now=now)


def first_period(
    before: Subscription, version: PlanVersion, turn: Turn, prices: PriceBook, *, at: datetime, now: datetime
) -> Step:
    """A trial is over: the first paid period, or the free stub before it, begins at `at`."""
    fields = _with_plan(before, version, turn)
    if turn.state is State.TRIALING:
        fields["state"] = moved(State.TRIALING, running(before))
    cycle = before.cycle(turn.version.interval)
    if before.cycle_start_at != at:
        fields |= new_cycle(before, at, anchor_of(before, turn.version, at, at), turn.version.interval, 0)
    else:
        lead = cycle.lead()
        fields |= {"period": lead or cycle.period(0), "period_index": -1 if lead else 0}
    fields["next_boundary"] = Boundary.PERIOD_END
    after = changed(before, at=at, now=now, **fields)
    kind = turn.kind or StepKind.TRIAL_ENDED
    if after.period_index < 0:
        return Step(kind, at, before, after, rules=turn.rules)
    items, charges = opening(Frame(after, turn.version, prices))
    return regular(kind, before, after, charges, regular_due(before.id, 0), at=at, rules=turn.rules, items=items)


def _with_plan(before: Subscription, version: PlanVersion, turn: Turn) -> Fields:
    return moved_plan(version, turn.version, before.term_periods_left) | {
        "committed_from": None,
        "state": turn.state,
        "pause": turn.pause,
        "items": turn.items,
        "scheduled": turn.scheduled,
    }


def _onward(before: Subscription, version: PlanVersion, turn: Turn, at: datetime) -> Fields:
    """The next period; under another interval, or behind a free stub that does not meet it, a cycle of its own."""
    fields, index, interval = _with_plan(before, version, turn), before.period_index + 1, turn.version.interval
    if interval != version.interval:
        anchor = remembered_anchor(before, version.interval, interval, at) if before.period_index >= 0 else at
        return fields | new_cycle(before, at, anchor_of(before, turn.version, at, anchor), interval, index)
    following = before.cycle(interval).period(index - before.cycle_index)
    if following.start != at:
        return fields | new_cycle(before, at, anchor_of(before, turn.version, at, at), interval, index)
    # Nearly always what falls due next: `changed` looks, and makes another copy only where something comes before.
    return fields | {"period": following, "period_index": index, "next_due_at": following.end}


def _term_left(before: Subscription, version: PlanVersion) -> int | None:
    """Paid periods left of the term; a term that is renewed begins anew."""
    if before.term_periods_left is None:
        return None
    return before.term_periods_left - 1 or version.terms.term_periods or None
