"""This service's copy of what it needs of customers and subscriptions, made from their events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing_kernel.cycle import Cycle
from billing_kernel.period import Period
from billing_pricing import Price as PriceModel

from billing_usage.domain.event import EXTERNAL

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Name:
    """An external id that meant this customer in [since, until)."""

    external_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """`names` are the external ids it ever had, the present one last; the first one holds since ever, because events
    may arrive before their customer. `version` 0: known from a subscription alone."""

    customer_id: UUID
    version: int
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a metered plan item, `model` with its adjustments; a price never changes."""

    price_id: UUID
    meter_code: str
    currency: str
    model: PriceModel


@dataclass(frozen=True, slots=True)
class Item:
    """A metered subscription item with its present price; `code` is that of the plan item.

    `window_start_at`: since when this price counts, where that is not since the start of the period.
    """

    item_id: UUID
    code: str
    price: Price
    window_start_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription at one version. `cycle` cuts its periods; before it, from `start_at`, lies the trial.

    `items` are the metered ones; the others are known by their ids alone.
    """

    subscription_id: UUID
    customer_id: UUID
    version: int
    start_at: datetime
    cycle: Cycle
    canceled_at: datetime | None
    external_customer_id: str
    items: tuple[Item, ...]
    other_item_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """One way in which events may name a subscription, valid for events in [since, until)."""

    text: str
    since: datetime
    until: datetime


def rename(before: Customer | None, customer_id: UUID, external_id: str, version: int, at: datetime) -> Customer:
    """The customer after an event of `version` at `at`. An older version, or the same name, changes no name."""
    if before is None:
        return Customer(customer_id, version, (Name(external_id, BEGINNING, END),) if external_id else ())
    if version <= before.version:
        return before
    present = before.names[-1] if before.names and before.names[-1].until == END else None
    if (present.external_id if present else "") == external_id:
        return replace(before, version=version)
    kept = (*before.names[:-1], replace(present, until=max(at, present.since))) if present else before.names
    since = at if kept else BEGINNING
    added = (Name(external_id, since, END),) if external_id else ()
    return Customer(customer_id, version, kept + added)


def subjects(subscription: str, customer: str, names: Sequence[Name]) -> list[Subject]:
    """All subjects of a subscription, given its id and its customer's as text, and the customer's names.

    An event that names the customer counts for each of its subscriptions with an item on the event's meter.
    """
    by_id = [Subject(text, BEGINNING, END) for text in (subscription, customer)]
    return by_id + [Subject(EXTERNAL + name.external_id, name.since, name.until) for name in names]


def current_period(subscription: Subscription, now: datetime) -> Period:
    """The period that holds `now`, the trial and what is free before the first boundary being periods too; the last one
    of a canceled subscription; the first one of one that has not begun. Known before the renewal has run.

    Raises InvalidPeriod at the end of the calendar.
    """
    cycle, canceled_at = subscription.cycle, subscription.canceled_at
    instant = min(now, canceled_at - _TICK) if canceled_at else now  # a canceled one ended just before its end
    if instant < cycle.start and subscription.start_at < cycle.start:
        return Period(subscription.start_at, cycle.start)
    lead = cycle.lead()
    if lead is not None and instant < lead.end:
        return lead
    return cycle.period(max(0, cycle.index_at(instant)))


def window_of(item: Item, span: Period) -> Period:
    """The part of `span` in which the item's present price counts; all of it where the price is older."""
    since = item.window_start_at
    return Period(since, span.end) if since is not None and span.start < since < span.end else span
