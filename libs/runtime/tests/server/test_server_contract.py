"""Every method of the contract can be served: its access option is complete and its rules compile."""

import importlib
import pkgutil

import billing
import grpc
import pytest
from billing_runtime.pipeline.exchange import Surroundings
from billing_runtime.pipeline.mount import mount

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(billing.__path__, "billing.")
    if module.name.endswith("_service_pb2")
)


@pytest.mark.parametrize("module", MODULES)
async def test_contract_can_be_served(module):
    services = importlib.import_module(module).DESCRIPTOR.services_by_name.values()

    def add(server):
        for service in services:
            server.add_registered_method_handlers(service.full_name, {m.name: _handler(m) for m in service.methods})

    assert mount(grpc.aio.server(), Surroundings(None, None), add) == tuple(s.full_name for s in services)


def _handler(method):
    make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
    return make(None)
