"""What one event must be, and what its content is."""

from fractions import Fraction

import pytest
from billing_kernel.errors import DomainError
from billing_kernel.money import parse_decimal
from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import Window, candidate_of, subject_of, value_of
from hypothesis import given
from hypothesis import strategies as st

WINDOW = Window(1_000_000, 9_000_000)
METERS = {"api"}
SUB = "sub_01h455vb4pex5vsknk084sn02q"


def raw(
    event_id="e", source="s", meter="api", field="subscription_id", subject=SUB, seconds=5, nanos=0, value="", p=None
):
    return event_id, source, meter, field, subject, seconds, nanos, value, p


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("", "1"),
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1.50", "1.5"),
        ("10", "10"),
        ("100.000", "100"),
        ("-2.5", "-2.5"),
        ("9" * 20 + "." + "9" * 18, "9" * 20 + "." + "9" * 18),
    ],
)
def test_values_have_one_shortest_text(text, short):
    assert value_of(text) == short


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "+1",
        " 1",
        "1 ",
        "01",
        ".5",
        "1.",
        "NaN",
        "Infinity",
        "0x1",
        "1_000",
        "１",
        "1,5",
        "--1",
        "1\n",
        "9" * 21,
        "0." + "1" * 19,
    ],
)
def test_what_is_no_plain_decimal_is_refused(text):
    assert value_of(text) is None


@given(st.text(alphabet="0123456789.-+e ", max_size=45))
def test_values_are_exactly_the_decimals_of_the_kernel(text):
    try:
        expected = parse_decimal(text or "1")
    except DomainError:
        assert value_of(text) is None
    else:
        short = value_of(text)
        assert short is not None
        assert Fraction(short) == expected


@pytest.mark.parametrize(
    ("field", "text", "subject"),
    [
        ("subscription_id", SUB, SUB),
        ("subscription_id", SUB.upper(), None),
        ("subscription_id", SUB.replace("sub", "cus"), None),
        ("subscription_id", "sub_8" + "0" * 25, None),
        ("customer_id", "cus_01h455vb4pex5vsknk084sn02q", "cus_01h455vb4pex5vsknk084sn02q"),
        ("customer_id", SUB, None),
        ("external_customer_id", "acme", "external/acme"),
        ("external_customer_id", 'a"\\ß', 'external/a"\\ß'),
        ("external_customer_id", "x" * 128, "external/" + "x" * 128),
        ("external_customer_id", "x" * 129, None),
        ("external_customer_id", "", None),
        ("external_customer_id", "a\x00b", None),
        ("external_customer_id", "a\ud800", None),
        ("", "", None),
        ("constructor", "acme", None),
    ],
)
def test_subjects(field, text, subject):
    found = subject_of(field, text)
    assert (found and found[0]) == subject


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_id": ""}, "INVALID_EVENT_ID"),
        ({"event_id": "x" * 129}, "INVALID_EVENT_ID"),
        ({"source": "\x7f"}, "INVALID_SOURCE"),
        ({"meter": "other"}, "UNKNOWN_METER"),
        ({"subject": "x"}, "INVALID_SUBJECT"),
        ({"value": "x"}, "INVALID_VALUE"),
        ({"seconds": 0}, "INVALID_TIME"),
        ({"nanos": 1_000_000_000}, "INVALID_TIME"),
        ({"nanos": -1}, "INVALID_TIME"),
        ({"seconds": 10}, "TIME_TOO_FAR_AHEAD"),
        ({"seconds": -10}, "TIME_TOO_OLD"),
        ({"p": {"a": "\n"}}, "INVALID_PROPERTIES"),
        ({"p": {"": "x"}}, "INVALID_PROPERTIES"),
        ({"p": {str(n): "x" for n in range(51)}}, "INVALID_PROPERTIES"),
    ],
)
def test_refusals_name_the_rule(changes, reason):
    found = candidate_of(raw(**changes), METERS, WINDOW)
    assert isinstance(found, Refusal)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("seconds", "nanos", "good"),
    [(1, 0, True), (9, 0, True), (9, 999, True), (9, 1000, False), (0, 999_999_999, False)],
)
def test_the_window_holds_both_its_ends_in_microseconds(seconds, nanos, good):
    assert isinstance(candidate_of(raw(seconds=seconds, nanos=nanos), METERS, WINDOW), Refusal) is not good


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"value": "1.0"}, True),
        ({"event_id": "other"}, True),
        ({"nanos": 999}, True),
        ({"nanos": 1000}, False),
        ({"value": "2"}, False),
        ({"subject": "sub_01h455vb4pex5vsknk084sn02r"}, False),
        ({"p": {"a": "1"}}, False),
    ],
)
def test_the_hash_is_of_the_content(changes, same):
    assert (candidate_of(raw(), METERS, WINDOW)[2] == candidate_of(raw(**changes), METERS, WINDOW)[2]) is same


def test_the_hash_is_over_canonical_json():
    import hashlib

    import rfc8785

    sent = raw(field="external_customer_id", subject='a"\\ß', p={"b": "ü", "a": '"'})
    content = {"meter": "api", "properties": {"a": '"', "b": "ü"}, "subject": 'external/a"\\ß', "time_us": "5000000"}
    expected = hashlib.sha256(rfc8785.dumps({**content, "value": "1"})).digest()
    assert candidate_of(sent, METERS, WINDOW)[2] == b"\x01" + expected
