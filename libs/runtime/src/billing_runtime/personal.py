"""Personal data in messages: fields with the option `billing.common.v1.personal`, found by their descriptors."""

from functools import cache
from typing import Any

from billing.common.v1 import personal_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message


def without_personal(message: Message) -> Message:
    """The message with every personal field cleared, at any depth; itself when its type has none."""
    if not holds_personal(message.DESCRIPTOR):
        return message
    cleared = type(message)()
    cleared.CopyFrom(message)
    _clear(cleared)
    return cleared


@cache
def holds_personal(descriptor: Descriptor) -> bool:
    """True when a message of this type can hold personal data, in itself or in what it contains."""
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        current = waiting.pop()
        if current.full_name in seen:
            continue
        seen.add(current.full_name)
        for field in current.fields:
            if _personal(field):
                return True
            if field.message_type is not None:
                waiting.append(field.message_type)
    return False


def _clear(message: Message) -> None:
    for field, content in message.ListFields():
        if _personal(field):
            message.ClearField(field.name)
        elif field.message_type is not None and holds_personal(field.message_type):
            for part in _parts(field, content):
                _clear(part)


def _parts(field: FieldDescriptor, content: Any) -> list[Message]:
    if not field.is_repeated:
        return [content]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return [part for part in content.values() if isinstance(part, Message)]
    return list(content)


def _personal(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[personal_pb2.personal])
