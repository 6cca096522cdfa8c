"""Bodies of CloudEvents, read strictly."""

import json

import pytest
from billing_usage.domain.errors import InvalidCloudEvents, Refusal, UnsupportedContentType
from billing_usage.wire.cloud_events import raws_from_body
from google.api.httpbody_pb2 import HttpBody

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/s",
    "type": "api",
    "subject": "customer/acme",
    "time": "2026-01-01T00:00:00Z",
    "data": {"value": 1},
}
ONE, BATCH, LINES = "application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"


def body(content, kind=ONE):
    return HttpBody(content_type=kind, data=content if isinstance(content, bytes) else content.encode())


def text(**changes):
    return json.dumps(EVENT | changes)


@pytest.mark.parametrize(
    ("content", "kind", "count"),
    [
        (text(), ONE, 1),
        (text(), "Application/CloudEvents+JSON; charset=UTF-8", 1),
        (f"[{text()},{text()}]", BATCH, 2),
        (f"{text()}\n\n{text()}\r\n", LINES, 2),
        (f"[{','.join([text()] * 1000)}]", BATCH, 1000),
    ],
)
def test_good_bodies(content, kind, count):
    raws = raws_from_body(body(content, kind))
    assert len(raws) == count
    assert not any(isinstance(raw, Refusal) for raw in raws)


LONG = "12345678901234567890.123456789012345678"


@pytest.mark.parametrize(("number", "value"), [("1", "1"), ("0.1", "0.1"), (LONG, LONG), ("1E2", "1E2"), ('"7"', "7")])
def test_numbers_stay_as_they_were_written(number, value):
    raws = raws_from_body(body(text().replace('"value": 1', f'"value": {number}')))
    assert raws[0][7] == value


@pytest.mark.parametrize(
    "kind", ["", "application/json", "text/plain", ONE + "; charset=latin-1", "application/protobuf"]
)
def test_other_content_types_are_refused(kind):
    with pytest.raises(UnsupportedContentType):
        raws_from_body(body(text(), kind))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("", ONE),
        ("{", ONE),
        (b"\xff", ONE),
        (b"\xef\xbb\xbf{}", ONE),
        (text() + "x", ONE),
        (text()[:-1] + ', "id": "e2"}', ONE),
        (text().replace('"value": 1', '"value": 1, "value": 2'), ONE),
        (text().replace('"value": 1', '"value": NaN'), ONE),
        (text().replace('"value": 1', '"value": -Infinity'), ONE),
        (text().replace('"value": 1', '"value": ' + "1" * 5000), ONE),
        (text().replace("e1", "\\ud800"), ONE),
        (text().replace("e1", "\x01"), ONE),
        ("[" * 100_000, BATCH),
        ("[]", BATCH),
        (text(), BATCH),
        (f"[{','.join(['{}'] * 1001)}]", BATCH),
        ("", LINES),
        (f"{text()}\n{{", LINES),
        ("{}\n" * 1001, LINES),
    ],
)
def test_bodies_that_cannot_be_read_are_refused_as_a_whole(content, kind):
    with pytest.raises(InvalidCloudEvents):
        raws_from_body(body(content, kind))


def test_a_refusal_never_repeats_the_body():
    with pytest.raises(InvalidCloudEvents) as refused:
        raws_from_body(body('{"secret-4242": nope}'))
    assert "4242" not in refused.value.message


def test_one_bad_event_leaves_its_neighbours():
    raws = raws_from_body(body(f"[{text()},3,{text(specversion='0.3')}]", BATCH))
    assert [isinstance(raw, Refusal) for raw in raws] == [False, True, True]
