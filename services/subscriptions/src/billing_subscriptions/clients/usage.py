"""Meters of the usage service, behind the Meters port."""

import grpc
from billing.usage.v1 import meters_service_pb2, meters_service_pb2_grpc


class UsageMeters:
    """Each call ends within `deadline_s`; errors come typed from the channel."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        self._stub = meters_service_pb2_grpc.MetersServiceStub(channel)
        self._deadline_s = deadline_s

    async def known(self, codes: frozenset[str]) -> frozenset[str]:
        """At most the 100 codes that a plan version can name; none asks nobody."""
        if not codes:
            return codes
        request = meters_service_pb2.BatchGetMetersRequest(codes=sorted(codes))
        response = await self._stub.BatchGetMeters(request, timeout=self._deadline_s)
        return codes & {answer.meter.code for answer in response.meters}
