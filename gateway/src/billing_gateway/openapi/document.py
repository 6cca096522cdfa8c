"""The OpenAPI 3.1 document of a contract: a path for each REST form of each public method, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from billing.common.v1 import access_pb2
from billing_runtime.access import roles_of
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from billing_gateway.contract import HTTP_BODY, Binding, Contract, Method
from billing_gateway.media import BODY_MEDIA
from billing_gateway.openapi.errors import ERROR, ERROR_SCHEMAS
from billing_gateway.openapi.rules import is_required
from billing_gateway.openapi.schemas import WELL_KNOWN, Schema, Schemas

VERSION = "1.0.0"
INTRODUCTION = (
    "Subscriptions, usage, invoices, taxes and payments over REST. Every call needs a bearer token; the tenant is the "
    "token's.\n\nBodies are strict JSON: a field that is not in the schema, a field that is there twice, or a fraction "
    "where a whole number is needed is refused with 400 and changes nothing. 64-bit integers are strings. Amounts are "
    "integers in minor units. Times are RFC 3339.\n\nErrors have one shape: `{code, message, details}` with a stable "
    "`reason` in the `google.rpc.ErrorInfo` detail and, for bad input, the fields in `google.rpc.BadRequest`."
)
KEY_HEADER = "Idempotency-Key"
QUERY_DEPTH_MAX = 3
RAW_MEDIA = "*/*"


def document(contract: Contract) -> dict[str, Any]:
    """The whole document, as JSON values."""
    schemas = Schemas(contract.comments)
    paths: dict[str, dict[str, Any]] = {}
    for method in contract.methods:
        for number, binding in enumerate(method.bindings):
            operation = _operation(method, binding, number, schemas)
            paths.setdefault(binding.template, {})[binding.verb] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Billing mesh", "version": VERSION, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": _tag(name), "description": contract.comments.get(name, "")} for name in contract.services],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted({**schemas.found, **ERROR_SCHEMAS}.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {"Error": ERROR},
        },
    }


def _operation(method: Method, binding: Binding, number: int, schemas: Schemas) -> dict[str, Any]:
    told = schemas.comment(method.descriptor)
    summary, _, rest = told.partition(". ")
    operation: dict[str, Any] = {
        "operationId": method.name + (f"_{number}" if number else ""),
        "tags": [_tag(method.service)],
        "summary": summary.removesuffix("."),
        "description": f"{rest}\n\n{_access(method)}".strip(),
        "parameters": [*_path(method, binding, schemas), *_query(method, binding, schemas), *_headers(method)],
        "responses": {"200": _answer(method, schemas), "default": {"$ref": "#/components/responses/Error"}},
    }
    body = method.body_type(binding)
    if body is not None:
        operation["requestBody"] = _body(body, binding, schemas)
    return operation


def _tag(service: str) -> str:
    """ "invoicing.InvoicesService" reads "Invoices"; names of services are unique over the mesh."""
    return service.rpartition(".")[2].removesuffix("Service")


def _access(method: Method) -> str:
    roles = sorted(role.value for role in roles_of(method.access) if role.value != "service")
    return f"Permission `{method.access.permission}`; roles {', '.join(f'`{role}`' for role in roles)}."


def _path(method: Method, binding: Binding, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for name in binding.variables:
        field = _field(method.descriptor.input_type, name)
        yield {"name": name, "in": "path", "required": True, **_parameter(field, schemas)}


def _query(method: Method, binding: Binding, schemas: Schemas) -> Iterator[dict[str, Any]]:
    if binding.body == "*":
        return
    skip = {*binding.variables, binding.body}
    for name, field in _flat(method.descriptor.input_type, "", skip):
        needed = {"required": True} if is_required(field) and "." not in name else {}
        yield {"name": name, "in": "query", **needed, **_parameter(field, schemas)}


def _flat(message: Descriptor, prefix: str, skip: Collection[str]) -> Iterator[tuple[str, FieldDescriptor]]:
    """What can stand in a query: scalars, enums, well-known texts, lists of them, and those of messages inside."""
    for field in message.fields:
        name, kind = f"{prefix}{field.name}", field.message_type
        if name in skip:
            continue
        if kind is None or WELL_KNOWN.get(kind.full_name, {}).get("type") == "string":
            yield name, field
        elif not field.is_repeated and prefix.count(".") < QUERY_DEPTH_MAX:
            yield from _flat(kind, f"{name}.", skip)


def _headers(method: Method) -> Iterator[dict[str, Any]]:
    if method.access.idempotency == access_pb2.IDEMPOTENCY_MODE_KEY:
        text = "Makes the call safe to repeat: the same key and body give the first answer again, for 30 days."
        schema = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        needed = {"required": True} if method.access.key_required else {}
        yield {"name": KEY_HEADER, "in": "header", **needed, "description": text, "schema": schema}


def _parameter(field: FieldDescriptor, schemas: Schemas) -> dict[str, Any]:
    described = schemas.described(field)
    text = described.pop("description", "")
    return {"description": text, "schema": described} if text else {"schema": described}


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    first, _, rest = path.partition(".")
    field = message.fields_by_name[first]
    return _field(field.message_type, rest) if rest and field.message_type else field


def _body(body: Descriptor, binding: Binding, schemas: Schemas) -> dict[str, Any]:
    if body.full_name == HTTP_BODY:
        binary: Schema = {"type": "string", "format": "binary"}
        return {"required": True, "content": {each: {"schema": binary} for each in BODY_MEDIA[binding.path]}}
    schema = schemas.body(body, binding.variables if binding.body == "*" else ())
    needed = bool(schemas.found[str(body.full_name)].get("required"))
    return {"required": needed, "content": {"application/json": {"schema": schema}}}


def _answer(method: Method, schemas: Schemas) -> dict[str, Any]:
    output = method.descriptor.output_type
    schema = schemas.reference(output)
    media = RAW_MEDIA if output.full_name == HTTP_BODY else "application/json"
    if method.descriptor.server_streaming:
        media = "application/x-ndjson"
    return {"description": schemas.comment(output) or "The file.", "content": {media: {"schema": schema}}}
