"""GetUsage: quantity and cost so far of a subscription's metered items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.period import Period

from billing_usage.domain.measuring import Scope
from billing_usage.domain.meter import Meter
from billing_usage.domain.rating import Usage
from billing_usage.domain.subscription import Item, Subscription, current_period, window_of
from billing_usage.operations.ports import UsageReads
from billing_usage.operations.rate_items import Wanted, rate_items


@dataclass(frozen=True, slots=True)
class ItemUsage:
    """`window`: what was counted; it begins later than the period where the item or its price did."""

    item: Item
    meter: Meter
    window: Period
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    period: Period
    items: Sequence[ItemUsage]


async def read_usage(
    reads: UsageReads, subscription_id: UUID, start: datetime | None, end: datetime | None, events_max: int
) -> UsageAnswer:
    """Usage in [start, end), each None meaning that of the current period. Items whose meter does not exist have
    measured nothing and are left out. What is due at the end of a period is not due before it is over.

    Raises SubscriptionNotFound, InvalidPeriod, AmountOverflow, TooManyEvents, InvalidUsage.
    """
    subscription, subjects = await reads.subscription(subscription_id)
    now = await reads.now()
    span = _span(subscription, start, end, now)
    meters = await reads.meters([item.price.meter_code for item in subscription.items])
    items = [item for item in subscription.items if item.price.meter_code in meters]
    windows = [span if start else window_of(item, span) for item in items]
    wanted = []
    for item, window in zip(items, windows, strict=True):
        meter = meters[item.price.meter_code]
        scope = Scope(window, final=window.end <= now)
        wanted.append(Wanted(item.price, meter.aggregation, meter.meter_id, subjects, scope))
    found = []
    for item, window, rated in zip(items, windows, await rate_items(reads, wanted, events_max), strict=True):
        if isinstance(rated.usage, DomainError):
            raise rated.usage
        found.append(ItemUsage(item, meters[item.price.meter_code], window, rated.usage))
    return UsageAnswer(span, found)


def _span(subscription: Subscription, start: datetime | None, end: datetime | None, now: datetime) -> Period:
    if start and end:
        return Period(start, end)
    current = current_period(subscription, now)
    return Period(start or current.start, end or current.end)
