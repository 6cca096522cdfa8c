"""Puts servicers behind the pipeline: their methods are wrapped when they are added, and found by name from then on."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from billing_runtime.access import access_of
from billing_runtime.pipeline.exchange import Exchange, Method, Proceed, Surroundings
from billing_runtime.pipeline.stages import STAGES

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class NotServable(Exception):
    """A method that the pipeline cannot serve: one whose requests are a stream."""


def mount(
    server: grpc.aio.Server, surroundings: Surroundings, add_servicers: Callable[[grpc.aio.Server], None]
) -> tuple[str, ...]:
    """Adds servicers to `server`, each method behind the stages; returns the full names of their services.

    Raises AccessUndeclared, NotServable or protovalidate.CompilationError for a contract that must not be served.
    """
    registrar = _Registrar()
    add_servicers(cast(grpc.aio.Server, registrar))
    handlers: dict[str, Handler] = {}
    for service, methods in registrar.services.items():
        for name, handler in methods.items():
            method = _method(service, name, handler)
            handlers[f"/{method.name}"] = _handler(method, _compose(surroundings, method))
    server.add_generic_rpc_handlers((_Directory(handlers),))
    return tuple(registrar.services)


class _Registrar:
    """Stands in for a server while generated code registers its servicers."""

    def __init__(self) -> None:
        self.services: dict[str, Mapping[str, Handler]] = {}

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        self.services[service_name] = method_handlers

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """The same handlers again, in the older form."""


class _Directory(grpc.GenericRpcHandler):
    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        return self._handlers.get(handler_call_details.method)


def _method(service: str, name: str, handler: Any) -> Method:
    if handler.request_streaming:
        raise NotServable(f"{service}/{name}: streams of requests are not served; use batches")
    descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    return Method(
        name=f"{service}/{name}",
        access=access_of(descriptor),
        request=message_factory.GetMessageClass(descriptor.input_type),
        behavior=handler.unary_stream if handler.response_streaming else handler.unary_unary,
        streams=handler.response_streaming,
    )


def _compose(surroundings: Surroundings, method: Method) -> Proceed:
    handle = _stream(method) if method.streams else _unary(method)
    return reduce(lambda proceed, stage: stage(surroundings, method, proceed), reversed(STAGES), handle)


def _unary(method: Method) -> Proceed:
    behavior = method.behavior

    async def handle(exchange: Exchange) -> bytes:
        answer: Message = await behavior(exchange.request, exchange.context)
        return answer.SerializeToString(deterministic=True)

    return handle


def _stream(method: Method) -> Proceed:
    behavior = method.behavior

    async def handle(exchange: Exchange) -> bytes:
        async for answer in behavior(exchange.request, exchange.context):
            await exchange.context.write(answer.SerializeToString(deterministic=True))
        return b""

    return handle


def _handler(method: Method, way: Proceed) -> Handler:
    """Takes and gives bytes: neither parsing nor serialising happens outside of the pipeline."""

    async def unary(raw: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        return await way(Exchange(context, raw, dict(context.invocation_metadata() or ())))

    async def stream(raw: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await way(Exchange(context, raw, dict(context.invocation_metadata() or ())))

    if method.streams:
        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(unary)
