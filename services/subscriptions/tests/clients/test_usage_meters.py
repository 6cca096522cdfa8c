"""The Meters port over a real channel to a stand-in of the usage service."""

import grpc
import pytest
from billing.common.v1 import item_error_pb2
from billing.usage.v1 import meter_pb2, meters_service_pb2
from billing_subscriptions.clients.usage import UsageMeters


class OneMeter:
    def __init__(self):
        self.asked = []

    async def BatchGetMeters(self, request, context):
        self.asked.append(list(request.codes))
        error = item_error_pb2.ItemError(reason="METER_NOT_FOUND")
        answers = [
            meters_service_pb2.MeterAnswer(meter=meter_pb2.Meter(code=code))
            if code == "calls"
            else meters_service_pb2.MeterAnswer(error=error)
            for code in request.codes
        ]
        return meters_service_pb2.BatchGetMetersResponse(meters=answers)


@pytest.fixture
async def usage():
    """(meters, stand-in)"""
    server, stand_in = grpc.aio.server(), OneMeter()
    handler = grpc.unary_unary_rpc_method_handler(
        stand_in.BatchGetMeters,
        meters_service_pb2.BatchGetMetersRequest.FromString,
        meters_service_pb2.BatchGetMetersResponse.SerializeToString,
    )
    name = meters_service_pb2.DESCRIPTOR.services_by_name["MetersService"].full_name
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {"BatchGetMeters": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield UsageMeters(channel, 5.0), stand_in
    await server.stop(0)


async def test_known_meters(usage):
    meters, stand_in = usage
    assert await meters.known(frozenset({"calls", "nope"})) == {"calls"}
    assert stand_in.asked == [["calls", "nope"]]


async def test_no_codes_ask_nobody(usage):
    meters, stand_in = usage
    assert await meters.known(frozenset()) == frozenset()
    assert stand_in.asked == []
