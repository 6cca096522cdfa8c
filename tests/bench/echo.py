"""The floor of every call: grpc.aio on uvloop that gives a message back, in a process of its own."""

import asyncio
import sys
from typing import Any

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import StringValue

PATH = "/bench.Echo/Say"


async def _say(request: StringValue, _context: Any) -> StringValue:
    return request


async def _serve(address: str) -> None:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(_say, StringValue.FromString, StringValue.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Say": handler}),))
    server.add_insecure_port(address)
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
