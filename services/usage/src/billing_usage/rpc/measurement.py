"""MeasurementService: quantities without prices. Internal."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from billing.usage.v1 import measurement_service_pb2 as pb
from billing.usage.v1 import measurement_service_pb2_grpc as pb_grpc

from billing_usage.operations.measure_usage import MeasureReads, measure_usage
from billing_usage.wire.measurements import answer_to_pb, measurement_from_pb


class MeasurementServicer(pb_grpc.MeasurementServiceServicer):
    """`read` opens a read-only transaction of the call."""

    def __init__(self, read: Callable[[], AbstractAsyncContextManager[MeasureReads]]) -> None:
        self._read = read

    async def BatchMeasureUsage(
        self, request: pb.BatchMeasureUsageRequest, context: Any
    ) -> pb.BatchMeasureUsageResponse:
        wanted = [measurement_from_pb(each) for each in request.measurements]
        async with self._read() as reads:
            found = await measure_usage(reads, wanted)
        return pb.BatchMeasureUsageResponse(answers=map(answer_to_pb, found))
