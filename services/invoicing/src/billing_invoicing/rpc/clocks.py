"""TestClocksService: convert, call one operation, convert."""

from typing import Any

from billing.invoicing.v1 import test_clocks_service_pb2 as pb
from billing.invoicing.v1 import test_clocks_service_pb2_grpc as pb_grpc

from billing_invoicing.domain.errors import NoTestClock
from billing_invoicing.operations.advance_clock import advance_clock
from billing_invoicing.operations.create_test_clock import create_test_clock
from billing_invoicing.operations.peer_ports import Clocks
from billing_invoicing.operations.ports import Begin, Read
from billing_invoicing.wire.clocks import clock_to_pb
from billing_invoicing.wire.values import instant_from_pb


class TestClocksServicer(pb_grpc.TestClocksServiceServicer):
    """Makes and moves the test clock of a tenant."""

    __test__ = False  # no test case, whatever its name says to pytest

    def __init__(self, begin: Begin, read: Read, clocks: Clocks) -> None:
        self.begin = begin
        self.read = read
        self.clocks = clocks

    async def CreateTestClock(self, request: pb.CreateTestClockRequest, context: Any) -> pb.CreateTestClockResponse:
        now = instant_from_pb(request.now, "now")
        clock = await create_test_clock(self.begin, self.read, self.clocks, now)
        return pb.CreateTestClockResponse(clock=clock_to_pb(clock))

    async def GetTestClock(self, request: pb.GetTestClockRequest, context: Any) -> pb.GetTestClockResponse:
        async with self.read() as reads:
            clock = await reads.test_clocks.get()
        if clock is None:
            raise NoTestClock("the tenant has no test clock")
        return pb.GetTestClockResponse(clock=clock_to_pb(clock))

    async def AdvanceClock(self, request: pb.AdvanceClockRequest, context: Any) -> pb.AdvanceClockResponse:
        to = instant_from_pb(request.to, "to")
        async with self.begin() as uow:
            clock = await advance_clock(uow, to)
        return pb.AdvanceClockResponse(clock=clock_to_pb(clock))
