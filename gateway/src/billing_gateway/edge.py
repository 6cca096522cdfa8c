"""Writes the edge: Envoy's configuration from its one template, with the descriptors, OpenAPI and page it serves."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from billing.common.v1 import access_pb2
from jinja2 import Environment, PackageLoader, StrictUndefined

from billing_gateway import json_types
from billing_gateway.contract import HTTP_BODY, Binding, Contract, Method, committed
from billing_gateway.media import BODY_MEDIA, JSON_MEDIA
from billing_gateway.openapi.document import document
from billing_gateway.settings import AREAS, EdgeSettings, is_ip, split

CONFIG = "envoy.yaml"
DESCRIPTORS, OPENAPI, DOCS, ACCESS_LOG = "descriptors.binpb", "openapi.json", "docs.html", "access.log"
BODY_BYTES_MAX = 4 << 20
TIMEOUTS_S: Mapping[int, int] = {
    access_pb2.RATE_CLASS_READ: 15,
    access_pb2.RATE_CLASS_WRITE: 30,
    access_pb2.RATE_CLASS_ADMIN: 60,
}
OPEN_PATHS = ("/", "/docs", "/openapi.json")
STRIPPED_HEADERS = (
    "x-tenant-id",
    "x-user-id",
    "x-customer-id",
    "x-role",
    "x-jwt-payload",
    "x-forwarded-client-cert",
    "x-envoy-original-path",
    "x-envoy-original-method",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-decorator-operation",
    "x-envoy-force-trace",
)
LOCAL_ERRORS = (
    (400, 3, "BAD_REQUEST"),
    (401, 16, "UNAUTHENTICATED"),
    (403, 7, "PERMISSION_DENIED"),
    (404, 5, "NO_SUCH_METHOD"),
    (408, 4, "REQUEST_TIMEOUT"),
    (413, 3, "BODY_TOO_LARGE"),
    (415, 3, "UNSUPPORTED_MEDIA_TYPE"),
    (429, 8, "RATE_LIMITED"),
    (431, 3, "HEADERS_TOO_LARGE"),
    (501, 12, "NOT_IMPLEMENTED"),
    (502, 14, "UNAVAILABLE"),
    (503, 14, "UNAVAILABLE"),
    (504, 4, "DEADLINE_EXCEEDED"),
)
"""What the edge itself answers: HTTP status, gRPC code, reason."""


@dataclass(frozen=True, slots=True)
class Body:
    """A REST form with a body: `message` is what strict JSON holds it against, empty where the service reads it raw.

    `fixed` is the whole path where nothing in it varies: cheaper to match than `pattern`.
    """

    area: str
    verb: str
    pattern: str
    fixed: str
    media: str
    message: str
    refusal: str
    may_be_empty: bool


def write(settings: EdgeSettings, folder: Path, contract: Contract | None = None) -> Path:
    """Writes everything that the proxy reads into `folder`, absolute paths inside, and returns the configuration."""
    contract = contract or committed()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    page = (files(__package__) / DOCS).read_bytes()
    (folder / DESCRIPTORS).write_bytes(contract.descriptor_set())
    (folder / OPENAPI).write_text(json.dumps(document(contract), ensure_ascii=False, separators=(",", ":")))
    (folder / DOCS).write_bytes(page)
    (folder / json_types.SCRIPT).write_text(json_types.script(contract))
    (folder / CONFIG).write_text(render(settings, contract, folder, page.decode()))
    return folder / CONFIG


def render(settings: EdgeSettings, contract: Contract, folder: Path, page: str) -> str:
    """The text of the configuration."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=False,  # YAML: every value goes through tojson or is ours
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True}
    template = environment.get_template("envoy.yaml.j2")
    return template.render(**_places(settings, folder), **_policy(settings, page), **_methods(contract), error=_error)


def _places(settings: EdgeSettings, folder: Path) -> dict[str, Any]:
    return {
        "edge": split(settings.edge_address),
        "admin": split(settings.edge_admin_address),
        "otlp": _cluster("otlp", urlsplit(settings.otlp_endpoint).netloc) if settings.otlp_endpoint else None,
        "clusters": [_cluster(area, settings.address_of(area)) for area in AREAS],
        "jwks": str(settings.user_jwks.resolve()),
        "access_log": settings.edge_access_log or str(folder / ACCESS_LOG),
        "descriptors": str(folder / DESCRIPTORS),
        "openapi": str(folder / OPENAPI),
        "docs": str(folder / DOCS),
        "strict_json": str(folder / json_types.SCRIPT),
    }


def _policy(settings: EdgeSettings, page: str) -> dict[str, Any]:
    return {
        "issuer": settings.user_issuer,
        "audience": settings.user_audience,
        "tenant_rate": settings.edge_tenant_rate_per_s,
        "cors_origins": settings.edge_cors_origins,
        "sample_percent": settings.trace_sample_rate * 100,
        "body_bytes_max": BODY_BYTES_MAX,
        "stripped_headers": STRIPPED_HEADERS,
        "local_errors": LOCAL_ERRORS,
        "open_paths": OPEN_PATHS,
        "docs_policy": content_policy(page),
    }


def _methods(contract: Contract) -> dict[str, Any]:
    routes = [
        {"path": each.path, "area": each.area, "timeout": f"{TIMEOUTS_S[each.access.rate_class]}s"}
        for each in contract.methods
    ]
    bound = [(method, binding) for method in contract.methods for binding in method.bindings]
    bare = sorted({binding.verb.upper() for _, binding in bound if not binding.body})
    return {
        "methods": routes,
        "services": contract.services,
        "bodies": [_body(method, binding) for method, binding in bound if binding.body],
        "bare_verbs": bare,
    }


def _body(method: Method, binding: Binding) -> Body:
    kind = method.body_type(binding)
    raw = kind is not None and kind.full_name == HTTP_BODY
    media = BODY_MEDIA[binding.path] if raw else JSON_MEDIA
    return Body(
        area=method.area,
        verb=binding.verb.upper(),
        pattern=binding.pattern,
        fixed="" if binding.variables else binding.path,
        media=f"(?i)(?:{'|'.join(re.escape(each) for each in media)})[ ]*(?:;.*)?",
        message="" if raw or kind is None else kind.full_name,
        refusal=f"content-type must be {' or '.join(media)}",
        may_be_empty=not raw,
    )


def _cluster(name: str, address: str) -> dict[str, Any]:
    host_port = split(address)
    return {"name": name, "address": host_port, "discovery": "STATIC" if is_ip(host_port[0]) else "STRICT_DNS"}


def _error(code: int, reason: str) -> str:
    """The body of an answer that the edge makes, as a flow mapping of YAML."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "billing", "metadata": {}}
    return json.dumps({"code": code, "message": "%LOCAL_REPLY_BODY%", "details": [info]})


def content_policy(page: str) -> str:
    """The page may run its own script and style, ask its own host, and nothing else."""
    parts = {kind: " ".join(_hashes(page, kind)) for kind in ("script", "style")}
    rest = "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"default-src 'none'; script-src {parts['script']}; style-src {parts['style']}; {rest}"


def _hashes(page: str, kind: str) -> Iterator[str]:
    for text in re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL):
        yield f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
