"""Looking ahead by the rules themselves: what falls due next, what a waiting change makes, the periods of a cycle."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from billing_kernel.cycle import Cycle
from billing_kernel.errors import Violation
from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.period import Interval, InvalidPeriod, Period, utc
from billing_kernel.proration import Proration, charged_share, label

from billing_subscriptions.domain.boundary import CATCH_UP_MAX, boundary
from billing_subscriptions.domain.charges import Charge, PriceBook
from billing_subscriptions.domain.policy import BY_SECONDS, Alignment
from billing_subscriptions.domain.step import Offers, Step
from billing_subscriptions.domain.subscription import Subscription

PERIODS_DEFAULT = 12
PERIODS_MAX = 1200


def upcoming(
    before: Subscription,
    offers: Offers,
    prices: PriceBook,
    *,
    has_payment_method: bool = True,
    limit: int = CATCH_UP_MAX,
) -> Iterator[Step]:
    """The next steps that happen by themselves, each recorded when it happens; at most `limit`."""
    for _ in range(limit):
        if before.next_due_at is None:
            return
        step = boundary(before, offers, prices, now=before.next_due_at, has_payment_method=has_payment_method)
        yield step
        before = step.after


def next_due(
    before: Subscription, offers: Offers, prices: PriceBook, *, has_payment_method: bool = True
) -> Step | None:
    """The next step that bills something; None when nothing does any more, as far as is looked ahead."""
    steps = upcoming(before, offers, prices, has_payment_method=has_payment_method)
    return next((each for each in steps if each.due is not None), None)


def foreseen(
    before: Subscription, offers: Offers, prices: PriceBook, at: datetime, *, has_payment_method: bool = True
) -> tuple[Charge, ...]:
    """What is made at an instant to come, such as that of a change that waits, as far as is known now."""
    found: list[Charge] = []
    for step in upcoming(before, offers, prices, has_payment_method=has_payment_method):
        if step.at > at:
            break
        if step.at == at:
            found += step.made
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ScheduleOrder:
    """The billing schedule that is asked for. `from_at`: answer from the period that contains it on.

    `amount`: the price of a whole period.
    """

    start: datetime
    interval: Interval
    zone: str = "UTC"
    end: datetime | None = None
    alignment: Alignment = Alignment()  # noqa: RUF009 frozen, so safe to share
    proration: Proration = BY_SECONDS
    periods: int = PERIODS_DEFAULT
    from_at: datetime | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class ScheduledPeriod:
    """`index` -1 is a free stub, whose share is 0."""

    index: int
    period: Period
    share: Fraction
    amount: Money | None
    explanation: str


def billing_schedule(order: ScheduleOrder) -> list[ScheduledPeriod]:
    """The periods in order, each with its share of a whole one. Raises InvalidAnchor, UnknownZone, InvalidPeriod."""
    start, end = utc(order.start), utc(order.end) if order.end is not None else None
    if end is not None and end <= start:
        raise InvalidPeriod("it ends before it starts", violations=[Violation("end_time", "lies behind the start")])
    anchor = order.alignment.anchor(start, order.zone, order.interval)
    cycle = Cycle(anchor, order.zone, order.interval, start, order.alignment.first_stub)
    lead = cycle.lead()
    first = -1 if lead is not None else 0
    if order.from_at is not None:
        first = max(cycle.index_at(order.from_at), first)
    found: list[ScheduledPeriod] = []
    for index in range(first, first + min(order.periods, PERIODS_MAX)):
        whole = lead if index < 0 and lead is not None else cycle.period(index)
        if end is not None and whole.start >= end:
            break
        served = whole if end is None or whole.end <= end else Period(whole.start, end)
        found.append(_scheduled(order, cycle, index, served))
    return found


def _scheduled(order: ScheduleOrder, cycle: Cycle, index: int, served: Period) -> ScheduledPeriod:
    share = charged_share(served, cycle, order.proration) if index >= 0 else Fraction(0)
    amount = None
    if order.amount is not None:
        exact = ExactAmount(order.amount.currency, order.amount.exact().value * share)
        amount = round_amount(exact)
    return ScheduledPeriod(index, served, share, amount, _words(index, share, order))


def _words(index: int, share: Fraction, order: ScheduleOrder) -> str:
    if index < 0:
        return "free of charge"
    return f"{share} {'periods' if share != 1 else 'period'}, {label(order.proration, order.interval)}"
