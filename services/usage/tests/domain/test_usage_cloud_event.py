"""CloudEvents that report usage."""

import pytest
from billing_usage.domain.cloud_event import Number, raw_of
from billing_usage.domain.errors import Refusal

GOOD = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/gateway",
    "type": "api",
    "subject": "customer/acme",
    "time": "2026-01-01T00:00:05.25Z",
    "data": {"value": Number("12.5"), "region": "eu"},
}


def event(**changes):
    return {name: value for name, value in (GOOD | changes).items() if value is not None}


def test_a_good_event():
    expected = (
        "e1",
        "/gateway",
        "api",
        "external_customer_id",
        "acme",
        1767225605,
        250_000_000,
        "12.5",
        {"region": "eu"},
    )
    assert raw_of(event()) == expected


@pytest.mark.parametrize(
    ("subject", "field", "text"),
    [
        ("customer/a/b", "external_customer_id", "a/b"),
        ("sub_x", "subscription_id", "sub_x"),
        ("cus_x", "customer_id", "cus_x"),
        (None, "customer_id", ""),
    ],
)
def test_subjects(subject, field, text):
    assert raw_of(event(subject=subject))[3:5] == (field, text)


@pytest.mark.parametrize(
    ("content", "value", "properties"),
    [
        (None, "", None),
        ({}, "1", None),
        ({"value": "3"}, "3", None),
        ({"value": Number("1e3")}, "1e3", None),  # refused as a value later
        ({"properties": {"a": Number("1")}, "b": True, "c": False}, "1", {"a": "1", "b": "true", "c": "false"}),
    ],
)
def test_data(content, value, properties):
    assert raw_of(event(data=content))[7:] == (value, properties)


@pytest.mark.parametrize(
    ("time", "seconds", "nanos"),
    [
        ("2026-01-01T01:00:00+01:00", 1767225600, 0),
        ("2026-01-01t00:00:00.123456789z", 1767225600, 123_456_789),
        ("1969-12-31T23:59:59.5Z", -1, 500_000_000),
    ],
)
def test_times(time, seconds, nanos):
    assert raw_of(event(time=time))[5:7] == (seconds, nanos)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": "0.3"}, "INVALID_CLOUD_EVENT"),
        ({"specversion": Number("1.0")}, "INVALID_CLOUD_EVENT"),
        ({"specversion": None}, "INVALID_CLOUD_EVENT"),
        ({"id": None}, "INVALID_CLOUD_EVENT"),
        ({"id": Number("1")}, "INVALID_CLOUD_EVENT"),
        ({"source": ""}, "INVALID_CLOUD_EVENT"),
        ({"type": None}, "INVALID_CLOUD_EVENT"),
        ({"datacontenttype": "text/xml"}, "INVALID_CLOUD_EVENT"),
        ({"data_base64": "AA=="}, "INVALID_CLOUD_EVENT"),
        ({"Upper": "x"}, "INVALID_CLOUD_EVENT"),
        ({"extension": {"a": "b"}}, "INVALID_CLOUD_EVENT"),
        ({"data": [1]}, "INVALID_CLOUD_EVENT"),
        ({"data": "1"}, "INVALID_CLOUD_EVENT"),
        ({"data": {"value": True}}, "INVALID_VALUE"),
        ({"data": {"value": ""}}, "INVALID_VALUE"),
        ({"data": {"value": {}}}, "INVALID_VALUE"),
        ({"data": {"a": None}}, "INVALID_PROPERTIES"),
        ({"data": {"a": []}}, "INVALID_PROPERTIES"),
        ({"data": {"a": "1", "properties": {"a": "2"}}}, "INVALID_PROPERTIES"),
        ({"data": {"properties": []}}, "INVALID_PROPERTIES"),
        ({"time": None}, "INVALID_TIME"),
        ({"time": "2026-01-01"}, "INVALID_TIME"),
        ({"time": "2026-01-01T00:00:00"}, "INVALID_TIME"),
        ({"time": "2026-02-30T00:00:00Z"}, "INVALID_TIME"),
        ({"time": "2026-01-01T24:00:00Z"}, "INVALID_TIME"),
        ({"time": "2026-01-01T00:00:00+25:00"}, "INVALID_TIME"),
    ],
)
def test_refusals(changes, reason):
    found = raw_of(event(**changes))
    assert isinstance(found, Refusal)
    assert found.reason == reason


@pytest.mark.parametrize("given", [None, [], "text", True, Number("1")])
def test_only_objects_are_events(given):
    assert raw_of(given).reason == "INVALID_CLOUD_EVENT"
