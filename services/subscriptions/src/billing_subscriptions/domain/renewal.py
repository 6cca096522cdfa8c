"""Renewals: one claimed boundary of one subscription, what it bills and what the subscription is afterwards."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from billing_kernel.period import Interval, Period, period

from billing_subscriptions.domain.charges import Charge, PriceBook, advance_charges, arrears_charges
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.quantity import prune
from billing_subscriptions.domain.subscription import Boundary, State, Subscription, SubscriptionItem, moved

DUES = UUID("0b7c2c8e-58c4-5b6b-8a8f-0f5b1c8c0c5e")  # the namespace of due ids, fixed for good


@dataclass(frozen=True, slots=True)
class Renewal:
    """One boundary. `index` counts the boundaries that bill: 0 is the start or the end of the trial.

    No charges: there is no due. Quantities and prices are those of `before`'s version.
    """

    due_id: UUID
    index: int
    at: datetime
    before: Subscription
    after: Subscription
    charges: tuple[Charge, ...]


def renew(before: Subscription, version: PlanVersion, prices: PriceBook, *, now: datetime) -> Renewal:
    """Claims the next boundary of a subscription that has one."""
    at = before.next_due_at
    assert at is not None, "only what is due is renewed"
    ended = before.ends_at is not None and at >= before.ends_at
    ending = before.next_boundary is Boundary.PERIOD_END
    charges = arrears_charges(before, version, prices, at) if ending else ()
    if ended:
        after = _finished(before, at)
    else:
        after = _advanced(before, version.interval)
        charges += advance_charges(after, version, prices)
    index = before.period_index + 1 if before.next_boundary is not Boundary.START else 0
    after = replace(after, version=before.version + 1, updated_at=max(now, before.updated_at))
    return Renewal(uuid5(DUES, f"{before.id}|{index}"), index, at, before, after, charges)


def _finished(before: Subscription, at: datetime) -> Subscription:
    state = before.state if before.state is State.CANCELED else moved(before.state, State.CANCELED)
    return replace(before, state=state, canceled_at=before.canceled_at or before.ends_at, next_due_at=None)


def _advanced(before: Subscription, interval: Interval) -> Subscription:
    """The subscription in the period that begins; at the start that is the period it already has."""
    starts = before.next_boundary is Boundary.START
    index = before.period_index if starts else before.period_index + 1
    running = before.period if starts else period(before.anchor_at, before.zone, interval, index)
    return replace(
        before,
        state=moved(State.TRIALING, State.ACTIVE) if before.state is State.TRIALING else before.state,
        period=running,
        period_index=index,
        items=tuple(_pruned(item, running) for item in before.items),
        next_due_at=min(running.end, before.ends_at or running.end),
        next_boundary=Boundary.PERIOD_END,
    )


def _pruned(item: SubscriptionItem, running: Period) -> SubscriptionItem:
    return replace(item, steps=prune(item.steps, running.start)) if len(item.steps) > 1 else item
