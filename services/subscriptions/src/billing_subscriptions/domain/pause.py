"""Pause and resume, by call."""

from dataclasses import dataclass
from datetime import datetime

from billing_kernel.proration import Proration

from billing_subscriptions.domain.change import bad_time, refuse_ended
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import InvalidTransition
from billing_subscriptions.domain.pausing import end_pause, paused
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Pause, PauseBilling, State, Subscription, moved


@dataclass(frozen=True, slots=True)
class PauseOrder:
    """A pause as it is asked for; `at` is the instant of ChangeWhen.ON_DATE, `resume_at` None: until it is resumed.

    `proration` and `settlement` of what VOID makes; None: as Pause says.
    """

    billing: PauseBilling
    when: ChangeWhen = ChangeWhen.NOW
    at: datetime | None = None
    resume_at: datetime | None = None
    proration: Proration | None = None
    settlement: Settlement | None = None


def pause(before: Subscription, order: PauseOrder, offers: Offers, prices: PriceBook, *, now: datetime) -> Step:
    """Pauses now, or plans a pause; a planned one is replaced. The subscription is caught up to `now`.

    Raises SubscriptionIsCanceled, InvalidTransition, InvalidChangeTime.
    """
    refuse_ended(before)
    moved(before.state, State.PAUSED)
    since = _since(before, order, now)
    if order.resume_at is not None and order.resume_at <= since:
        raise bad_time("resume_time", "does not lie behind the beginning of the pause", start=since.isoformat())
    if before.ends_at is not None and since >= before.ends_at:
        raise bad_time("effective_time", "lies behind the end", end=before.ends_at.isoformat())
    wanted = Pause(since, order.resume_at, order.billing, order.proration, order.settlement)
    if since <= now:
        return paused(before, offers.versions[before.plan_version_id], wanted, prices, at=now, now=now)
    return Step(StepKind.PAUSE_SCHEDULED, now, before, changed(before, at=now, now=now, pause=wanted))


def resume(
    before: Subscription,
    offers: Offers,
    prices: PriceBook,
    *,
    now: datetime,
    settlement: Settlement = Settlement.AT_ONCE,
) -> Step:
    """Ends the pause now, or takes back one that has not begun. The subscription is caught up to `now`.

    `settlement` of the charges for the rest of the period and of what was held.

    Raises SubscriptionIsCanceled, InvalidTransition.
    """
    refuse_ended(before)
    if before.state is State.PAUSED:
        return end_pause(before, offers, prices, at=now, now=now, settlement=settlement)
    if before.pause is None:
        facts = {"from": before.state.value, "to": State.ACTIVE.value}
        raise InvalidTransition(f"a subscription that is {before.state} is not resumed", facts=facts)
    return Step(StepKind.CHANGE_UNSCHEDULED, now, before, changed(before, at=now, now=now, pause=None))


def _since(before: Subscription, order: PauseOrder, now: datetime) -> datetime:
    if (order.when is ChangeWhen.ON_DATE) != (order.at is not None):
        raise bad_time("effective_time", "is needed with ON_DATE" if order.at is None else "belongs to ON_DATE")
    if order.at is None:
        return now if order.when is ChangeWhen.NOW else before.period.end
    if order.at < now:
        raise bad_time("effective_time", "lies in the past", now=now.isoformat())
    return order.at
