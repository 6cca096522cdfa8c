"""Calls to other services: with a deadline, a token for exactly that service, the trace, and typed refusals.

A channel here is used by generated stubs like any other, except that a call returns the answer (or an async iterator of
answers) and raises DomainError. Only reads are retried by themselves, and only when the service was not reached.
"""

import importlib
import json
import os
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from billing.common.v1 import access_pb2

from billing_runtime import deadline
from billing_runtime.access import access_of
from billing_runtime.call import current_call
from billing_runtime.errors import DeadlineExceeded
from billing_runtime.keys import read_signing_key
from billing_runtime.remote_errors import translate
from billing_runtime.service_token import Minter
from billing_runtime.settings import RuntimeSettings, SettingsRefused
from billing_runtime.tracing import inject, span

__all__ = ["Channels", "MeshChannel", "derived_key", "translate"]

MESSAGE_BYTES_MAX = 4 << 20
ATTEMPTS_MAX = 3

Metadata = Sequence[tuple[str, str | bytes]]
Outgoing = Callable[[float | None, Metadata | None], tuple[float, Metadata]]


class Channels:
    """The channels of one process, one for each other service. The address of `tax` is TAX_ADDRESS in `env`."""

    def __init__(self, settings: RuntimeSettings, env: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._env = os.environ if env is None else env
        self._channels: dict[str, MeshChannel] = {}
        self._minter: Minter | None = None

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to `service`; raises SettingsRefused without an address, KeysRefused without a usable key."""
        if service not in self._channels:
            name = f"{service.upper()}_ADDRESS"
            address = self._env.get(name)
            if not address:
                raise SettingsRefused([f"{name} is missing"])
            if self._minter is None:
                self._minter = Minter(read_signing_key(self._settings.service_key, self._settings.service_jwks))
            inner = grpc.aio.insecure_channel(address, options=_options(service))
            self._channels[service] = MeshChannel(inner, _outgoing(service, self._minter))
        return self._channels[service]

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()


def derived_key(event_id: object, step: str) -> str:
    """The idempotency key of an internal call made because of an event: the same at every repetition."""
    return f"{event_id}/{step}"


class MeshChannel(grpc.aio.Channel):
    """A channel whose calls carry deadline, token and trace, and raise DomainError. No streams of requests."""

    def __init__(self, inner: grpc.aio.Channel, outgoing: Outgoing) -> None:
        self._inner = inner
        self._outgoing = outgoing

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        call = self._inner.unary_unary(method, *args, **kwargs)

        async def ask(
            request: Any, *, timeout: float | None = None, metadata: Metadata | None = None, **rest: Any
        ) -> Any:
            timeout, metadata = self._outgoing(timeout, metadata)
            try:
                with span(method):
                    return await call(request, timeout=timeout, metadata=_traced(metadata), **rest)
            except grpc.aio.AioRpcError as error:
                raise translate(error) from error

        return ask

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        call = self._inner.unary_stream(method, *args, **kwargs)

        async def ask(
            request: Any, *, timeout: float | None = None, metadata: Metadata | None = None, **rest: Any
        ) -> AsyncIterator[Any]:
            timeout, metadata = self._outgoing(timeout, metadata)
            stream = call(request, timeout=timeout, metadata=_traced(metadata), **rest)
            try:
                async for answer in stream:
                    yield answer
            except grpc.aio.AioRpcError as error:
                raise translate(error) from error
            finally:
                stream.cancel()

        return ask

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """The generated stub may hold such a method; calling it is refused by the type of what it gets."""
        return None

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As `stream_unary`."""
        return None

    async def close(self, grace: float | None = None) -> None:
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        await self.close()
        return None


def _outgoing(audience: str, minter: Minter) -> Outgoing:
    """What every call to `audience` gets: (timeout, metadata) of the caller -> those of the call."""

    def prepare(timeout: float | None, metadata: Metadata | None) -> tuple[float, Metadata]:
        call = current_call()
        token = minter.token(audience, call.tenant_id, call.actor, call.causation_id or call.correlation_id or "-")
        own = [("authorization", f"Bearer {token}"), ("x-correlation-id", call.correlation_id or "-")]
        return _timeout(timeout), [*own, *(metadata or ())]

    return prepare


def _timeout(asked_s: float | None) -> float:
    """The shorter of what the caller asks and what is left of the work at hand."""
    left_s = deadline.remaining_s()
    if asked_s is None and left_s is None:
        raise AssertionError("an outgoing call needs a deadline: pass timeout=")
    limit_s = min(limit for limit in (asked_s, left_s) if limit is not None)
    if limit_s <= 0:
        raise DeadlineExceeded("no time is left for a call to another service")
    return limit_s


def _traced(metadata: Metadata) -> Metadata:
    traceparent = inject()
    return metadata if traceparent is None else [*metadata, ("traceparent", traceparent)]


def _options(service: str) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(_retries(service))),
    ]


def _retries(service: str) -> dict[str, Any]:
    """Three attempts for the reads of a service, when it is unavailable; none for anything that changes something."""
    policy = {
        "maxAttempts": ATTEMPTS_MAX,
        "initialBackoff": "0.05s",
        "maxBackoff": "0.5s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [{"service": owner, "method": method} for owner, method in _reads(service)]
    return {"methodConfig": [{"name": names, "retryPolicy": policy}] if names else []}


def _reads(service: str) -> list[tuple[str, str]]:
    package = importlib.import_module(f"billing.{service}.v1")
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.endswith("_service_pb2"):
            continue
        file = importlib.import_module(f"{package.__name__}.{module.name}").DESCRIPTOR
        for owner in file.services_by_name.values():
            found += [(owner.full_name, method.name) for method in owner.methods if _is_read(method)]
    return found


def _is_read(method: Any) -> bool:
    return access_of(method).idempotency == access_pb2.IDEMPOTENCY_MODE_NONE
