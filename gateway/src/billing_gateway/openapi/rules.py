"""Validation rules of a field, as far as JSON Schema can say them; the services enforce all of them."""

from __future__ import annotations

import re
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions

FORMATS = {"email": "email", "uri": "uri", "uuid": "uuid", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6"}
WHOLE_NUMBERS = ("int32", "uint32", "sint32")


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """The rules of a field; empty ones where it has none."""
    # Parsed anew: the descriptors come from a pool that does not know the extension.
    options = FieldOptions.FromString(field.GetOptions().SerializeToString())
    return options.Extensions[validate_pb2.field]


def is_required(field: FieldDescriptor) -> bool:
    """Whether a request without this field is refused whatever else it holds."""
    rules = rules_of(field)
    if rules.ignore != validate_pb2.IGNORE_UNSPECIFIED or field.has_presence:
        return bool(rules.required)
    empty_text = rules.HasField("string") and _refuses_empty(rules.string)
    return bool(rules.required or empty_text or rules.repeated.min_items or rules.map.min_pairs)


def constraints(rules: validate_pb2.FieldRules) -> dict[str, Any]:
    """JSON Schema keywords for one value (not a list, not a map)."""
    if rules.ignore == validate_pb2.IGNORE_ALWAYS:
        return {}
    found = _string(rules.string) if rules.HasField("string") else {}
    kind = rules.WhichOneof("type")
    if kind in WHOLE_NUMBERS:
        found |= _range(getattr(rules, kind))
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        found.pop("minLength", None)
        if "pattern" in found:
            found["pattern"] = f"^$|{found['pattern']}"
    return found


def list_constraints(rules: validate_pb2.FieldRules) -> dict[str, Any]:
    """Of a list or a map."""
    lists, maps = rules.repeated, rules.map
    found = {"minItems": lists.min_items, "maxItems": lists.max_items, "uniqueItems": lists.unique}
    found |= {"minProperties": maps.min_pairs, "maxProperties": maps.max_pairs}
    return {keyword: value for keyword, value in found.items() if value}


def _string(rules: validate_pb2.StringRules) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword, name in (("minLength", "min_len"), ("maxLength", "max_len")):
        if rules.HasField(name):  # type: ignore[arg-type]  # names of the two fields above
            found[keyword] = getattr(rules, name)
    if rules.HasField("len"):
        found |= {"minLength": rules.len, "maxLength": rules.len}
    if rules.HasField("pattern"):
        found["pattern"] = rules.pattern
    known = rules.WhichOneof("well_known")
    if known in FORMATS:
        found["format"] = FORMATS[known]
    if getattr(rules, "in"):
        found["enum"] = list(getattr(rules, "in"))
    return found


def _range(rules: Any) -> dict[str, Any]:
    words = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
    return {word: getattr(rules, name) for name, word in words.items() if rules.HasField(name)}


def _refuses_empty(rules: validate_pb2.StringRules) -> bool:
    by_pattern = rules.HasField("pattern") and re.search(_python(rules.pattern), "") is None
    return bool(rules.min_len or rules.len or by_pattern)


def _python(pattern: str) -> str:
    r"""RE2 writes classes such as \p{L}, which Python does not know; for the empty string any letter will do."""
    return re.sub(r"\\[pP]\{[^}]*\}", r"\\w", pattern)
