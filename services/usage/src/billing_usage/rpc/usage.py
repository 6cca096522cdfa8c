"""UsageService: events in, usage out."""

from typing import Any

from billing.usage.v1 import usage_service_pb2 as pb
from billing.usage.v1 import usage_service_pb2_grpc as pb_grpc
from billing_runtime.call import current_call

from billing_usage.domain.ingestion import Ingested
from billing_usage.operations.ingest_events import Intake, Raws, ingest_events
from billing_usage.operations.ports import BeginEvents, ReadUsage
from billing_usage.operations.read_usage import read_usage
from billing_usage.wire.cloud_events import raws_from_body
from billing_usage.wire.ids import instant_from_pb, subscription_id_from_text
from billing_usage.wire.ratings import usage_to_pb
from billing_usage.wire.usage_events import (
    ingest_cloud_events_response,
    ingest_response,
    raws_from_pb,
    statistics_to_pb,
    stored_event_to_pb,
)


class UsageServicer(pb_grpc.UsageServiceServicer):
    """`intake` is shared by all calls of the process; `events_max` single events of an item are rated at most."""

    def __init__(self, begin: BeginEvents, read: ReadUsage, intake: Intake, events_max: int) -> None:
        self._begin = begin
        self._read = read
        self._intake = intake
        self._events_max = events_max

    async def IngestEvents(self, request: pb.IngestEventsRequest, context: Any) -> pb.IngestEventsResponse:
        return ingest_response(await self._ingest(raws_from_pb(request.events)))

    async def IngestCloudEvents(
        self, request: pb.IngestCloudEventsRequest, context: Any
    ) -> pb.IngestCloudEventsResponse:
        return ingest_cloud_events_response(await self._ingest(raws_from_body(request.payload)))

    async def GetUsage(self, request: pb.GetUsageRequest, context: Any) -> pb.GetUsageResponse:
        start = instant_from_pb(request.start_time, "start_time") if request.HasField("start_time") else None
        end = instant_from_pb(request.end_time, "end_time") if request.HasField("end_time") else None
        subscription_id = subscription_id_from_text(request.subscription_id)
        async with self._read() as reads:
            return usage_to_pb(await read_usage(reads, subscription_id, start, end, self._events_max))

    async def GetUsageEvent(self, request: pb.GetUsageEventRequest, context: Any) -> pb.GetUsageEventResponse:
        async with self._read() as reads:
            return stored_event_to_pb(await reads.get_event(request.source, request.id))

    async def GetUsageStatistics(
        self, request: pb.GetUsageStatisticsRequest, context: Any
    ) -> pb.GetUsageStatisticsResponse:
        async with self._read() as reads:
            return statistics_to_pb(await reads.statistics())

    async def _ingest(self, raws: Raws) -> Ingested:
        return await ingest_events(self._begin, self._intake, current_call().tenant_id, raws)
