"""MetersService: convert, call one operation, convert."""

from typing import Any

from billing.usage.v1 import meters_service_pb2 as pb
from billing.usage.v1 import meters_service_pb2_grpc as pb_grpc
from billing_kernel.ids import uuid7
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_usage.operations.create_meter import create_meter
from billing_usage.operations.ports import BeginMeters, ReadMeters
from billing_usage.operations.update_meter import update_meter
from billing_usage.wire.ids import meter_id_from_text
from billing_usage.wire.meters import answer_to_pb, change_from_pb, meter_to_pb, new_meter_from_pb


class MetersServicer(pb_grpc.MetersServiceServicer):
    """What is measured, and how."""

    def __init__(self, begin: BeginMeters, read: ReadMeters) -> None:
        self._begin = begin
        self._read = read

    async def CreateMeter(self, request: pb.CreateMeterRequest, context: Any) -> pb.CreateMeterResponse:
        async with self._begin() as store:
            meter = await create_meter(store, uuid7(), new_meter_from_pb(request))
            return await store.answer(pb.CreateMeterResponse(meter=meter_to_pb(meter)))

    async def GetMeter(self, request: pb.GetMeterRequest, context: Any) -> pb.GetMeterResponse:
        async with self._read() as reads:
            meter = await reads.get_meter(meter_id_from_text(request.meter_id))
        return pb.GetMeterResponse(meter=apply_read_mask(meter_to_pb(meter), request.read_mask))

    async def ListMeters(self, request: pb.ListMetersRequest, context: Any) -> pb.ListMetersResponse:
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self._read() as reads:
            meters = await reads.list_meters(request.code, after, size + 1)
        found, token = page_of(
            meters,
            size,
            lambda meter: str(meter.meter_id),
            lambda meter: apply_read_mask(meter_to_pb(meter), request.read_mask),
        )
        return pb.ListMetersResponse(meters=found, next_page_token=token)

    async def UpdateMeter(self, request: pb.UpdateMeterRequest, context: Any) -> pb.UpdateMeterResponse:
        change, meter_id = change_from_pb(request), meter_id_from_text(request.meter_id)
        async with self._begin() as store:
            meter = await update_meter(store, meter_id, change, request.etag)
            return await store.answer(pb.UpdateMeterResponse(meter=meter_to_pb(meter)))

    async def BatchGetMeters(self, request: pb.BatchGetMetersRequest, context: Any) -> pb.BatchGetMetersResponse:
        async with self._read() as reads:
            found = await reads.meters(request.codes)
        return pb.BatchGetMetersResponse(meters=[answer_to_pb(code, found.get(code)) for code in request.codes])
