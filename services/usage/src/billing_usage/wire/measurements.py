"""Measurements <-> their messages."""

from billing.common.v1 import item_error_pb2
from billing.usage.v1 import measurement_service_pb2 as pb
from billing_kernel.decimals import format_decimal
from billing_kernel.period import Period

from billing_usage.domain.errors import Refusal
from billing_usage.operations.measure_usage import Measured, Measurement
from billing_usage.wire.ids import instant_from_pb, subscription_id_from_text
from billing_usage.wire.meters import AGGREGATIONS_TO_PB


def measurement_from_pb(measurement: pb.Measurement) -> Measurement:
    """Raises InvalidTime, InvalidPeriod."""
    span = measurement.period
    start = instant_from_pb(span.start, "measurements.period.start")
    return Measurement(
        [subscription_id_from_text(each) for each in measurement.subscription_ids],
        measurement.meter_code,
        Period(start, instant_from_pb(span.end, "measurements.period.end")),
    )


def answer_to_pb(found: Measured | Refusal) -> pb.MeasurementAnswer:
    if isinstance(found, Refusal):
        error = item_error_pb2.ItemError(reason=found.reason, message=found.message, field=found.field)
        return pb.MeasurementAnswer(error=error)
    usage = pb.MeasuredUsage(
        aggregation=AGGREGATIONS_TO_PB[found.aggregation],
        quantity=format_decimal(found.quantity),
        event_count=found.totals.event_count,
    )
    return pb.MeasurementAnswer(usage=usage)
