"""Every RPC of the mesh by its bare name, from the descriptors alone: requests and answers as JSON with proto names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from billing.common.v1 import access_pb2
from billing_gateway.contract import VARIABLE, Binding, Contract, Method, committed
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rpc:
    """One public RPC with its first REST form."""

    method: Method

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def area(self) -> str:
        return self.method.area

    @property
    def path(self) -> str:
        return self.method.path

    @property
    def binding(self) -> Binding:
        return self.method.bindings[0]

    @property
    def keyed(self) -> bool:
        return bool(self.method.access.idempotency == access_pb2.IDEMPOTENCY_MODE_KEY)

    @property
    def request(self) -> type[Message]:
        return message_factory.GetMessageClass(self.method.descriptor.input_type)

    @property
    def response(self) -> type[Message]:
        return message_factory.GetMessageClass(self.method.descriptor.output_type)

    def encode(self, request: Json) -> bytes:
        return json_format.ParseDict(request, self.request()).SerializeToString()

    def decode(self, raw: bytes) -> Json:
        return json_format.MessageToDict(self.response.FromString(raw), preserving_proto_field_name=True)

    def rest(self, request: Json) -> tuple[str, str, Mapping[str, str], Json | None]:
        """(verb, path, query, body) of a request; body is None where the form has none."""
        rest = dict(request)
        path = VARIABLE.sub(lambda found: quote(str(rest.pop(found.group(1), "")), safe=""), self.binding.path)
        if self.binding.body:
            return self.binding.verb.upper(), path, {}, rest
        return self.binding.verb.upper(), path, {name: str(value) for name, value in rest.items()}, None


@cache
def contract() -> Contract:
    return committed()


@cache
def rpcs() -> Mapping[str, Rpc]:
    """All public RPCs by name."""
    found = {method.name: Rpc(method) for method in contract().methods}
    assert len(found) == len(contract().methods), "names of RPCs are unique"
    return found


def rpc(name: str) -> Rpc:
    """Raises KeyError."""
    return rpcs()[name]
