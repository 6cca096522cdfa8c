"""Messages and enums as JSON Schema, named by their full names, collected as they are met."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from billing_gateway.contract import HTTP_BODY
from billing_gateway.openapi.rules import constraints, is_required, list_constraints, rules_of

F = FieldDescriptor
Schema = dict[str, Any]

WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Names of fields, separated by commas."},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Empty": {"type": "object", "additionalProperties": False},
    HTTP_BODY: {"type": "string", "format": "binary"},
}
INT32: Schema = {"type": "integer", "format": "int32"}
UINT32: Schema = {"type": "integer", "format": "int32", "minimum": 0}
INT64: Schema = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
UINT64: Schema = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
SCALARS: Mapping[int, Schema] = {
    **dict.fromkeys((F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64), INT64),
    **dict.fromkeys((F.TYPE_UINT64, F.TYPE_FIXED64), UINT64),
    **dict.fromkeys((F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32), INT32),
    **dict.fromkeys((F.TYPE_UINT32, F.TYPE_FIXED32), UINT32),
    F.TYPE_BOOL: {"type": "boolean"},
    F.TYPE_STRING: {"type": "string"},
    F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    F.TYPE_FLOAT: {"type": "number", "format": "float"},
}


class Schemas:
    """The component schemas of one document; `found` grows as messages are referred to."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self.found: dict[str, Schema] = {}

    def reference(self, message: Descriptor) -> Schema:
        """A reference to the schema of a message, which is added when it is new."""
        name = str(message.full_name)
        if name in WELL_KNOWN:
            return dict(WELL_KNOWN[name])
        if name not in self.found:
            self.found[name] = {}
            self.found[name] = self.object(message)
        return _ref(name)

    def body(self, message: Descriptor, without: Collection[str]) -> Schema:
        """A request as a body: its fields that stand in the path are left out."""
        self.found[str(message.full_name)] = self.object(message, without)
        return _ref(str(message.full_name))

    def object(self, message: Descriptor, without: Collection[str] = ()) -> Schema:
        fields = [field for field in message.fields if field.name not in without]
        required = [field.name for field in fields if is_required(field)]
        schema: Schema = {"type": "object", "description": self.comment(message)}
        schema["properties"] = {field.name: self.described(field) for field in fields}
        if required:
            schema["required"] = required
        return schema | {"additionalProperties": False}

    def described(self, field: FieldDescriptor) -> Schema:
        """The schema of a field with what its comment says."""
        text = self.comment(field)
        group = field.containing_oneof
        if group is not None and len(group.fields) > 1:
            names = ", ".join(each.name for each in group.fields)
            text = f"{text} At most one of {names}.".strip()
        return {**self.field(field), "description": text} if text else self.field(field)

    def field(self, field: FieldDescriptor) -> Schema:
        rules, message = rules_of(field), field.message_type
        if message is not None and message.GetOptions().map_entry:
            entry = message.fields_by_name
            values = {**self._single(entry["value"]), **constraints(rules.map.values)}
            names = constraints(rules.map.keys)
            schema = {"type": "object", "additionalProperties": values, **list_constraints(rules)}
            return {**schema, "propertyNames": names} if names else schema
        if field.is_repeated:
            items = {**self._single(field), **constraints(rules.repeated.items)}
            return {"type": "array", "items": items, **list_constraints(rules)}
        return {**self._single(field), **constraints(rules)}

    def comment(self, described: Any) -> str:
        return self._comments.get(str(described.full_name), "")

    def _single(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.reference(field.message_type)
        return self._enum(field.enum_type) if field.enum_type is not None else dict(SCALARS[field.type])

    def _enum(self, enum: EnumDescriptor) -> Schema:
        name = str(enum.full_name)
        if name not in self.found:
            values = [value.name for value in enum.values]
            told = [(value, self._comments.get(f"{name}.{value}", "")) for value in values]
            lines = [f"- `{value}`: {text}" for value, text in told if text]
            description = "\n".join([self.comment(enum), "", *lines]).strip()
            self.found[name] = {"type": "string", "enum": values, "description": description}
        return _ref(name)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
