"""What the descriptors say of the contract: methods with their comments, events, fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tools.gen_protos import DESCRIPTORS, TARGET

SERVICE_FIELD, METHOD_FIELD = 6, 2  # field numbers in FileDescriptorProto and ServiceDescriptorProto


@dataclass(frozen=True, slots=True)
class Method:
    area: str  # "subscriptions"; "common" for what every service serves
    service: str  # full name
    name: str
    comment: str
    descriptor: MethodDescriptor

    def __str__(self) -> str:
        return f"{self.service}/{self.name}"


@cache
def files() -> tuple[FileDescriptorProto, ...]:
    """Our own files, in the order of the descriptor set."""
    read = FileDescriptorSet.FromString((TARGET / DESCRIPTORS).read_bytes())
    return tuple(file for file in read.file if file.name.startswith("billing/"))


def area(package: str) -> str:
    return package.split(".")[1]


def load(file: FileDescriptorProto) -> None:
    """Import the generated module, which registers its messages and extensions."""
    import_module(str(Path(file.name).with_suffix("")).replace("/", ".") + "_pb2")


def methods() -> Iterator[Method]:
    for file in files():
        load(file)
        comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
        for i, service in enumerate(file.service):
            full_name = f"{file.package}.{service.name}"
            described = descriptor_pool.Default().FindServiceByName(full_name)
            for j, method in enumerate(service.method):
                comment = comments.get((SERVICE_FIELD, i, METHOD_FIELD, j), "")
                yield Method(
                    area(file.package), full_name, method.name, comment, described.methods_by_name[method.name]
                )


def nested(message: DescriptorProto) -> Iterator[DescriptorProto]:
    yield message
    for child in message.nested_type:
        yield from nested(child)


def held() -> set[str]:
    """Full names (with a leading dot) of all messages that are the type of some field of an event or its parts."""
    told = (file for file in files() if file.name.endswith("/events.proto"))
    messages = (each for file in told for top in file.message_type for each in nested(top))
    return {field.type_name for message in messages for field in message.field if field.type_name}


def events() -> list[type[Message]]:
    """The messages of events.proto files that no other message there holds: each is a type on a topic."""
    parts = held()
    return [
        message_class(f"{file.package}.{message.name}", file)
        for file in files()
        if file.name.endswith("/events.proto")
        for message in file.message_type
        if f".{file.package}.{message.name}" not in parts
    ]


def message_class(full_name: str, file: FileDescriptorProto) -> type[Message]:
    load(file)
    found: Descriptor = descriptor_pool.Default().FindMessageTypeByName(full_name)
    return GetMessageClass(found)
