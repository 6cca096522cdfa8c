"""BatchMeasureUsage: how much was used, whatever it costs; limits are held against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol
from uuid import UUID

from billing_kernel.period import Period

from billing_usage.domain.errors import Refusal
from billing_usage.domain.measuring import Totals, quantity_of
from billing_usage.domain.meter import Aggregation, Meter
from billing_usage.domain.subscription import Subject
from billing_usage.operations.ports import Count, EventReads


@dataclass(frozen=True, slots=True)
class Measurement:
    """One quantity that is asked for: of events that name any of the subscriptions, or their customers."""

    subscription_ids: Sequence[UUID]
    meter_code: str
    period: Period


@dataclass(frozen=True, slots=True)
class Measured:
    aggregation: Aggregation
    totals: Totals

    @property
    def quantity(self) -> Fraction:
        return quantity_of(self.totals, self.aggregation)


class MeasureReads(EventReads, Protocol):
    """Plain reads, one transaction."""

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]: ...

    async def subjects(self, subscription_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Subject]]:
        """How events may name each; the ones that are not known are left out."""


async def measure_usage(reads: MeasureReads, wanted: Sequence[Measurement]) -> Sequence[Measured | Refusal]:
    """In request order. What is not known is refused, item by item: unknown never means zero."""
    meters = await reads.meters(sorted({each.meter_code for each in wanted}))
    subjects = await reads.subjects(sorted({one for each in wanted for one in each.subscription_ids}))
    refused = [_refusal(each, meters, subjects) for each in wanted]
    counts = [
        Count(meters[each.meter_code].meter_id, _together(each, subjects), each.period)
        for each, refusal in zip(wanted, refused, strict=True)
        if refusal is None
    ]
    totals = iter((await reads.count(counts)).totals)
    return [
        refusal or Measured(meters[each.meter_code].aggregation, next(totals))
        for each, refusal in zip(wanted, refused, strict=True)
    ]


def _refusal(
    each: Measurement, meters: Mapping[str, Meter], subjects: Mapping[UUID, Sequence[Subject]]
) -> Refusal | None:
    if each.meter_code not in meters:
        return Refusal("UNKNOWN_METER", "there is no such meter", "meter_code")
    if any(one not in subjects for one in each.subscription_ids):
        return Refusal("NOT_CAUGHT_UP", "a subscription is not known here yet", "subscription_ids")
    return None


def _together(each: Measurement, subjects: Mapping[UUID, Sequence[Subject]]) -> Sequence[Subject]:
    """Each way of naming once: subscriptions of one customer share most of theirs."""
    return list(dict.fromkeys(subject for one in each.subscription_ids for subject in subjects[one]))
