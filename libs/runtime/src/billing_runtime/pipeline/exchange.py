"""What the stages work on: a method, known from the start, and one call of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from billing.common.v1 import access_pb2
from google.protobuf.message import Message

from billing_runtime.authentication import Authenticator
from billing_runtime.call import Call
from billing_runtime.tracing import Tracing


@dataclass(frozen=True)
class Method:
    """One served method. `name` is "billing.tax.v1.TaxService/CalculateTax"."""

    name: str
    access: access_pb2.Access
    request: type[Message]
    behavior: Callable[[Any, Any], Any]
    streams: bool


@dataclass(frozen=True)
class Surroundings:
    """What the stages of one service share."""

    authenticator: Authenticator
    tracing: Tracing


@dataclass(slots=True)
class Exchange:
    """One call on its way. Stages fill in what they find out."""

    context: grpc.aio.ServicerContext[Any, Any]
    raw: bytes
    metadata: dict[str, Any]
    traceparent: str = ""
    principal: str = ""
    call: Call | None = None
    request: Any = None


Proceed = Callable[[Exchange], Awaitable[bytes]]
Stage = Callable[[Surroundings, Method, Proceed], Proceed]
