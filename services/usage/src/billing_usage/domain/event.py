"""One usage event: what makes it acceptable, and what its content is. Plain tuples, because a batch holds 1,000.

A subject is kept as text, "sub_01jx...", "cus_01jx..." or "external/<external id>", because an event may arrive before
this service knows the subscription or customer. It is matched when usage is read, see `domain.subscription`.
"""

import json
import re
from collections.abc import Container, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from billing_usage.domain.errors import Refusal

ID_MAX = 128
SOURCE_MAX = 256
EXTERNAL_ID_MAX = 128
PROPERTIES_MAX = 50
PROPERTY_VALUE_MAX = 500
EXTERNAL = "external/"
HASH_VERSION = (
    b"\x01"  # SHA-256 over RFC 8785 JSON of meter, subject, time_us, value and properties where there are any
)
CACHED = 16_384
MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000

# id, source, meter code, field of the subject, its text, seconds and nanoseconds since 1970, value, properties
RawEvent: TypeAlias = tuple[str, str, str, str, str, int, int, str, Mapping[str, str] | None]
# source, id, content hash, meter code, subject, microseconds since 1970, shortest text of the value, properties as JSON
Candidate: TypeAlias = tuple[str, str, bytes, str, str, int, str, str | None]
Key: TypeAlias = tuple[str, str]  # source, id

_ID = r"_[0-7][0-9a-hjkmnp-tv-z]{25}"
_SUBJECTS = {"subscription_id": re.compile("sub" + _ID), "customer_id": re.compile("cus" + _ID)}
_VALUE = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?")
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Window(NamedTuple):
    """The microseconds since 1970 in which an event may lie, both included."""

    first_us: int
    last_us: int


def candidate_of(raw: RawEvent, meters: Container[str], window: Window) -> Candidate | Refusal:
    """The event ready to be stored, or why it is refused. `meters` are the codes that exist."""
    event_id, source, meter, field, subject, seconds, nanos, value, properties = raw
    known, amount = subject_of(field, subject), value_of(value)
    at_us = seconds * MICROSECONDS + nanos // 1000
    if (
        known is None
        or amount is None
        or meter not in meters
        or not window.first_us <= at_us <= window.last_us
        or not (0 < len(event_id) <= ID_MAX and event_id.isprintable())
        or not (len(source) <= SOURCE_MAX and source.isprintable())
        or not 0 <= nanos < NANOSECONDS
    ):
        return _refusal(raw, meters, window)
    if not properties:
        content = f'{{"meter":"{meter}","subject":{known[1]},"time_us":"{at_us}","value":"{amount}"}}'
        return source, event_id, _hash(content), meter, known[0], at_us, amount, None
    if not _good_properties(properties):
        return _refusal(raw, meters, window)
    kept = canonical(properties)
    content = f'{{"meter":"{meter}","properties":{kept},"subject":{known[1]},"time_us":"{at_us}","value":"{amount}"}}'
    return source, event_id, _hash(content), meter, known[0], at_us, amount, kept


def _hash(content: str) -> bytes:
    return HASH_VERSION + sha256(content.encode()).digest()


@lru_cache(CACHED)
def subject_of(field: str, text: str) -> tuple[str, str] | None:
    """(subject, the same as a JSON text); None for what names nobody."""
    pattern = _SUBJECTS.get(field)
    if pattern is not None:
        return (text, f'"{text}"') if pattern.fullmatch(text) else None
    if field != "external_customer_id" or not 0 < len(text) <= EXTERNAL_ID_MAX or not text.isprintable():
        return None
    return EXTERNAL + text, json.dumps(EXTERNAL + text, ensure_ascii=False)


@lru_cache(CACHED)
def value_of(text: str) -> str | None:
    """The shortest text of a value with at most 38 digits, 18 of them fractional; "" is 1. None for what is no plain
    decimal."""
    if not text:
        return "1"
    if _VALUE.fullmatch(text) is None:
        return None
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short == "-0" else short


def canonical(properties: Mapping[str, str]) -> str:
    """RFC 8785 text of properties whose names are ASCII."""
    return json.dumps(dict(properties), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _good_properties(properties: Mapping[str, str]) -> bool:
    return len(properties) <= PROPERTIES_MAX and all(
        _PROPERTY.fullmatch(name) and len(text) <= PROPERTY_VALUE_MAX and (text.isprintable() or not text)
        for name, text in properties.items()
    )


def _refusal(raw: RawEvent, meters: Container[str], window: Window) -> Refusal:
    """The first rule that the event breaks; it breaks one."""
    event_id, source, meter, field, subject, seconds, nanos, value, _ = raw
    if not (0 < len(event_id) <= ID_MAX and event_id.isprintable()):
        return Refusal("INVALID_EVENT_ID", f"an id has 1 to {ID_MAX} printable characters", "id")
    if not (len(source) <= SOURCE_MAX and source.isprintable()):
        return Refusal("INVALID_SOURCE", f"a source has at most {SOURCE_MAX} printable characters", "source")
    if meter not in meters:
        return Refusal("UNKNOWN_METER", "no meter has this code", "meter_code")
    if subject_of(field, subject) is None:
        message = "a subject is sub_..., cus_... or an external customer id of 1 to 128 printable characters"
        return Refusal("INVALID_SUBJECT", message, field or "subject")
    if value_of(value) is None:
        return Refusal("INVALID_VALUE", "a value is a plain decimal: 20 digits, 18 after the point", "value")
    return _time_refusal(seconds, nanos, window) or Refusal(
        "INVALID_PROPERTIES",
        f"at most {PROPERTIES_MAX} properties; names [A-Za-z0-9_.-]{{1,64}}, printable values up to 500 characters",
        "properties",
    )


def _time_refusal(seconds: int, nanos: int, window: Window) -> Refusal | None:
    at_us = seconds * MICROSECONDS + nanos // 1000
    if (seconds, nanos) == (0, 0):
        return Refusal("INVALID_TIME", "the time is missing", "time")
    if not 0 <= nanos < NANOSECONDS:
        return Refusal("INVALID_TIME", "nanoseconds lie between 0 and 999,999,999", "time")
    if at_us > window.last_us:
        return Refusal("TIME_TOO_FAR_AHEAD", "the time lies too far in the future", "time")
    if at_us < window.first_us:
        return Refusal("TIME_TOO_OLD", "the time lies too far in the past", "time")
    return None
