"""The contract as the edge reads it: public methods with their REST bindings, comments and rules, from the descriptors.

Internal methods are not part of it; what the edge routes, translates, checks and documents comes from here alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from billing.common.v1 import access_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2

HTTP_BODY = "google.api.HttpBody"
VARIABLE = re.compile(r"\{([^}=]+)(?:=[^}]*)?\}")
VARIABLE_WHOLE = re.compile(r"\{[^}]*\}")


class ContractRefused(Exception):
    """The descriptors describe something that the edge cannot serve."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One REST form of a method: `body` is "*", the name of a field, or empty."""

    verb: str
    path: str
    body: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Fields of the request that stand in the path."""
        return tuple(VARIABLE.findall(self.path))

    @property
    def template(self) -> str:
        """The path with plain {variables}, as OpenAPI writes it."""
        return VARIABLE.sub(r"{\1}", self.path)

    @property
    def pattern(self) -> str:
        """The path as a regular expression (RE2) over whole paths; a variable is one segment without a colon."""
        return "[^/:]+".join(re.escape(part) for part in re.split(VARIABLE_WHOLE, self.path))


@dataclass(frozen=True, slots=True)
class Method:
    """A public method. `area` names its service and cluster, such as "tax"."""

    area: str
    descriptor: MethodDescriptor
    access: access_pb2.Access
    bindings: tuple[Binding, ...]

    @property
    def path(self) -> str:
        """The path of its gRPC calls."""
        return f"/{self.service}/{self.name}"

    @property
    def name(self) -> str:
        return str(self.descriptor.name)

    @property
    def service(self) -> str:
        return str(self.descriptor.containing_service.full_name)

    def body_type(self, binding: Binding) -> Descriptor | None:
        """The message that the body holds; None without a body."""
        if not binding.body:
            return None
        request = self.descriptor.input_type
        return request if binding.body == "*" else request.fields_by_name[binding.body].message_type


@dataclass(frozen=True)
class Contract:
    """`comments` by full name of what they describe; `files` are all descriptors, those of error details included."""

    files: tuple[FileDescriptorProto, ...]
    pool: DescriptorPool
    methods: tuple[Method, ...]
    comments: Mapping[str, str]

    @property
    def services(self) -> tuple[str, ...]:
        """Full names of the services that have a public method."""
        return tuple(dict.fromkeys(method.service for method in self.methods))

    def descriptor_set(self) -> bytes:
        """The descriptors without comments, as the proxy needs them."""
        bare = FileDescriptorSet(file=self.files)
        for file in bare.file:
            file.ClearField("source_code_info")
        return bare.SerializeToString(deterministic=True)


@cache
def committed() -> Contract:
    """The contract of this version."""
    return read((files("billing") / "descriptors.binpb").read_bytes())


def read(descriptors: bytes) -> Contract:
    """The contract in a serialized FileDescriptorSet. Raises ContractRefused."""
    described = list(FileDescriptorSet.FromString(descriptors).file)
    known = {file.name for file in described}
    described += [file for file in _details() if file.name not in known]
    pool = DescriptorPool()
    for file in described:
        pool.AddSerializedFile(file.SerializeToString())
    methods = tuple(method for file in described for method in _methods(file, pool))
    comments = dict(pair for file in described for pair in _comments(file))
    return Contract(tuple(described), pool, methods, comments)


def _details() -> Iterator[FileDescriptorProto]:
    """What errors are made of: no message of the contract names it, and answers are full of it."""
    for module in (status_pb2, error_details_pb2):
        yield FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def _methods(file: FileDescriptorProto, pool: DescriptorPool) -> Iterator[Method]:
    for service in file.service:
        for method in service.method:
            access = method.options.Extensions[access_pb2.access]
            if access.audience == access_pb2.AUDIENCE_PUBLIC:
                found = pool.FindServiceByName(f"{file.package}.{service.name}").methods_by_name[method.name]
                yield Method(file.package.split(".")[1], found, access, _bindings(method))


def _bindings(method: MethodDescriptorProto) -> tuple[Binding, ...]:
    if method.client_streaming:
        raise ContractRefused(f"{method.name} streams requests; a public method takes one request")
    rule = method.options.Extensions[annotations_pb2.http]
    return tuple(_binding(method.name, each) for each in (rule, *rule.additional_bindings))


def _binding(method: str, rule: http_pb2.HttpRule) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb not in ("get", "post", "patch", "put", "delete"):
        raise ContractRefused(f"{method} is public and has no path")
    return Binding(verb, getattr(rule, verb), rule.body)


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    names = dict(_names(file))
    for location in file.source_code_info.location:
        name = names.get(tuple(location.path))
        if name and location.leading_comments:
            text = " ".join(line.strip() for line in location.leading_comments.splitlines())
            yield name, text.split(" buf:lint:ignore")[0].strip()


Place = tuple[int, ...]


def _names(file: FileDescriptorProto) -> Iterator[tuple[Place, str]]:
    """The full name at each place of a file; the numbers are those of descriptor.proto."""
    stack: list[tuple[Place, str, DescriptorProto]] = []
    enums: list[tuple[Place, str, EnumDescriptorProto]] = []
    stack += [((4, i), f"{file.package}.{each.name}", each) for i, each in enumerate(file.message_type)]
    enums += [((5, i), f"{file.package}.{each.name}", each) for i, each in enumerate(file.enum_type)]
    while stack:
        place, name, message = stack.pop()
        yield place, name
        yield from (((*place, 2, i), f"{name}.{field.name}") for i, field in enumerate(message.field))
        stack += [((*place, 3, i), f"{name}.{each.name}", each) for i, each in enumerate(message.nested_type)]
        enums += [((*place, 4, i), f"{name}.{each.name}", each) for i, each in enumerate(message.enum_type)]
    for place, name, enum in enums:
        yield place, name
        yield from (((*place, 2, i), f"{name}.{value.name}") for i, value in enumerate(enum.value))
    for i, service in enumerate(file.service):
        yield (6, i), f"{file.package}.{service.name}"
        for j, method in enumerate(service.method):
            yield (6, i, 2, j), f"{file.package}.{service.name}.{method.name}"
