"""The test clock between domain and protobuf."""

from billing.invoicing.v1 import test_clocks_service_pb2 as pb

from billing_invoicing.domain.test_clock import TestClock
from billing_invoicing.wire.values import instant_to_pb


def clock_to_pb(clock: TestClock) -> pb.TestClock:
    return pb.TestClock(now=instant_to_pb(clock.now), target=instant_to_pb(clock.target), settled=clock.settled)
