"""Subscriptions: a customer's agreement to a plan version, its states and the changes that callers and events make."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.money import CurrencyMismatch
from billing_kernel.period import Interval, Period, index_at, period
from billing_pricing import rate

from billing_subscriptions.domain.customer import Customer, CustomerState
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    InvalidQuantity,
    PlanVersionNotPublished,
    StartInFuture,
    StartTooOld,
    SubscriptionIsCanceled,
    SubscriptionItemNotFound,
)
from billing_subscriptions.domain.plan import ItemKind, NewId, PlanItem, PlanVersion, PlanVersionState
from billing_subscriptions.domain.quantity import Step, Steps, quantity_at, schedule

PERIODS_BEHIND_MAX = 1200  # a start this many periods ago would be a mistake: each period is a due of its own


class State(StrEnum):
    TRIALING = "TRIALING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    CANCELED = "CANCELED"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.TRIALING: frozenset({State.ACTIVE, State.CANCELED}),
    State.ACTIVE: frozenset({State.PAST_DUE, State.CANCELED}),
    State.PAST_DUE: frozenset({State.ACTIVE, State.CANCELED}),
    State.CANCELED: frozenset(),
}
assert set(TRANSITIONS) == set(State)


class Boundary(StrEnum):
    """What the next due is: the start (advance charges), the end of the trial, or the end of a period."""

    START = "START"
    TRIAL_END = "TRIAL_END"
    PERIOD_END = "PERIOD_END"


class CancelAt(StrEnum):
    NOW = "NOW"
    PERIOD_END = "PERIOD_END"


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """`steps` is the schedule of the quantity; empty for metered items."""

    id: UUID
    plan_item_id: UUID
    code: str
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """`period` is the last one whose beginning was claimed, or the trial (`period_index` -1).

    `ends_at` is when it ends or ended; `next_due_at` is None once nothing falls due any more.
    """

    id: UUID
    external_id: str
    customer_id: UUID
    plan_version_id: UUID
    state: State
    currency: str
    zone: str
    anchor_at: datetime
    started_at: datetime
    period: Period
    period_index: int
    trial_end_at: datetime | None
    ends_at: datetime | None
    canceled_at: datetime | None
    next_due_at: datetime | None
    next_boundary: Boundary
    items: tuple[SubscriptionItem, ...]
    seller_id: UUID | None
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def cancels_at_period_end(self) -> bool:
        return self.ends_at is not None and self.state is not State.CANCELED

    @property
    def running_period(self) -> Period | None:
        """The current period as far as it runs; None when the subscription ended at its very start."""
        if self.ends_at is None or self.ends_at >= self.period.end:
            return self.period
        return Period(self.period.start, self.ends_at) if self.ends_at > self.period.start else None


@dataclass(frozen=True, slots=True)
class Order:
    """A subscription as it is asked for. `quantities` by item code; None: start now, the plan's trial."""

    external_id: str = ""
    start_at: datetime | None = None
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    trial_days: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def start(order: Order, customer: Customer, version: PlanVersion, *, new_id: NewId, now: datetime) -> Subscription:
    """A new subscription; its first due is its start, or the end of its trial.

    Raises CustomerArchived, PlanVersionNotPublished, CurrencyMismatch, StartInFuture, StartTooOld, InvalidQuantity.
    """
    _check_sellable(customer, version)
    zone, started_at = customer.terms.zone, order.start_at or now
    _check_start(started_at, zone, version.interval, now)
    trial_days = version.trial_days if order.trial_days is None else order.trial_days
    first = period(started_at, zone, Interval("day", trial_days) if trial_days else version.interval, 0)
    anchor_at = first.end if trial_days else started_at
    return Subscription(
        id=new_id(),
        external_id=order.external_id,
        customer_id=customer.id,
        plan_version_id=version.id,
        state=State.TRIALING if trial_days else State.ACTIVE,
        currency=version.currency,
        zone=zone,
        anchor_at=anchor_at,
        started_at=started_at,
        period=first,
        period_index=-1 if trial_days else 0,
        trial_end_at=anchor_at if trial_days else None,
        ends_at=None,
        canceled_at=None,
        next_due_at=anchor_at,
        next_boundary=Boundary.TRIAL_END if trial_days else Boundary.START,
        items=_items(order, version, started_at, new_id),
        seller_id=customer.seller_id,
        metadata=order.metadata,
        version=1,
        created_at=now,
        updated_at=now,
    )


def relabel(before: Subscription, external_id: str, metadata: Mapping[str, str], *, now: datetime) -> Subscription:
    """The subscription under another external id and other labels."""
    return _changed(replace(before, external_id=external_id, metadata=metadata), now)


def change_quantity(
    before: Subscription, version: PlanVersion, code: str, quantity: Fraction, *, now: datetime
) -> Subscription:
    """The quantity of a seat item from the next period on. A second change for the same period replaces the first.

    Raises SubscriptionIsCanceled, SubscriptionItemNotFound, InvalidQuantity.
    """
    _refuse_canceled(before)
    plan_item = {item.code: item for item in version.items}.get(code)
    if plan_item is None:
        raise SubscriptionItemNotFound(f"the subscription has no item {code!r}")
    check_quantity(plan_item, quantity, version.currency)
    step = Step(end_of_running_period(before, version.interval, now), quantity)
    items = tuple(
        replace(item, steps=schedule(item.steps, step)) if item.code == code else item for item in before.items
    )
    return _changed(replace(before, items=items), now)


def cancel(before: Subscription, version: PlanVersion, at: CancelAt, *, now: datetime) -> Subscription:
    """Ends the subscription now, or with the period that runs now. Raises SubscriptionIsCanceled.

    Whatever fell due before stays due; an end inside a period makes that instant the last due.
    """
    _refuse_canceled(before)
    if at is CancelAt.PERIOD_END:
        ends_at = before.ends_at or end_of_running_period(before, version.interval, now)
        return _changed(replace(before, ends_at=ends_at), now)
    ends_at = max(min(now, before.ends_at or now), before.started_at)
    canceled = replace(before, state=moved(before.state, State.CANCELED), ends_at=ends_at, canceled_at=ends_at)
    return _changed(replace(canceled, next_due_at=_last_due(before, ends_at)), now)


def mark_standing(before: Subscription, *, unpaid: bool, now: datetime) -> Subscription:
    """Past due with an unpaid invoice, active without; itself when nothing changes or neither state applies."""
    after = {State.ACTIVE: State.PAST_DUE} if unpaid else {State.PAST_DUE: State.ACTIVE}
    if before.state not in after:
        return before
    return _changed(replace(before, state=moved(before.state, after[before.state])), now)


def end_of_running_period(subscription: Subscription, interval: Interval, now: datetime) -> datetime:
    """When the period that contains `now` ends, whether or not it was claimed yet; in a trial, the end of the trial."""
    if now < subscription.anchor_at:
        return subscription.anchor_at
    anchor_at, zone = subscription.anchor_at, subscription.zone
    return period(anchor_at, zone, interval, index_at(anchor_at, zone, interval, now)).end


def moved(before: State, after: State) -> State:
    """`after`, which the table of transitions must permit."""
    assert after in TRANSITIONS[before], f"{before} never becomes {after}"
    return after


def check_quantity(item: PlanItem, quantity: Fraction, currency: str) -> None:
    """Raises InvalidQuantity unless the item is sold by seats and the quantity has a price."""
    if item.kind is not ItemKind.SEAT:
        raise InvalidQuantity(f"the quantity of {item.code!r} is not the subscriber's to choose")
    if quantity < 0:
        raise InvalidQuantity(f"the quantity of {item.code!r} is negative")
    try:
        rate(item.model, quantity, currency)
    except DomainError as error:
        raise InvalidQuantity(f"{item.code!r}: {error.message}") from error


def _check_sellable(customer: Customer, version: PlanVersion) -> None:
    if customer.state is CustomerState.ARCHIVED:
        raise CustomerArchived("an archived customer takes no subscription")
    if version.state is not PlanVersionState.PUBLISHED:
        raise PlanVersionNotPublished("only a published plan version is sold")
    if customer.terms.currency != version.currency:
        facts = {"customer": customer.terms.currency, "plan_version": version.currency}
        raise CurrencyMismatch("the plan version is sold in another currency than the customer's", facts=facts)


def _check_start(started_at: datetime, zone: str, interval: Interval, now: datetime) -> None:
    if started_at > now:
        raise StartInFuture("a subscription starts now or in the past", facts={"now": now.isoformat()})
    if index_at(started_at, zone, interval, now) > PERIODS_BEHIND_MAX:
        raise StartTooOld(f"the start lies more than {PERIODS_BEHIND_MAX} periods in the past")


def _items(order: Order, version: PlanVersion, started_at: datetime, new_id: NewId) -> tuple[SubscriptionItem, ...]:
    known = {item.code: item for item in version.items}
    for code, quantity in order.quantities.items():
        if code not in known:
            raise InvalidQuantity(f"the plan version has no item {code!r}")
        check_quantity(known[code], quantity, version.currency)
    return tuple(
        SubscriptionItem(new_id(), item.id, item.code, _first_steps(item, order, started_at)) for item in version.items
    )


def _first_steps(item: PlanItem, order: Order, started_at: datetime) -> Steps:
    if item.kind is ItemKind.METERED:
        return ()
    return (Step(started_at, order.quantities.get(item.code, Fraction(1))),)


def _last_due(before: Subscription, ends_at: datetime) -> datetime | None:
    """What is still due once a subscription ends at `ends_at`; nothing when it ends before anything was ever due."""
    due_at = before.next_due_at
    assert due_at is not None, "a subscription that runs has a next due"
    first = before.next_boundary is not Boundary.PERIOD_END
    if first and (ends_at < due_at or ends_at == before.started_at):
        return None
    if ends_at == before.period.start and not first:
        return None
    return min(due_at, ends_at)


def _refuse_canceled(subscription: Subscription) -> None:
    if subscription.state is State.CANCELED:
        raise SubscriptionIsCanceled("the subscription has ended")


def _changed(after: Subscription, now: datetime) -> Subscription:
    return replace(after, version=after.version + 1, updated_at=now)


def quantity_of(item: SubscriptionItem, instant: datetime) -> Fraction:
    """The quantity of an item at an instant; metered items have none."""
    return quantity_at(item.steps, instant)
