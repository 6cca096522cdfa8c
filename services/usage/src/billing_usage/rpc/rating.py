"""RatingService: metered charges of the billing run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from billing.usage.v1 import rating_service_pb2 as pb
from billing.usage.v1 import rating_service_pb2_grpc as pb_grpc

from billing_usage.operations.ports import OpenRatings
from billing_usage.operations.rate_usage import rate_charges
from billing_usage.wire.ratings import charge_from_pb, rate_messages


class RatingServicer(pb_grpc.RatingServiceServicer):
    """Final ratings are frozen before the first message leaves."""

    def __init__(self, open_ratings: OpenRatings, events_max: int) -> None:
        self._open = open_ratings
        self._events_max = events_max

    async def BatchRateUsage(
        self, request: pb.BatchRateUsageRequest, context: Any
    ) -> AsyncIterator[pb.BatchRateUsageResponse]:
        asked = [charge_from_pb(item) for item in request.items]
        async with self._open(final=request.final) as store:
            answers = await rate_charges(store, asked, self._events_max, final=request.final)
        for message in rate_messages(request.items, answers):
            yield message
            await asyncio.sleep(0)  # other calls have their turn between two messages
