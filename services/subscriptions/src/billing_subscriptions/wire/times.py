"""Instants and spans as the wire shows them."""

from datetime import UTC, datetime

from billing.common.v1 import period_pb2
from billing_kernel.period import Interval, Period, Unit
from google.protobuf.timestamp_pb2 import Timestamp

_UNITS: dict[Unit, "period_pb2.IntervalUnit.ValueType"] = {
    "day": period_pb2.INTERVAL_UNIT_DAY,
    "week": period_pb2.INTERVAL_UNIT_WEEK,
    "month": period_pb2.INTERVAL_UNIT_MONTH,
    "year": period_pb2.INTERVAL_UNIT_YEAR,
}
_BY_NUMBER = {number: unit for unit, number in _UNITS.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_to_pb(instant: datetime) -> Timestamp:
    span = instant - _EPOCH
    return Timestamp(seconds=span.days * 86_400 + span.seconds, nanos=span.microseconds * 1000)


def time_from_pb(timestamp: Timestamp) -> datetime:
    """To the microsecond; what is finer is cut off."""
    return timestamp.ToDatetime(tzinfo=UTC)


def optional_time(instant: datetime | None) -> Timestamp | None:
    return None if instant is None else time_to_pb(instant)


def period_to_pb(period: Period) -> period_pb2.Period:
    return period_pb2.Period(start=time_to_pb(period.start), end=time_to_pb(period.end))


def interval_to_pb(interval: Interval) -> period_pb2.Interval:
    return period_pb2.Interval(unit=_UNITS[interval.unit], count=interval.count)


def interval_from_pb(interval: period_pb2.Interval) -> Interval:
    return Interval(_BY_NUMBER[interval.unit], interval.count)
