"""Golden bytes of events: one sample of each type, written once and parsed for ever (tests/architecture).

Usage: python -m tools.golden     adds what is missing and changes nothing that is there. An event that was never
released may be written anew: delete its two files first.
"""

import json
from pathlib import Path
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from tools.contract import events
from tools.gen_protos import ROOT

GOLDEN = ROOT / "tests/contract/golden"
DEPTH_MAX = 8
SECONDS = 1_767_225_600  # 2026-01-01T00:00:00Z


def value(field: FieldDescriptor, depth: int) -> Any:
    """A fixed value for a field that is neither repeated nor a map; never the default one."""
    if field.message_type is not None:
        return fill(GetMessageClass(field.message_type)(), depth + 1)
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    kinds: dict[int, Any] = {
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_STRING: b"\0bytes" if field.type == FieldDescriptor.TYPE_BYTES else f"{field.name} ✓",
    }
    return kinds.get(field.cpp_type, 100 + field.number)


def chosen(field: FieldDescriptor) -> bool:
    """Of a oneof only the first member is set."""
    oneof = field.containing_oneof
    return oneof is None or oneof.fields[0].number == field.number


def map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    """The value field of a map, or None for what is not a map."""
    entry = field.message_type
    if entry is None or not entry.GetOptions().map_entry:
        return None
    return entry.fields_by_name["value"]


def fill(message: Message, depth: int = 0) -> Message:
    """Set every field, in place; recursion stops at DEPTH_MAX."""
    if isinstance(message, Timestamp):
        message.seconds, message.nanos = SECONDS, 123_456_000
        return message
    if depth > DEPTH_MAX:
        return message
    for field in cast(list[FieldDescriptor], message.DESCRIPTOR.fields):
        if chosen(field):
            put(message, field, depth)
    return message


def put(message: Message, field: FieldDescriptor, depth: int) -> None:
    held = getattr(message, field.name)
    if (mapped := map_value(field)) is not None:
        held["key"] = value(mapped, depth)
    elif field.is_repeated:
        held.extend([value(field, depth), value(field, depth)])
    elif field.message_type is not None:
        held.CopyFrom(value(field, depth))
        held.SetInParent()
    else:
        setattr(message, field.name, value(field, depth))


def paths(event: type[Message]) -> tuple[Path, Path]:
    """(bytes, values) of an event type."""
    name = event.DESCRIPTOR.full_name
    return GOLDEN / f"{name}.binpb", GOLDEN / f"{name}.json"


def values(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)


def write(event: type[Message]) -> bool:
    """Whether there was something to add."""
    binary, readable = paths(event)
    if binary.exists():
        return False
    sample = fill(event())
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_bytes(sample.SerializeToString(deterministic=True))
    readable.write_text(json.dumps(values(sample), indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return True


def main() -> None:
    added = [event.DESCRIPTOR.full_name for event in events() if write(event)]
    print("\n".join(f"added {name}" for name in added) or "nothing to add")


if __name__ == "__main__":
    main()
