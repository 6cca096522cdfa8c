"""`Ratings` over the usage service."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import grpc
from billing.usage.v1 import rating_service_pb2 as pb
from billing.usage.v1 import rating_service_pb2_grpc as pb_grpc

from billing_invoicing.clients.streams import slices, whole
from billing_invoicing.domain.due import Charge, Due, Rating, Refusal
from billing_invoicing.wire.ratings import answer_from_pb, item_to_pb

ITEMS_MAX = 2000  # of one question: far below 4 MiB


class UsageRatings:
    """Asks in slices; `deadline_s` is for each."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, items_max: int = ITEMS_MAX) -> None:
        self._stub = pb_grpc.RatingServiceStub(channel)
        self._deadline_s = deadline_s
        self._items_max = items_max

    async def rate(self, asked: Sequence[tuple[Due, Charge]], *, final: bool) -> Mapping[UUID, Rating | Refusal]:
        found: dict[UUID, Rating | Refusal] = {}
        for part in slices(asked, self._items_max):
            request = pb.BatchRateUsageRequest(items=[item_to_pb(due, charge) for due, charge in part], final=final)
            messages = await whole(self._stub.BatchRateUsage(request, timeout=self._deadline_s))
            answers = (answer for message in messages for answer in message.answers)
            for (_, charge), answer in zip(part, answers, strict=False):
                if answer.charge_id == str(charge.charge_id):
                    found[charge.charge_id] = answer_from_pb(answer)
        return found
