"""Boundaries: what happens to a subscription by itself, one step at a time, and catching up with all of them."""

from dataclasses import replace
from datetime import datetime

from billing_subscriptions.domain.agenda import Happening, next_entry
from billing_subscriptions.domain.change import take
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.ending import ended, expired
from billing_subscriptions.domain.errors import RenewalsBehind
from billing_subscriptions.domain.pausing import begin_pause, end_pause
from billing_subscriptions.domain.periods import period_end, start_boundary, trial_end
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Boundary, Subscription
from billing_subscriptions.domain.turning import parts_due

CATCH_UP_MAX = 36  # boundaries that a command claims on its way; more are left to the renewals


def boundary(
    before: Subscription, offers: Offers, prices: PriceBook, *, now: datetime, has_payment_method: bool = True
) -> Step:
    """Claims the next thing that happens to a subscription that has one. `now` is when it is recorded."""
    entry = next_entry(before)
    assert entry is not None, "only what is due is claimed"
    at, happening = entry
    if happening is Happening.REGULAR:
        if before.next_boundary is Boundary.PERIOD_END:
            return period_end(before, offers, prices, at=at, now=now)
        if before.next_boundary is Boundary.START:
            return start_boundary(before, offers, prices, at=at, now=now)
        return trial_end(before, offers, prices, at=at, now=now, has_payment_method=has_payment_method)
    if happening is Happening.CHANGE:
        return _scheduled_change(before, offers, prices, at=at, now=now)
    if happening is Happening.END:
        return ended(before, offers, prices, at=at, now=now)
    if happening is Happening.RESUME:
        return end_pause(before, offers, prices, at=at, now=now)
    if happening is Happening.PAUSE:
        return begin_pause(before, offers, prices, at=at, now=now)
    return expired(before, at=at, now=now)


def catch_up(
    before: Subscription,
    offers: Offers,
    prices: PriceBook,
    *,
    now: datetime,
    has_payment_method: bool = True,
    limit: int = CATCH_UP_MAX,
) -> list[Step]:
    """Everything that fell due at or before `now`, in order, each step dated when it happened.

    Raises RenewalsBehind where that is more than `limit` steps.
    """
    steps: list[Step] = []
    while before.next_due_at is not None and before.next_due_at <= now:
        if len(steps) == limit:
            facts = {"next_due_time": before.next_due_at.isoformat(), "limit": str(limit)}
            raise RenewalsBehind(f"more than {limit} boundaries were not claimed yet", facts=facts)
        steps.append(boundary(before, offers, prices, now=now, has_payment_method=has_payment_method))
        before = steps[-1].after
    return steps


def _scheduled_change(before: Subscription, offers: Offers, prices: PriceBook, *, at: datetime, now: datetime) -> Step:
    """The first change whose time has come inside a period; what of it cannot be done any more is left out."""
    due, *left = before.scheduled
    without = replace(before, scheduled=tuple(left))
    parts = parts_due(without, offers.versions[before.plan_version_id], due, offers, prices, at)
    if not parts:
        after = changed(before, at=at, now=now, scheduled=tuple(left))
        return Step(StepKind.CHANGE_UNSCHEDULED, at, before, after)
    parts = tuple(replace(part, rule=replace(part.rule, when=ChangeWhen.ON_DATE)) for part in parts)
    step = take(without, parts, offers, prices, at=at, now=now, strict=False)
    return replace(step, before=before)
