"""The one shape of errors, as the edge and the services write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ERROR: Mapping[str, Any] = {
    "description": "Refused or failed; nothing was changed.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/google.rpc.Status"}}},
}


def _texts(**texts: str) -> dict[str, Any]:
    return {name: {"type": "string", "description": text} for name, text in texts.items()}


def _detail(name: str) -> dict[str, Any]:
    return {"@type": {"type": "string", "const": f"type.googleapis.com/google.rpc.{name}"}}


ERROR_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "google.rpc.Status": {
        "type": "object",
        "description": "An error.",
        "required": ["code", "message", "details"],
        "properties": {
            "code": {
                "type": "integer",
                "format": "int32",
                "description": "The gRPC code, such as 3 (INVALID_ARGUMENT).",
            },
            "message": {"type": "string", "description": "For developers; may change."},
            "details": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/google.rpc.ErrorInfo"},
                        {"$ref": "#/components/schemas/google.rpc.BadRequest"},
                        {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}},
                    ]
                },
            },
        },
    },
    "google.rpc.ErrorInfo": {
        "type": "object",
        "description": "Why, in words that programs may rely on.",
        "required": ["@type", "reason", "domain"],
        "properties": {
            **_detail("ErrorInfo"),
            **_texts(reason="Stable reason, such as INVOICE_NOT_FOUND.", domain='Always "billing".'),
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "google.rpc.BadRequest": {
        "type": "object",
        "description": "What is wrong with the fields of the request.",
        "required": ["@type", "field_violations"],
        "properties": {
            **_detail("BadRequest"),
            "field_violations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "description"],
                    "properties": _texts(
                        field="Path of the field, such as items[2].name.",
                        description="What is wrong with it.",
                        reason="Id of the rule.",
                    ),
                },
            },
        },
    },
}
