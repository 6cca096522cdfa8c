"""Bad input below the level of fields: bytes over gRPC, bodies, paths and headers over REST. One line a case."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from tests.e2e.contract import rpc
from tests.e2e.spine import PARTY

MIB = 1 << 20
PLAN = rpc("CreatePlan").encode({"code": "bytes", "name": "Bytes"})
PLANS, CUSTOMERS, METERS = "/v1/plans", "/v1/customers", "/v1/meters"
PAID, MINOR = "/v1/invoices/inv_x:mark_paid", "amount.amount_minor"
FLAT, VERSIONS = "items[0].price.flat.amount", "/v1/plans/plan_x/versions"
ONE_PLAN = "/v1/plans/plan_01h455vb4pex5vsknk084sn02q"
EVENTS, CLOUD = "/v1/usage/events:ingest", "/v1/usage/cloudevents"
JSON, BATCH, LINES = "application/json", "application/cloudevents-batch+json", "application/x-ndjson"
BODY, TYPE, BAD, RULES = "INVALID_JSON", "UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST", "VALIDATION_FAILED"
LARGE, UNKNOWN, HEADERS = "BODY_TOO_LARGE", "NO_SUCH_METHOD", "HEADERS_TOO_LARGE"
CLOUD_EVENTS = "INVALID_CLOUD_EVENTS"

# Name, RPC, bytes: each is MALFORMED_REQUEST.
MALFORMED: tuple[tuple[str, str, bytes], ...] = (
    ("random bytes", "CreatePlan", bytes(range(255, 0, -7))),
    ("cut off", "CreatePlan", PLAN[:-1]),
    ("length beyond the end", "CreatePlan", b"\x0a\xff\xff\xff\xff\x0f"),
    ("varint without end", "CreatePlan", b"\x08" + b"\xff" * 20),
    ("not UTF-8", "CreatePlan", b"\x0a\x02\xc3\x28"),
    ("half a surrogate pair", "CreatePlan", b"\x0a\x03\xed\xa0\x80"),
    ("10,000 nested groups", "CreatePlan", b"\x0b" * 10_000 + b"\x0c" * 10_000),
    ("field number 0", "CreatePlan", b"\x00\x01"),
    ("wire type 7", "CreatePlan", b"\x0f"),
    ("unknown field", "CreatePlan", PLAN + b"\xaa\x06\x01x"),
    (
        "unknown field deep inside",
        "CreateCustomer",
        rpc("CreateCustomer").encode({"party": PARTY}) + b"\x12\x05\xaa\x06\x02xx",
    ),
    ("wrong wire type", "CreatePlan", PLAN + b"\x08\x01"),
    ("JSON", "CreatePlan", b'{"code": "bytes", "name": "Bytes"}'),
    ("framed twice", "CreatePlan", b"\x00\x00\x00\x00\x0e" + PLAN),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request over REST and its refusal. `field` is among the violations."""

    name: str
    verb: str
    path: str
    content: bytes
    status: int
    reason: str
    field: str = ""
    media: str = JSON
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def body(name: str, text: str | bytes, where: str = "", path: str = PLANS, reason: str = BODY) -> Sent:
    """A body that is refused with 400."""
    return Sent(name, "POST", path, text.encode() if isinstance(text, str) else text, 400, reason, where)


def media(name: str, media: str, path: str = PLANS) -> Sent:
    """A body whose type is refused."""
    return Sent(name, "POST", path, b'{"code": "m", "name": "n"}', 415, TYPE, media=media)


def path(name: str, verb: str, path: str, status: int, reason: str, field: str = "") -> Sent:
    return Sent(name, verb, path, b"", status, reason, field)


def cloud(name: str, text: str | bytes, media: str = BATCH, status: int = 400, reason: str = CLOUD_EVENTS) -> Sent:
    return Sent(name, "POST", CLOUD, text.encode() if isinstance(text, str) else text, status, reason, media=media)


CODE = '{"code": "b", "name": "n"'

# fmt: off
BODIES = (
    body("not JSON", "{"),
    body("single quotes", "{'code': 'b'}"),
    body("two values", CODE + "} {}"),
    body("comment", CODE + "} // x"),
    body("trailing comma", CODE + ",}"),
    body("NaN", '{"code": NaN}'),
    body("array", "[]"),
    body("text", '"x"'),
    body("number", "1"),
    body("null", "null"),
    body("not UTF-8", b'{"code": "\xff"}', "", PLANS, BAD),
    body("UTF-16", '{"code": "b"}'.encode("utf-16")),
    body("byte order mark", b"\xef\xbb\xbf" + CODE.encode() + b"}"),
    body("half a surrogate pair", '{"code": "b", "name": "\\ud800"}', "name"),
    body("NUL escaped", '{"code": "b", "name": "a\\u0000"}', "name"),
    body("NUL raw", b'{"code": "b", "name": "a\x00"}'),
    body("line end raw", b'{"code": "b", "name": "a\nb"}'),
    body("3,000 levels", "[" * 3000 + "]" * 3000),
    body("3,000 levels inside", '{"metadata": ' + '{"a":' * 3000 + "1" + "}" * 3001),
    body("unknown field", CODE + ', "nmae": "x"}', "nmae"),
    body("unknown field nested", '{"party": {"name": "n", "adress": {}}}', "party.adress", CUSTOMERS),
    body("unknown field in a list", '{"events": [{"id": "1"}, {"id": "2", "valeu": "1"}]}', "events[1].valeu", EVENTS),
    body("unknown field deep in a list", '{"events": [{"id": "1", "time": {"seconds": 1}}]}', "events[0].time", EVENTS),
    body("field of the answer", CODE + ', "plan_id": "x"}', "plan_id"),
    body("prototype", CODE + ', "__proto__": {}}', "__proto__"),
    body("any type", CODE + ', "@type": "x"}'),
    body("duplicate key", CODE + ', "name": "m"}', "name"),
    body("key in two spellings", '{"currency_code": "EUR", "currencyCode": "USD"}', "currencyCode", CUSTOMERS),
    body("duplicate label", CODE + ', "metadata": {"a": "1", "a": "2"}}', "metadata.a"),
    body("two of one", '{"events": [{"subscription_id": "a", "customer_id": ""}]}', "events[0].customer_id", EVENTS),
    body("number for text", '{"code": 1, "name": "n"}', "code"),
    body("text for a map", CODE + ', "metadata": "x"}', "metadata"),
    body("list for text", '{"code": ["b"], "name": "n"}', "code"),
    body("text for a list", '{"events": "x"}', "events", EVENTS),
    body("null in a list", '{"events": [null]}', "events[0]", EVENTS),
    body("enum of no name", '{"code": "b", "name": "n", "aggregation": "SUM"}', "aggregation", METERS),
    body("enum in lower case", '{"aggregation": "meter_aggregation_sum"}', "aggregation", METERS),
    body("truth as text", '{"is_default": "true"}', "is_default", "/v1/payment_methods"),
    body("float in int32", '{"net_terms_days": 1.5}', "net_terms_days", CUSTOMERS),
    body("exponent in int32", '{"net_terms_days": 1e1}', "net_terms_days", CUSTOMERS),
    body("int32 overflow", '{"net_terms_days": 2147483648}', "net_terms_days", CUSTOMERS),
    body("float in int64", '{"amount": {"amount_minor": 1.5}}', MINOR, PAID),
    body("float 1.0 in int64", '{"amount": {"amount_minor": 1.0}}', MINOR, PAID),
    body("int64 overflow", '{"amount": {"amount_minor": 9223372036854775808}}', MINOR, PAID),
    body("int64 overflow as text", '{"amount": {"amount_minor": "-9223372036854775809"}}', MINOR, PAID),
    body("int64 with a space", '{"amount": {"amount_minor": " 1"}}', MINOR, PAID),
    body("price as a number", '{"items": [{"price": {"flat": {"amount": 49.00}}}]}', FLAT, VERSIONS),
    body("time without a zone", '{"as_of": "2026-01-01T00:00:00"}', "as_of", "/v1/billing_runs"),
    body("time as a number", '{"as_of": 1767225600}', "as_of", "/v1/billing_runs"),
    body("time of day 25", '{"as_of": "2026-01-01T25:00:00Z"}', "", "/v1/billing_runs", BAD),
    body("body empty", "", "code", PLANS, RULES),
    body("object empty", "{}", "code", PLANS, RULES),
    media("text", "text/plain"),
    media("form", "application/x-www-form-urlencoded"),
    media("multipart", "multipart/form-data; boundary=x"),
    media("protobuf", "application/x-protobuf"),
    media("JSON in disguise", "text/plain; application/json"),
    media("JSON for CloudEvents", "text/json", CLOUD),
    Sent("5 MiB", "POST", PLANS, b'{"name": "' + b"x" * (5 * MIB) + b'"}', 413, LARGE),
    Sent("5 MiB of spaces", "POST", PLANS, b" " * (5 * MIB), 413, LARGE),
    Sent("5 MiB of events", "POST", CLOUD, b"\n" * (5 * MIB), 413, LARGE, media=LINES),
)

PATHS = (
    path("unknown path", "GET", "/v1/nothing", 404, UNKNOWN),
    path("root of others", "GET", "/admin", 404, UNKNOWN),
    path("wrong verb", "DELETE", PLANS, 404, UNKNOWN),
    path("trace", "TRACE", PLANS, 404, UNKNOWN),
    path("internal RPC by its name", "POST", "/billing.subscriptions.v1.RenewalsService/RunRenewals", 415, TYPE),
    path("public RPC by its name", "POST", "/billing.subscriptions.v1.PlansService/CreatePlan", 415, TYPE),
    path("reflection", "POST", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", 404, UNKNOWN),
    path("path that climbs", "GET", "/v1/plans/../../etc/passwd", 404, UNKNOWN),
    path("path that climbs, escaped", "GET", "/v1/plans/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 400, BAD),
    path("path that climbs, escaped twice", "GET", "/v1/plans/%252e%252e%252fetc", 400, RULES, "plan_id"),
    path("backslashes", "GET", "/v1/plans/..%5c..%5cetc", 400, BAD),
    path("NUL in a path", "GET", "/v1/plans/plan_%00", 400, BAD),
    path("unknown query", "GET", "/v1/plans?nope=1", 400, BAD),
    path("text for a number", "GET", "/v1/plans?page_size=ten", 400, BAD),
    path("page size overflow", "GET", "/v1/plans?page_size=99999999999", 400, BAD),
    path("enum unknown", "GET", "/v1/invoices?state=NOPE", 400, BAD),
    path("NUL in a query", "GET", "/v1/plans?code=%00", 400, RULES, "code"),
    path("not UTF-8 in a query", "GET", "/v1/plans?code=%ff", 400, "MALFORMED_REQUEST"),
    path("token in the query", "GET", "/v1/plans?access_token=x", 400, BAD),
    path("path that climbs to usage", "GET", "/v1/subscriptions/../usage", 404, UNKNOWN),
    Sent("body where none goes", "GET", PLANS, b"{}", 400, BODY),
    Sent("other id in the body", "PATCH", ONE_PLAN, b'{"plan_id": "plan_x"}', 400, BAD),
    Sent("header with an underscore", "GET", PLANS, b"", 400, BAD, headers={"x_tenant_id": "x"}),
    Sent("headers of 20 KB", "GET", PLANS, b"", 431, HEADERS, headers={"x-large": "x" * 20_000}),
)

CLOUD_BODIES = (
    cloud("not JSON", "["),
    cloud("empty", ""),
    cloud("number", "1"),
    cloud("not UTF-8", b'[{"id": "\xff"}]'),
    cloud("lines that are no JSON", "{}\n{", LINES),
    cloud("duplicate key", '[{"id": "1", "id": "2"}]'),
    cloud("1,001 events", "[" + ",".join(["{}"] * 1001) + "]"),
)
