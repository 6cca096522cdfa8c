"""Serves the guard to Envoy over the external processing protocol: one buffered body in, one decision out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from billing_gateway.contract import committed
from billing_gateway.guard import external_processor_pb2 as pb
from billing_gateway.guard.verdict import NotGuarded, Verdicts

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"
MESSAGE_KEY = "x-message"
REFUSED_STATUS = 422
"""Nobody else answers with it: the proxy sees by it that the body is finished JSON, and makes it a 400."""
BODY_BYTES_MAX = (4 << 20) + 4096
DRAIN_S = 5.0

_GOOD = pb.ProcessingResponse(request_body=pb.BodyResponse())


class Guard:
    """The one method of the protocol that the proxy calls."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts

    async def process(
        self, requests: AsyncIterator[pb.ProcessingRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.ProcessingResponse]:
        """Which message the body must be stands in the metadata, put there by the route."""
        message = dict(context.invocation_metadata() or ()).get(MESSAGE_KEY, "")
        async for request in requests:
            try:
                yield self._decide(str(message), request.request_body.body)
            except NotGuarded:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no such message")

    def _decide(self, message: str, body: bytes) -> pb.ProcessingResponse:
        refusal = self._verdicts.refusal(message, body)
        if refusal is None:
            return _GOOD
        status = pb.HttpStatus(code=REFUSED_STATUS)
        return pb.ProcessingResponse(
            immediate_response=pb.ImmediateResponse(status=status, body=refusal, details="json")
        )


async def start(address: str) -> tuple[grpc.aio.Server, int]:
    """A started guard and its port. Raises RuntimeError when the address is taken."""
    guard = Guard(Verdicts(committed()))
    handler = grpc.stream_stream_rpc_method_handler(
        guard.process,
        request_deserializer=pb.ProcessingRequest.FromString,
        response_serializer=pb.ProcessingResponse.SerializeToString,
    )
    options = [("grpc.max_receive_message_length", BODY_BYTES_MAX), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Process": handler}),))
    live: Any = health.aio.HealthServicer()
    await live.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(live, server)
    port = server.add_insecure_port(address)
    await server.start()
    return server, port


async def serve(address: str) -> None:
    """Runs the guard until SIGTERM or SIGINT, then lets bodies in hand finish."""
    server, port = await start(address)
    print(f"guard: listening on port {port}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await server.stop(DRAIN_S)
