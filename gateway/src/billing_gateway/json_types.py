"""The types of request messages as the table that strict_json.lua reads bodies along."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from billing_gateway.contract import HTTP_BODY, Contract

F = FieldDescriptor
Lua = str

SCRIPT = "strict_json.lua"
SIGNED_32, SIGNED_64 = (str((1 << 31) - 1), str(1 << 31)), (str((1 << 63) - 1), str(1 << 63))
UNSIGNED_32, UNSIGNED_64 = (str((1 << 32) - 1), "0"), (str((1 << 64) - 1), "0")
RANGES: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys((F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32), SIGNED_32),
    **dict.fromkeys((F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64), SIGNED_64),
    **dict.fromkeys((F.TYPE_UINT32, F.TYPE_FIXED32), UNSIGNED_32),
    **dict.fromkeys((F.TYPE_UINT64, F.TYPE_FIXED64), UNSIGNED_64),
}
"""Digits of the highest and of the lowest number."""

_SECOND = r"^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d"
_ZONES = ("Z$", r"[+-]%d%d:%d%d$")
_FRACTION = r"%.%d+"


def _table(*items: Lua) -> Lua:
    return "{" + ",".join(items) + "}"


def _text(text: str) -> Lua:
    return json.dumps(text)  # ASCII without control characters: the same in Lua


def _pattern(rule: str, description: str, *patterns: str) -> Lua:
    return _table(*map(_text, ("pattern", rule, description, *patterns)))


SCALARS: Mapping[int, Lua] = {
    F.TYPE_STRING: '{"string"}',
    F.TYPE_BOOL: '{"bool"}',
    F.TYPE_BYTES: _pattern("bytes", "must be base64", "^[%w+/_-]*=?=?$"),
    F.TYPE_DOUBLE: '{"number"}',
    F.TYPE_FLOAT: '{"number"}',
    **{kind: _table('"integer"', *map(_text, limits)) for kind, limits in RANGES.items()},
}
WELL_KNOWN: Mapping[str, Lua] = {
    "google.protobuf.Timestamp": _pattern(
        "timestamp",
        "must be a time such as 2026-01-31T12:00:00Z",
        *(f"{_SECOND}{fraction}{zone}" for fraction in ("", _FRACTION) for zone in _ZONES),
    ),
    "google.protobuf.Duration": _pattern("duration", "must be a duration such as 3.5s", "^-?%d+s$", r"^-?%d+%.%d+s$"),
    "google.protobuf.FieldMask": '{"string"}',
    "google.protobuf.Struct": '{"struct"}',
    "google.protobuf.Value": '{"any"}',
    "google.protobuf.ListValue": '{"values"}',
}


def script(contract: Contract) -> str:
    """The whole script: the table of types, then the reader."""
    return f"{table(contract)}\n{(files(__package__) / SCRIPT).read_text()}"


def table(contract: Contract) -> Lua:
    """`local TYPES = {...}` with every message that a body of the contract can hold."""
    bodies = (method.body_type(binding) for method in contract.methods for binding in method.bindings)
    found = _closure(body for body in bodies if body is not None and body.full_name != HTTP_BODY)
    lines = [f"  [{_text(name)}] = {_message(found[name])}," for name in sorted(found)]
    return "\n".join(["-- Written from the descriptors.", "local TYPES = {", *lines, "}"])


def _closure(messages: Iterable[Descriptor]) -> dict[str, Descriptor]:
    """The messages and all that they contain; maps and well-known types are no messages here."""
    found: dict[str, Descriptor] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += _inside(message)
    return found


def _inside(message: Descriptor) -> Iterator[Descriptor]:
    for field in message.fields:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            kind = kind.fields_by_name["value"].message_type
        if kind is not None and kind.full_name not in WELL_KNOWN:
            yield kind


def _message(message: Descriptor) -> Lua:
    fields = [(name, field) for field in message.fields for name in dict.fromkeys((field.name, field.json_name))]
    return _table(*(f"[{_text(name)}]={_field(field)}" for name, field in fields))


def _field(field: FieldDescriptor) -> Lua:
    group = field.containing_oneof
    shared = [_text(group.name)] if group is not None and len(group.fields) > 1 else []
    return _table(str(field.number), _type(field), *shared)


def _type(field: FieldDescriptor) -> Lua:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return _table('"map"', _single(message.fields_by_name["value"]))
    return _table('"list"', _single(field)) if field.is_repeated else _single(field)


def _single(field: FieldDescriptor) -> Lua:
    if field.message_type is not None:
        name = field.message_type.full_name
        return WELL_KNOWN.get(name) or _table('"message"', _text(name))
    if field.enum_type is not None:
        values = [*field.enum_type.values_by_name, *map(str, field.enum_type.values_by_number)]
        return _table('"enum"', _table(*(f"[{_text(value)}]=true" for value in values)))
    return SCALARS[field.type]
