"""A CloudEvent 1.0 that reports usage: its attributes, already parsed, become a raw event or a refusal.

    type     the meter's code
    subject  "customer/<external id>", cus_... or sub_...
    time     RFC 3339
    data     {"value": 12.5, ...}: value is a number or a decimal text; other members, and those of an object
             "properties", are the event's properties: texts, numbers, true and false

Extension attributes are allowed and not kept. Numbers arrive as Number: the text that was sent, never a float.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import RawEvent

SPEC_VERSION = "1.0"
CUSTOMER = "customer/"
TIME_MAX = 64
_REQUIRED = ("specversion", "id", "source", "type")
_TEXTS = frozenset((*_REQUIRED, "subject", "time", "datacontenttype", "dataschema"))
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,64}")
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;\s*charset=utf-8)?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SECOND = timedelta(seconds=1)


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class _Refused(Exception):
    def __init__(self, reason: str, message: str, field: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message, field)


def raw_of(event: object) -> RawEvent | Refusal:
    """The raw event, to be checked like any other, or why it is no CloudEvent with usage."""
    try:
        return _raw(event)
    except _Refused as refused:
        return refused.refusal


def _raw(event: object) -> RawEvent:
    if not isinstance(event, dict):
        raise _malformed("an event is a JSON object", "")
    _check_attributes(event)
    value, properties = _usage(event.get("data"))
    field, subject = _subject(event.get("subject", ""))
    instant = _instant(event.get("time", ""))
    if instant is None:
        raise _Refused("INVALID_TIME", "the time is missing or not RFC 3339", "time")
    return event["id"], event["source"], event["type"], field, subject, *instant, value, properties


def _check_attributes(event: Mapping[str, object]) -> None:
    for name, value in event.items():
        if name in _TEXTS:
            if type(value) is not str:
                raise _malformed(f"{name} is a text", name)
        elif name == "data_base64":
            raise _malformed("data is JSON, not base64", name)
        elif name != "data" and _ATTRIBUTE.fullmatch(name) is None:
            raise _malformed("names of attributes are a-z and 0-9", "attributes")
        elif name != "data" and isinstance(value, dict | list):
            raise _malformed("an extension attribute is a text, a number or a boolean", name)
    for name in _REQUIRED:
        if not event.get(name):
            raise _malformed(f"{name} is required", name)
    if event["specversion"] != SPEC_VERSION:
        raise _malformed(f"specversion is {SPEC_VERSION}", "specversion")
    if _JSON_TYPE.fullmatch(str(event.get("datacontenttype", "application/json"))) is None:
        raise _malformed("data is JSON", "datacontenttype")


def _subject(text: str) -> tuple[str, str]:
    """(field of the subject, its text); what it names is checked with the event."""
    if text.startswith(CUSTOMER):
        return "external_customer_id", text.removeprefix(CUSTOMER)
    return ("subscription_id" if text.startswith("sub_") else "customer_id"), text


def _usage(content: object) -> tuple[str, Mapping[str, str] | None]:
    if content is None:
        return "", None
    if not isinstance(content, dict):
        raise _malformed("data is a JSON object", "data")
    members = dict(content)
    value = members.pop("value", "1")
    if not isinstance(value, str) or not value:
        raise _Refused("INVALID_VALUE", "a value is a number or a decimal text", "data.value")
    nested = members.pop("properties", {})
    if not isinstance(nested, dict):
        raise _Refused("INVALID_PROPERTIES", "properties are a JSON object", "data.properties")
    if members.keys() & nested.keys():
        raise _Refused("INVALID_PROPERTIES", "a property is given twice", "data.properties")
    return str(value), {name: _property(name, each) for name, each in {**members, **nested}.items()} or None


def _property(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    raise _Refused("INVALID_PROPERTIES", "a property is a text, a number or a boolean", f"data.{name[:64]}")


@lru_cache(4096)
def _instant(text: str) -> tuple[int, int] | None:
    """(seconds, nanoseconds) since 1970."""
    match = _TIME.fullmatch(text) if len(text) <= TIME_MAX else None
    if match is None:
        return None
    zone = "+00:00" if match[3] in "Zz" else match[3]
    try:
        instant = datetime.fromisoformat(match[1].upper() + zone)
    except ValueError:
        return None
    return (instant - _EPOCH) // _SECOND, int((match[2] or "").ljust(9, "0"))


def _malformed(message: str, field: str) -> _Refused:
    return _Refused("INVALID_CLOUD_EVENT", message, field)
