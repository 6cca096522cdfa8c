"""The form of a catalogue file as JSON Schema, made from the contract.

Usage: python -m tools.catalog_schema   writes libs/cli/src/billing_cli/catalog.schema.json

Enums have their short names; `x-prefix` is what the API puts before them. `x-kept` marks numbers whose zero says
something. Ids that only the service gives are left out.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from billing.subscriptions.v1 import catalog_pb2
from billing_gateway.contract import committed
from billing_gateway.openapi.rules import rules_of
from billing_gateway.openapi.schemas import Schema, Schemas
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import OneofOptions

from tools.gen_protos import ROOT

FILE = ROOT / "libs/cli/src/billing_cli/catalog.schema.json"
GIVEN = frozenset({"plan_item_id"})
HERE, THERE = "#/$defs/", "#/components/schemas/"
WHOLE = {"type": "integer"}


class FileSchemas(Schemas):
    """Messages as a person writes them."""

    def object(self, message: Descriptor, without: Collection[str] = ()) -> Schema:
        schema = super().object(message, GIVEN)
        for group in message.oneofs:
            if len(group.fields) > 1:
                schema["oneOf"] = list(_choices(group))
        fixed = [name for name, each in schema["properties"].items() if "const" in each]
        return schema | ({"required": [*schema.get("required", ()), *fixed]} if fixed else {})

    def field(self, field: FieldDescriptor) -> Schema:
        schema = super().field(field)
        if field.type in (field.TYPE_INT64, field.TYPE_UINT64):
            schema = WHOLE | {
                name: value for name, value in schema.items() if name not in ("type", "format", "pattern")
            }
        if rules_of(field).int32.HasField("const"):
            schema["const"] = rules_of(field).int32.const
        presence = field.has_presence and field.message_type is None
        return schema | {"x-kept": True} if presence else schema

    def _enum(self, enum: EnumDescriptor) -> Schema:
        reference = super()._enum(enum)
        name = str(enum.full_name)
        prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
        values = [value.name.removeprefix(prefix) for value in enum.values if value.number]
        described = self.found[name]["description"].replace(prefix, "")
        self.found[name] = {"type": "string", "enum": values, "x-prefix": prefix, "description": described}
        return reference


def _choices(group: Any) -> Iterator[Schema]:
    """Exactly one of the fields; none is a choice where none is needed."""
    names = [field.name for field in group.fields]
    yield from ({"required": [name]} for name in names)
    options = OneofOptions.FromString(group.GetOptions().SerializeToString())
    if not options.Extensions[validate_pb2.oneof].required:
        yield {"not": {"anyOf": [{"required": [name]} for name in names]}}


def schema() -> Schema:
    """The whole document."""
    schemas = FileSchemas(committed().comments)
    root = schemas.reference(catalog_pb2.Catalog.DESCRIPTOR)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A catalogue of billing",
        **root,
        "$defs": dict(sorted(schemas.found.items())),
    }


def text() -> str:
    """As it is committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False).replace(THERE, HERE) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
