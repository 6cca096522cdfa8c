"""What each message takes as JSON, compiled from its descriptor: every member known, once, and of its type.

`judge_of(message)` gives a function that appends a Violation for each thing wrong. A null member is an unset one, as in
ProtoJSON. Ranges, patterns and presence are left to the services, which check them for every way in.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from billing_kernel.errors import Violation
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from billing_gateway.guard.json_text import Decimal, Integer, Members, Where

Judge = Callable[[Any, Where | None, list[Violation]], None]

_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?s")

F = FieldDescriptor
_RANGES: Mapping[int, tuple[int, int]] = {
    **dict.fromkeys((F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32), (-(1 << 31), (1 << 31) - 1)),
    **dict.fromkeys((F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64), (-(1 << 63), (1 << 63) - 1)),
    **dict.fromkeys((F.TYPE_UINT32, F.TYPE_FIXED32), (0, (1 << 32) - 1)),
    **dict.fromkeys((F.TYPE_UINT64, F.TYPE_FIXED64), (0, (1 << 64) - 1)),
}


def _refuse(found: list[Violation], where: Where | None, rule: str, description: str) -> None:
    found.append(Violation("" if where is None else str(where), description, f"json.{rule}"))


def _text(value: Any, where: Where | None, found: list[Violation]) -> None:
    if type(value) is not str:
        _refuse(found, where, "string", "must be a string")
    elif _TEXT.search(value):
        _refuse(found, where, "text", "must not contain NUL or half of a surrogate pair")


def _truth(value: Any, where: Where | None, found: list[Violation]) -> None:
    if type(value) is not bool:
        _refuse(found, where, "bool", "must be true or false")


def _number(value: Any, where: Where | None, found: list[Violation]) -> None:
    if type(value) not in (Integer, Decimal):
        _refuse(found, where, "number", "must be a number")


def _bytes(value: Any, where: Where | None, found: list[Violation]) -> None:
    try:
        base64.b64decode(value.translate(_URL_SAFE) if type(value) is str else "?", validate=True)
    except (binascii.Error, ValueError):
        _refuse(found, where, "bytes", "must be base64")


_URL_SAFE = str.maketrans("-_", "+/")


def _integer(low: int, high: int) -> Judge:
    def judge(value: Any, where: Where | None, found: list[Violation]) -> None:
        kind = type(value)
        if (kind is not Integer and kind is not str) or not _INTEGER.fullmatch(value):
            _refuse(found, where, "integer", "must be an integer without fraction or exponent")
        elif len(value) > 20 or not low <= int(value) <= high:
            _refuse(found, where, "range", f"must be between {low} and {high}")

    return judge


def _enum(descriptor: EnumDescriptor) -> Judge:
    names, numbers = frozenset(descriptor.values_by_name), frozenset(map(str, descriptor.values_by_number))

    def judge(value: Any, where: Where | None, found: list[Violation]) -> None:
        if value not in (names if type(value) is str else numbers if type(value) is Integer else ()):
            _refuse(found, where, "enum", "must be one of the names of the enum")

    return judge


def _pattern(pattern: re.Pattern[str], rule: str, description: str) -> Judge:
    def judge(value: Any, where: Where | None, found: list[Violation]) -> None:
        if type(value) is not str or not pattern.fullmatch(value):
            _refuse(found, where, rule, description)

    return judge


def _anything(value: Any, where: Where | None, found: list[Violation]) -> None:
    """google.protobuf.Value: any JSON, but with each name once and clean text."""
    if isinstance(value, Members):
        _map(_anything)(value, where, found)
    elif isinstance(value, list):
        _list(_anything)(value, where, found)
    elif type(value) is str:
        _text(value, where, found)


def _list(judge: Judge) -> Judge:
    def judge_all(value: Any, where: Where | None, found: list[Violation]) -> None:
        if type(value) is not list:
            _refuse(found, where, "list", "must be a list")
            return
        for index, item in enumerate(value):
            if item is None and judge is not _anything:
                _refuse(found, Where(where, index), "null", "must not be null")
            else:
                judge(item, Where(where, index), found)

    return judge_all


def _map(judge: Judge) -> Judge:
    def judge_all(value: Any, where: Where | None, found: list[Violation]) -> None:
        if type(value) is not Members:
            _refuse(found, where, "object", "must be an object")
            return
        seen: set[str] = set()
        for name, item in value:
            place = Where(where, name)
            if name in seen:
                _refuse(found, place, "duplicate", "is there twice")
            seen.add(name)
            _text(name, place, found)
            judge(item, place, found)

    return judge_all


class Message:
    """The judge of one message type; a type may contain itself, so fields are compiled at the first use."""

    def __init__(self, descriptor: Descriptor, judges: Judges) -> None:
        self._descriptor = descriptor
        self._judges = judges
        self._fields: dict[str, tuple[FieldDescriptor, Judge]] = {}

    def __call__(self, value: Any, where: Where | None, found: list[Violation]) -> None:
        if type(value) is not Members:
            _refuse(found, where, "object", "must be an object")
            return
        fields = self._fields or self._compile()
        seen: set[str] = set()
        for name, item in value:
            place = Where(where, name)
            known = fields.get(name)
            if known is None:
                _refuse(found, place, "unknown", "is not a field of this message")
                continue
            field, judge = known
            if field.name in seen:
                _refuse(found, place, "duplicate", "is there twice")
            seen.add(field.name)
            if item is not None:
                _once(field, seen, place, found)
                judge(item, place, found)

    def _compile(self) -> dict[str, tuple[FieldDescriptor, Judge]]:
        for field in self._descriptor.fields:
            self._fields[field.name] = self._fields[field.json_name] = (field, self._judges.of_field(field))
        return self._fields


def _once(field: FieldDescriptor, seen: set[str], place: Where, found: list[Violation]) -> None:
    """Of a oneof, one member."""
    group = field.containing_oneof
    if group is None or len(group.fields) == 1:
        return
    mark = f"oneof {group.name}"
    if mark in seen:
        _refuse(found, place, "oneof", f"excludes another field that is there: they are all {group.name}")
    seen.add(mark)


class Judges:
    """The judges of a contract, each compiled once."""

    def __init__(self) -> None:
        self._messages: dict[str, Judge] = dict(_WELL_KNOWN)

    def of_message(self, descriptor: Descriptor) -> Judge:
        name = str(descriptor.full_name)
        if name not in self._messages:
            self._messages[name] = Message(descriptor, self)
        return self._messages[name]

    def of_field(self, field: FieldDescriptor) -> Judge:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            return _map(self._single(message.fields_by_name["value"]))
        return _list(self._single(field)) if field.is_repeated else self._single(field)

    def _single(self, field: FieldDescriptor) -> Judge:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            return _enum(field.enum_type)
        if field.type in _RANGES:
            return _integer(*_RANGES[field.type])
        return _SCALARS[field.type]


_SCALARS: Mapping[int, Judge] = {
    F.TYPE_STRING: _text,
    F.TYPE_BOOL: _truth,
    F.TYPE_BYTES: _bytes,
    F.TYPE_DOUBLE: _number,
    F.TYPE_FLOAT: _number,
}
_WELL_KNOWN: Mapping[str, Judge] = {
    "google.protobuf.Timestamp": _pattern(_TIME, "timestamp", "must be a time such as 2026-01-31T12:00:00Z"),
    "google.protobuf.Duration": _pattern(_DURATION, "duration", "must be a duration such as 3.5s"),
    "google.protobuf.FieldMask": _text,
    "google.protobuf.Struct": _map(_anything),
    "google.protobuf.Value": _anything,
    "google.protobuf.ListValue": _list(_anything),
}
