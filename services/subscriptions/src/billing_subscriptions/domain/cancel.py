"""Cancelations: now, at the end of the period or on a date, with or without credit, undone until they happen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing_kernel.proration import Proration

from billing_subscriptions.domain.change import bad_time, refuse_ended
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.ending import ended_now
from billing_subscriptions.domain.errors import NotCanceling
from billing_subscriptions.domain.policy import Settlement
from billing_subscriptions.domain.settling import changed
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Cancelation, State, Subscription


class CancelAt(StrEnum):
    NOW = "NOW"
    PERIOD_END = "PERIOD_END"
    ON_DATE = "ON_DATE"


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A cancelation as it is asked for; `on` is the instant of ON_DATE.

    `credit`: what was paid ahead is given back, prorated by `proration`, else by the rule of the plan version.
    """

    at: CancelAt
    on: datetime | None = None
    credit: bool = False
    proration: Proration | None = None
    settlement: Settlement | None = None


def cancel(before: Subscription, order: CancelOrder, offers: Offers, prices: PriceBook, *, now: datetime) -> Step:
    """Ends the subscription now, or plans its end; a planned one is replaced. It is caught up to `now`.

    Raises SubscriptionIsCanceled, InvalidChangeTime.
    """
    refuse_ended(before)
    ends_at = _ends_at(before, order, now)
    asked = Cancelation(ends_at, order.credit, order.proration, order.settlement)
    if ends_at <= now:
        version = offers.versions[before.plan_version_id]
        return ended_now(before, version, prices, State.CANCELED, asked, at=now, now=now)
    after = changed(before, at=now, now=now, cancelation=asked, ends_at=_earliest(ends_at, before.planned_end_at))
    return Step(StepKind.CANCEL_SCHEDULED, now, before, after)


def undo_cancel(before: Subscription, *, now: datetime) -> Step:
    """Takes a planned cancelation back; an end agreed at the start counts again.

    Raises SubscriptionIsCanceled, NotCanceling.
    """
    refuse_ended(before)
    if before.cancelation is None:
        raise NotCanceling("no cancelation is planned")
    after = changed(before, at=now, now=now, cancelation=None, ends_at=before.planned_end_at)
    return Step(StepKind.CANCEL_UNDONE, now, before, after)


def _ends_at(before: Subscription, order: CancelOrder, now: datetime) -> datetime:
    if (order.at is CancelAt.ON_DATE) != (order.on is not None):
        raise bad_time("effective_time", "is needed with ON_DATE" if order.on is None else "belongs to ON_DATE")
    if order.at is CancelAt.NOW:
        return now
    if order.on is None:
        return before.period.end
    if order.on < now:
        raise bad_time("effective_time", "lies in the past", now=now.isoformat())
    if order.on <= before.started_at and order.on > now:
        raise bad_time("effective_time", "does not lie behind the start", start=before.started_at.isoformat())
    if before.planned_end_at is not None and order.on >= before.planned_end_at:
        raise bad_time("effective_time", "lies behind the planned end", end=before.planned_end_at.isoformat())
    return order.on


def _earliest(ends_at: datetime, planned_end_at: datetime | None) -> datetime:
    return ends_at if planned_end_at is None else min(ends_at, planned_end_at)
