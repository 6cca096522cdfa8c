"""Meters between protobuf and domain."""

from collections.abc import Mapping, Set

from billing.common.v1 import item_error_pb2
from billing.usage.v1 import meter_pb2, meters_service_pb2
from billing_runtime.masks import check_update_mask

from billing_usage.domain.errors import MeterNotFound
from billing_usage.domain.meter import CHANGEABLE, Aggregation, Meter, MeterChange
from billing_usage.operations.create_meter import NewMeter
from billing_usage.wire.ids import instant_to_pb, meter_text

AGGREGATIONS: Mapping[int, Aggregation] = {
    meter_pb2.METER_AGGREGATION_COUNT: Aggregation.COUNT,
    meter_pb2.METER_AGGREGATION_SUM: Aggregation.SUM,
    meter_pb2.METER_AGGREGATION_MAX: Aggregation.MAX,
}
AGGREGATIONS_TO_PB: Mapping[Aggregation, meter_pb2.MeterAggregation.ValueType] = {
    Aggregation.COUNT: meter_pb2.METER_AGGREGATION_COUNT,
    Aggregation.SUM: meter_pb2.METER_AGGREGATION_SUM,
    Aggregation.MAX: meter_pb2.METER_AGGREGATION_MAX,
}
assert set(AGGREGATIONS_TO_PB) == set(Aggregation)


def new_meter_from_pb(request: meters_service_pb2.CreateMeterRequest) -> NewMeter:
    aggregation = AGGREGATIONS[request.aggregation]  # UNSPECIFIED is refused by the contract
    return NewMeter(request.code, request.name, request.unit, aggregation, dict(request.metadata))


def change_from_pb(request: meters_service_pb2.UpdateMeterRequest) -> MeterChange:
    """Raises InvalidUpdateMask."""
    paths: Set[str] = check_update_mask(request.update_mask, CHANGEABLE)
    return MeterChange(paths, request.name, request.unit, dict(request.metadata))


def meter_to_pb(meter: Meter) -> meter_pb2.Meter:
    """The whole resource."""
    made = meter_facts_to_pb(meter)
    made.etag = meter.etag
    made.create_time.CopyFrom(instant_to_pb(meter.created_at))
    made.update_time.CopyFrom(instant_to_pb(meter.updated_at))
    return made


def meter_facts_to_pb(meter: Meter) -> meter_pb2.Meter:
    """The resource without etag and times of record, as events carry it."""
    return meter_pb2.Meter(
        meter_id=meter_text(meter.meter_id),
        code=meter.code,
        name=meter.name,
        unit=meter.unit,
        aggregation=AGGREGATIONS_TO_PB[meter.aggregation],
        metadata=dict(meter.metadata),
    )


def answer_to_pb(code: str, meter: Meter | None) -> meters_service_pb2.MeterAnswer:
    """The meter with a code, or why there is none."""
    if meter is not None:
        return meters_service_pb2.MeterAnswer(meter=meter_to_pb(meter))
    message = f"no meter has the code {code[:80]!r}"
    return meters_service_pb2.MeterAnswer(
        error=item_error_pb2.ItemError(reason=MeterNotFound.reason, message=message, field="codes")
    )
