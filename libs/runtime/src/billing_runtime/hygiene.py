"""What no field of any request may hold: control characters (but \\n and \\t) in text, and enum numbers without a name.

Each message type is compiled once into one quick test; only a message that fails it is walked again to say where.
Fields marked IGNORE_ALWAYS are left alone: the operation judges those items one by one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from billing_kernel.errors import Violation
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions
from google.protobuf.message import Message

Test = Callable[[Any], object]  # truthy when the value is dirty

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NO_TEXT = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.Any"})


def dirt_of(message: Message) -> list[Violation]:
    """Every dirty field with its path; empty for a clean message."""
    return list(_explain(message, "")) if prepare(message.DESCRIPTOR)(message) else []


@cache
def prepare(descriptor: Descriptor) -> Test:
    """The quick test of one message type."""
    tests: dict[int, Test] = {}

    def dirty(message: Message) -> bool:
        for field, value in message.ListFields():
            test = tests.get(field.number)
            if test is not None and test(value):
                return True
        return False

    for field in descriptor.fields:
        test = None if _exempt(field) else _test(field)
        if test is not None:
            tests[field.number] = test
    return dirty


def _test(field: FieldDescriptor) -> Test | None:
    entry = _map_entry(field)
    if entry is not None:
        return _map_test(_single_test(entry["key"]), _single_test(entry["value"]))
    single = _single_test(field)
    return single if single is None or not field.is_repeated else lambda items: any(map(single, items))


def _single_test(field: FieldDescriptor) -> Test | None:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _CONTROL.search
    if field.enum_type is not None:
        numbers = frozenset(field.enum_type.values_by_number)
        return lambda number: number not in numbers
    if field.message_type is None or field.message_type.full_name in _NO_TEXT:
        return None
    inner = field.message_type
    return lambda message: prepare(inner)(message)  # looked up late: a type may contain itself


def _map_test(key: Test | None, value: Test | None) -> Test:
    def test(entries: Any) -> bool:
        return (key is not None and any(map(key, entries))) or (value is not None and any(map(value, entries.values())))

    return test


def _explain(message: Message, path: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        if _exempt(field):
            continue
        for where, kind, single in _values(field, value):
            yield from _explain_single(kind, single, f"{path}{field.name}{where}")


def _values(field: FieldDescriptor, value: Any) -> Iterable[tuple[str, FieldDescriptor, Any]]:
    """(subscript, kind of the value, value) for each value of a field. Map entries are numbered: a key may be dirty."""
    entry = _map_entry(field)
    if entry is not None:
        for index, key in enumerate(value):
            yield f"[#{index}]", entry["key"], key
            yield f"[#{index}]", entry["value"], value[key]
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield f"[{index}]", field, item
    else:
        yield "", field, value


def _explain_single(kind: FieldDescriptor, value: Any, path: str) -> Iterator[Violation]:
    test = _single_test(kind)
    if test is None or not test(value):
        return
    if kind.message_type is not None:
        yield from _explain(value, f"{path}.")
    elif kind.enum_type is not None:
        yield Violation(path, "is not a known value", "enum.known")
    else:
        yield Violation(path, "must not contain control characters", "string.no_control_characters")


def _map_entry(field: FieldDescriptor) -> Mapping[str, FieldDescriptor] | None:
    message = field.message_type
    return message.fields_by_name if message is not None and message.GetOptions().map_entry else None


@cache
def _exempt(field: FieldDescriptor) -> bool:
    # Parsed anew: options that were read before the extension was known keep it among the unknown fields.
    options = FieldOptions.FromString(field.GetOptions().SerializeToString())
    rules = options.Extensions[validate_pb2.field]
    return validate_pb2.IGNORE_ALWAYS in (rules.ignore, rules.repeated.items.ignore)
