"""GetUsage: quantity and cost so far of a subscription's metered items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.period import Period

from billing_usage.domain.meter import Meter
from billing_usage.domain.rating import Usage, rate_usage
from billing_usage.domain.subscription import Item, Subscription, current_period
from billing_usage.operations.ports import Count, UsageReads


@dataclass(frozen=True, slots=True)
class ItemUsage:
    item: Item
    meter: Meter
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    period: Period
    items: Sequence[ItemUsage]


async def read_usage(
    reads: UsageReads, subscription_id: UUID, start: datetime | None, end: datetime | None
) -> UsageAnswer:
    """Usage in [start, end), each None meaning that of the current period. Items whose meter does not exist have
    measured nothing and are left out. Raises SubscriptionNotFound, InvalidPeriod, AmountOverflow."""
    subscription, subjects = await reads.subscription(subscription_id)
    span = await _span(reads, subscription, start, end)
    meters = await reads.meters([item.price.meter_code for item in subscription.items])
    items = [item for item in subscription.items if item.price.meter_code in meters]
    counts = [Count(meters[item.price.meter_code].meter_id, subjects, span) for item in items]
    counted = await reads.count(counts)
    found = []
    for item, totals in zip(items, counted.totals, strict=True):
        meter = meters[item.price.meter_code]
        found.append(ItemUsage(item, meter, rate_usage(item.price, meter.aggregation, totals, span)))
    return UsageAnswer(span, found)


async def _span(reads: UsageReads, subscription: Subscription, start: datetime | None, end: datetime | None) -> Period:
    if start and end:
        return Period(start, end)
    current = current_period(subscription, await reads.now())
    return Period(start or current.start, end or current.end)
