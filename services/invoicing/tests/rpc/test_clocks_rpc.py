"""TestClocksService and this service's own ClockService."""

import pytest
from billing.common.v1 import clock_service_pb2
from billing.invoicing.v1 import test_clocks_service_pb2 as pb
from billing_kernel.errors import DomainError, Kind
from grpc import StatusCode
from invoicing_builders import FEBRUARY, JANUARY, MARCH, billing_due, stamp

pytestmark = pytest.mark.usefixtures("world")


class NotEmpty(DomainError):
    kind = Kind.PRECONDITION
    reason = "TENANT_NOT_EMPTY"


def create(now=JANUARY):
    return pb.CreateTestClockRequest(now=stamp(now))


def advance(to):
    return pb.AdvanceClockRequest(to=stamp(to))


async def test_create_get_and_advance(admin, viewer, refused):
    made = (await admin.clocks.CreateTestClock(create())).clock
    assert (made.now, made.settled, made.HasField("target")) == (stamp(JANUARY), True, False)
    assert (await admin.clocks.CreateTestClock(create())).clock == made
    assert (await viewer.clocks.GetTestClock(pb.GetTestClockRequest())).clock == made
    moving = (await admin.clocks.AdvanceClock(advance(MARCH))).clock
    assert (moving.now, moving.target, moving.settled) == (stamp(JANUARY), stamp(MARCH), False)
    assert (await admin.clocks.AdvanceClock(advance(MARCH))).clock == moving
    refusal = await refused(admin.clocks.AdvanceClock(advance(FEBRUARY)))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "CLOCK_IS_MOVING")


async def test_refusals(admin, stranger, viewer, world, refused):
    for call in (
        admin.clocks.GetTestClock(pb.GetTestClockRequest()),
        admin.clocks.AdvanceClock(advance(MARCH)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "NO_TEST_CLOCK")
    assert (await refused(viewer.clocks.CreateTestClock(create()))).code is StatusCode.PERMISSION_DENIED
    await admin.clocks.CreateTestClock(create(FEBRUARY))
    refusal = await refused(admin.clocks.CreateTestClock(create(MARCH)))
    assert (refusal.code, refusal.reason) == (StatusCode.ALREADY_EXISTS, "TEST_CLOCK_EXISTS")
    refusal = await refused(admin.clocks.AdvanceClock(advance(JANUARY)))
    assert refusal.reason == "CLOCK_MOVES_BACKWARDS"
    assert (await refused(stranger.clocks.GetTestClock(pb.GetTestClockRequest()))).reason == "NO_TEST_CLOCK"
    world.clocks.fail = NotEmpty("records")
    refusal = await refused(stranger.clocks.CreateTestClock(create()))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "TENANT_NOT_EMPTY")


@pytest.mark.parametrize("request_", [pb.CreateTestClockRequest(), pb.AdvanceClockRequest()])
async def test_an_instant_is_needed(admin, refused, request_):
    method = admin.clocks.CreateTestClock if "Create" in type(request_).__name__ else admin.clocks.AdvanceClock
    assert (await refused(method(request_))).code is StatusCode.INVALID_ARGUMENT


async def test_the_clock_of_this_service(admin, peer, books, seller, refused):
    wanted = clock_service_pb2.SetClockRequest(now=stamp(JANUARY), create=True)
    assert (await refused(admin.clock.SetClock(wanted))).code is StatusCode.PERMISSION_DENIED
    assert (await peer.clock.SetClock(wanted)).now == stamp(JANUARY)  # a seller alone is no record of time
    found = await peer.clock.GetClock(clock_service_pb2.GetClockRequest())
    assert (found.now, found.HasField("next_due_time"), found.outbox_pending) == (stamp(JANUARY), False, 0)


async def test_a_tenant_with_invoices_gets_no_clock(peer, books, seller, refused):
    await books.bill(billing_due())
    wanted = clock_service_pb2.SetClockRequest(now=stamp(JANUARY), create=True)
    assert (await refused(peer.clock.SetClock(wanted))).reason == "TENANT_NOT_EMPTY"
