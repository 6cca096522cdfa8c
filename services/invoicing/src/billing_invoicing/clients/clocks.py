"""`Clocks` and `PaymentRetries`: what the test clock moves in the other services, and in this one by the same way."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import grpc
from billing.common.v1 import clock_service_pb2 as pb
from billing.common.v1 import clock_service_pb2_grpc as pb_grpc
from billing.payments.v1 import payments_service_pb2, payments_service_pb2_grpc

from billing_invoicing.wire.values import instant_from_pb, instant_to_pb

SERVICES = ("subscriptions", "usage", "invoicing", "payments", "tax")  # the likeliest to hold records first
DRIVEN = ("subscriptions", "payments")  # where something falls due


class MeshClocks:
    """`channels` by service; `deadline_s` is for each call."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], deadline_s: float) -> None:
        self._stubs = {name: pb_grpc.ClockServiceStub(channels[name]) for name in SERVICES}
        self._deadline_s = deadline_s

    async def set(self, now: datetime, *, create: bool = False) -> None:
        """One after the other: the first that refuses leaves the rest as they are."""
        request = pb.SetClockRequest(now=instant_to_pb(now), create=create)
        for name in SERVICES:
            await self._stubs[name].SetClock(request, timeout=self._deadline_s)

    async def next_dues(self) -> Sequence[datetime | None]:
        answers = await self._ask(DRIVEN)
        return [
            instant_from_pb(answer.next_due_time, "next_due_time") if answer.HasField("next_due_time") else None
            for answer in answers
        ]

    async def pending(self) -> int:
        return sum(answer.outbox_pending for answer in await self._ask(SERVICES))

    async def _ask(self, names: Sequence[str]) -> list[pb.GetClockResponse]:
        request = pb.GetClockRequest()
        calls = (self._stubs[name].GetClock(request, timeout=self._deadline_s) for name in names)
        return list(await asyncio.gather(*calls))


class PaymentsRetries:
    """`deadline_s` is for each call."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        self._stub = payments_service_pb2_grpc.PaymentsServiceStub(channel)
        self._deadline_s = deadline_s

    async def run(self, as_of: datetime, limit: int) -> tuple[int, bool, int]:
        request = payments_service_pb2.RunPaymentRetriesRequest(as_of=instant_to_pb(as_of), limit=limit)
        answer = await self._stub.RunPaymentRetries(request, timeout=self._deadline_s)
        return answer.attempted, answer.more, answer.unresolved
