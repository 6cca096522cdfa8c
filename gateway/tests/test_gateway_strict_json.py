"""Bodies through a real Envoy: what the translation would bend is refused, names its field, and has no effect."""

import json

import pytest
from billing.subscriptions.v1 import customers_service_pb2
from billing.usage.v1 import usage_service_pb2
from google.protobuf import json_format

CUSTOMERS = "/v1/customers"
EVENTS = "/v1/usage/events:ingest"
PAID = "/v1/invoices/inv_1:mark_paid"
EVENT = '{"events":[{"id":"1","meter_code":"m"},%s]}'

FIELDS = [
    ("unknown", CUSTOMERS, '{"currency":"EUR"}', "currency", "json.unknown"),
    ("unknown inside", CUSTOMERS, '{"party":{"amuont":1}}', "party.amuont", "json.unknown"),
    ("unknown in a list", EVENTS, EVENT % '{"idd":"2"}', "events[1].idd", "json.unknown"),
    ("unknown with an object", CUSTOMERS, '{"x":{"a":[1,{"b":null}]}}', "x", "json.unknown"),
    ("escaped spelling", CUSTOMERS, '{"\\u0078y":1}', "xy", "json.unknown"),
    ("twice", CUSTOMERS, '{"external_id":"a","external_id":"b"}', "external_id", "json.duplicate"),
    ("twice, by both names", CUSTOMERS, '{"external_id":"a","externalId":"b"}', "externalId", "json.duplicate"),
    ("twice, once escaped", CUSTOMERS, '{"external_id":"a","external\\u005fid":"b"}', "external_id", "json.duplicate"),
    ("twice, once null", CUSTOMERS, '{"external_id":"a","external_id":null}', "external_id", "json.duplicate"),
    ("twice in a map", CUSTOMERS, '{"metadata":{"a":"1","a":"2"}}', "metadata.a", "json.duplicate"),
    (
        "two of a oneof",
        EVENTS,
        EVENT % '{"customer_id":"c","subscription_id":"s"}',
        "events[1].subscription_id",
        "json.oneof",
    ),
    ("NUL", CUSTOMERS, '{"external_id":"a\\u0000"}', "external_id", "json.text"),
    ("NUL in a map's name", CUSTOMERS, '{"metadata":{"a\\u0000":"1"}}', "metadata.a?", "json.text"),
    ("lone high surrogate", CUSTOMERS, '{"external_id":"\\ud83d"}', "external_id", "json.text"),
    ("lone low surrogate", CUSTOMERS, '{"external_id":"\\ude00x"}', "external_id", "json.text"),
    ("surrogates in the wrong order", CUSTOMERS, '{"external_id":"\\ude00\\ud83d"}', "external_id", "json.text"),
    ("fraction", PAID, '{"amount":{"amount_minor":1.5}}', "amount.amount_minor", "json.integer"),
    ("exponent", PAID, '{"amount":{"amount_minor":1e3}}', "amount.amount_minor", "json.integer"),
    ("whole fraction", PAID, '{"amount":{"amount_minor":1.0}}', "amount.amount_minor", "json.integer"),
    ("text for an integer", PAID, '{"amount":{"amount_minor":"many"}}', "amount.amount_minor", "json.integer"),
    ("exponent as text", PAID, '{"amount":{"amount_minor":"1e3"}}', "amount.amount_minor", "json.integer"),
    ("leading zero as text", PAID, '{"amount":{"amount_minor":"01"}}', "amount.amount_minor", "json.integer"),
    ("empty text", PAID, '{"amount":{"amount_minor":""}}', "amount.amount_minor", "json.integer"),
    ("too big", PAID, '{"amount":{"amount_minor":9223372036854775808}}', "amount.amount_minor", "json.range"),
    ("too small", PAID, '{"amount":{"amount_minor":"-9223372036854775809"}}', "amount.amount_minor", "json.range"),
    ("too big for 32 bits", CUSTOMERS, '{"net_terms_days":2147483648}', "net_terms_days", "json.range"),
    ("number for text", CUSTOMERS, '{"external_id":1}', "external_id", "json.string"),
    ("scalar for a list", EVENTS, '{"events":{"id":"1"}}', "events", "json.list"),
    ("list for a scalar", CUSTOMERS, '{"external_id":["a"]}', "external_id", "json.string"),
    ("list for a message", PAID, '{"amount":[]}', "amount", "json.object"),
    ("null in a list", EVENTS, '{"events":[null]}', "events[0]", "json.null"),
    ("null in a map", CUSTOMERS, '{"metadata":{"a":null}}', "metadata.a", "json.null"),
    ("unknown enum name", CUSTOMERS, '{"collection_method":"NEVER"}', "collection_method", "json.enum"),
    ("unknown enum number", CUSTOMERS, '{"collection_method":99}', "collection_method", "json.enum"),
    ("enum number as text", CUSTOMERS, '{"collection_method":"1"}', "collection_method", "json.enum"),
    ("no time", EVENTS, EVENT % '{"time":"yesterday"}', "events[1].time", "json.timestamp"),
    ("time as a number", EVENTS, EVENT % '{"time":1}', "events[1].time", "json.timestamp"),
    ("no object", CUSTOMERS, "[]", "", "json.object"),
    ("null", CUSTOMERS, "null", "", "json.object"),
    ("text", CUSTOMERS, '"{}"', "", "json.object"),
    ("number", CUSTOMERS, "1", "", "json.object"),
]
TEXTS = [
    ("white space", b"  \n"),
    ("cut off", b'{"external_id":"a"'),
    ("cut off in text", b'{"external_id":"a'),
    ("cut off in an escape", b'{"external_id":"\\u00'),
    ("unknown escape", b'{"external_id":"\\x"}'),
    ("single quotes", b"{'external_id':'a'}"),
    ("comment", b"{} // yes"),
    ("two bodies", b"{}{}"),
    ("comma at the end", b'{"external_id":"a",}'),
    ("comma in a list", b'{"tax_ids":[,]}'),
    ("no colon", b'{"external_id" "a"}'),
    ("bare name", b"{external_id:1}"),
    ("bare word", b'{"party":truth}'),
    ("NaN", b'{"net_terms_days":NaN}'),
    ("plus", b'{"net_terms_days":+1}'),
    ("leading zero", b'{"net_terms_days":01}'),
    ("dot", b'{"net_terms_days":1.}'),
    ("raw control character", b'{"external_id":"a\tb"}'),
    ("raw NUL", b'{"external_id":"a\x00b"}'),
    ("NUL after it", b"{}\x00"),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("deep", b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    ("deep maps", b'{"x":' * 200 + b"1" + b"}" * 200),
    ("UTF-16", '{"external_id":"a"}'.encode("utf-16")),
]


def headers(world, media="application/json"):
    return {**world.bearer(), "content-type": media}


def violations(answer):
    assert set(answer) == {"code", "message", "details"}
    assert answer["code"] == 3
    assert answer["details"][0]["reason"] == "INVALID_JSON"
    found = answer["details"][1:]
    assert all(detail["@type"] == "type.googleapis.com/google.rpc.BadRequest" for detail in found)
    return [(each["field"], each["reason"]) for detail in found for each in detail["field_violations"]]


@pytest.mark.parametrize(("path", "body", "field", "rule"), [row[1:] for row in FIELDS], ids=[row[0] for row in FIELDS])
async def test_the_field_is_named(world, http, path, body, field, rule):
    answer = await http.post(path, content=body, headers=headers(world))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert violations(answer.json()) == [(field, rule)]
    assert world.upstream.seen == []


@pytest.mark.parametrize("body", [row[1] for row in TEXTS], ids=[row[0] for row in TEXTS])
async def test_what_is_no_json(world, http, body):
    answer = await http.post(CUSTOMERS, content=body, headers=headers(world))
    assert answer.status_code == 400
    assert violations(answer.json()) == []
    assert world.upstream.seen == []


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80"])
async def test_broken_utf8(world, http, raw):
    answer = await http.post(CUSTOMERS, content=b'{"external_id":"' + raw + b'"}', headers=headers(world))
    assert answer.status_code == 400
    assert world.upstream.seen == []


async def test_everything_wrong_is_named_at_once_up_to_twenty(world, http):
    body = json.dumps({f"x{number}": number for number in range(50)})
    answer = await http.post(CUSTOMERS, content=body, headers=headers(world))
    assert violations(answer.json()) == [(f"x{number}", "json.unknown") for number in range(20)]


async def test_names_are_cleaned_before_they_are_repeated(world, http):
    answer = await http.post(CUSTOMERS, content=json.dumps({'<b>"\\' + "x" * 300: 1}), headers=headers(world))
    assert violations(answer.json()) == [("?b???" + "x" * 95, "json.unknown")]


GOOD = [
    (CUSTOMERS, "{}"),
    (
        CUSTOMERS,
        ' \r\n\t{ "external_id" : "a\\n\\"\\/ \\u00e9 \\ud83d\\ude00 ł€" , "metadata" : { } , "taxIds" : [ ] } ',
    ),
    (CUSTOMERS, '{"external_id":null,"party":null,"net_terms_days":-0}'),
    (CUSTOMERS, '{"metadata":{"a":"1","b":"","é\\u00e9":"2"},"net_terms_days":"30"}'),
    (CUSTOMERS, '{"collection_method":1}'),
    (EVENTS, '{"events":[{"id":"1","time":"2026-01-31T12:00:00.123456789+02:00"},{"time":"2026-01-31T12:00:00Z"}]}'),
    (EVENTS, '{"events":[{"id":"1","customer_id":"c","properties":{"a":"b"}},{}]}'),
]


@pytest.mark.parametrize(("path", "body"), GOOD)
async def test_good_bodies_arrive_as_they_are(world, http, path, body):
    answer = await http.post(path, content=body.encode(), headers=headers(world))
    assert answer.status_code == 200, answer.text
    expected = {CUSTOMERS: customers_service_pb2.CreateCustomerRequest, EVENTS: usage_service_pb2.IngestEventsRequest}
    assert expected[path].FromString(world.upstream.seen[0][2]) == json_format.Parse(body, expected[path]())


@pytest.mark.parametrize("number", [9223372036854775807, -9223372036854775808, "9223372036854775807", 0])
async def test_the_whole_range_of_integers(world, http, number):
    body = json.dumps({"amount": {"currency_code": "EUR", "amount_minor": number}})
    assert (await http.post(PAID, content=body, headers=headers(world))).status_code == 200


async def test_no_body_is_an_empty_message(world, http):
    for own in (headers(world), world.bearer()):
        assert (await http.post("/v1/invoices/inv_1:finalize", headers=own)).status_code == 200
    assert [raw for _, _, raw in world.upstream.seen] == [b"\x0a\x05inv_1"] * 2


async def test_a_thousand_events(world, http):
    events = [{"id": f"e{n}", "meter_code": "api", "value": "1", "properties": {"n": str(n)}} for n in range(1000)]
    answer = await http.post(EVENTS, content=json.dumps({"events": events}), headers=headers(world))
    assert answer.status_code == 200
    assert len(usage_service_pb2.IngestEventsRequest.FromString(world.upstream.seen[0][2]).events) == 1000


@pytest.mark.parametrize("mistake", ['TYPES["{}"] = nil', 'TYPES["{}"].external_id = {{1, {{"gone"}}}}'])
async def test_what_it_cannot_judge_goes_no_further(edges, world, http, mistake):
    """The filter itself would let a request through when its script fails; this one answers 503."""
    line = mistake.format("billing.subscriptions.v1.CreateCustomerRequest")

    def tamper(folder):
        script = folder / "strict_json.lua"
        script.write_text(f"{script.read_text()}\n{line}")

    broken = await edges(tamper=tamper)
    own = {"authorization": f"Bearer {broken.token()}", "content-type": "application/json"}
    answer = await http.post(f"{broken.url}{CUSTOMERS}", content='{"external_id":"a"}', headers=own)
    assert answer.status_code == 503
    assert answer.json()["message"] == "the body cannot be checked"
    assert world.upstream.seen == []
