"""The form of a catalogue file: catalog.schema.json, made from the contract, and how it differs from the API's JSON."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

Schema = dict[str, Any]

CATALOG = "billing.subscriptions.v1.Catalog"
PRICE = "billing.common.v1.PriceModel"
_HERE = "#/$defs/"


@cache
def _document() -> Schema:
    found: Schema = json.loads(files("billing_cli").joinpath("catalog.schema.json").read_text())
    return found


def schema_of(name: str) -> Schema:
    """The schema of a message by its full name."""
    found: Schema = _document()["$defs"][name]
    return found


def resolved(schema: Schema) -> Schema:
    """The schema itself, or the one it refers to with what it adds."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**schema_of(str(reference).removeprefix(_HERE)), **{k: v for k, v in schema.items() if k != "$ref"}}


def from_api(found: Any, schema: Schema) -> Any:
    """JSON of the API as a file writes it: short names of enums, whole numbers, and nothing that is as by default."""
    schema = resolved(schema)
    match schema.get("type"):
        case "object" if "properties" in schema:
            return _object_from_api(found, schema)
        case "array":
            return [from_api(each, schema["items"]) for each in found]
        case "integer":
            return int(found)
        case "string" if "x-prefix" in schema:
            return str(found).removeprefix(schema["x-prefix"])
        case _:
            return found


def _object_from_api(found: Schema, schema: Schema) -> Schema:
    choices = [each["required"][0] for each in schema.get("oneOf", ()) if "required" in each]
    kept = {*schema.get("required", ()), *choices}
    made = {}
    for name, each in schema["properties"].items():
        if name in found:
            value = from_api(found[name], each)
            if name in kept or each.get("x-kept") or not _is_default(value):
                made[name] = value
    return made


def _is_default(value: Any) -> bool:
    return value in ("", 0, False, "UNSPECIFIED") or value in ([], {})
