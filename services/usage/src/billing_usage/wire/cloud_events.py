"""Bodies of CloudEvents -> raw events. JSON is read strictly: unique names, no NaN, numbers as text, bounded."""

import json
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from google.api import httpbody_pb2

from billing_usage.domain.cloud_event import Number, raw_of
from billing_usage.domain.errors import InvalidCloudEvents, Refusal, UnsupportedContentType
from billing_usage.domain.event import RawEvent
from billing_usage.domain.ingestion import EVENTS_MAX

NUMBER_MAX = 400
_MEDIA_TYPE = re.compile(r"\s*([a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+)\s*(?:;\s*charset=\"?utf-8\"?\s*)?", re.I)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def raws_from_body(body: httpbody_pb2.HttpBody) -> list[RawEvent | Refusal]:
    """1 to 1,000 raw events; one that is no CloudEvent is a refusal of its own.

    Raises UnsupportedContentType, and InvalidCloudEvents where the body as a whole cannot be read.
    """
    match = _MEDIA_TYPE.fullmatch(body.content_type)
    read = _READERS.get(match[1].lower()) if match else None
    if read is None:
        raise UnsupportedContentType(f"the content type is one of {', '.join(_READERS)}, in UTF-8")
    try:
        text = body.data.decode()
    except UnicodeDecodeError:
        raise InvalidCloudEvents("the body is not UTF-8") from None
    events = read(text)
    if not 1 <= len(events) <= EVENTS_MAX:
        raise InvalidCloudEvents(f"a body holds 1 to {EVENTS_MAX} events", facts={"events": str(len(events))})
    return [raw_of(event) for event in events]


def _read_one(text: str) -> list[object]:
    return [_parse(text, "the body")]


def _read_batch(text: str) -> list[object]:
    events = _parse(text, "the body")
    if not isinstance(events, list):
        raise InvalidCloudEvents("a batch is a JSON array of events")
    return events


def _read_lines(text: str) -> list[object]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip(" \t\r")]
    if len(lines) > EVENTS_MAX:
        raise InvalidCloudEvents(f"a body holds 1 to {EVENTS_MAX} events", facts={"events": str(len(lines))})
    return [_parse(line, f"line {number}") for number, line in lines]


_READERS: Mapping[str, Callable[[str], list[object]]] = {
    "application/cloudevents+json": _read_one,
    "application/cloudevents-batch+json": _read_batch,
    "application/x-ndjson": _read_lines,
}


def _parse(text: str, where: str) -> object:
    try:
        found: object = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        # The text of the parser's own errors may repeat the body.
        reason = str(error) if isinstance(error, _NotStrict) else "it is no JSON text"
        raise InvalidCloudEvents(f"{where} cannot be read: {reason}") from None
    return found


class _NotStrict(ValueError):
    """JSON that a lenient parser would take."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrict("a name is given twice")
    for name, value in pairs:
        if _SURROGATE.search(name) or (type(value) is str and _SURROGATE.search(value)):
            raise _NotStrict("a text holds half a surrogate pair")
    return found


def _number(text: str) -> Number:
    if len(text) > NUMBER_MAX:
        raise _NotStrict("a number is too long")
    return Number(text)


def _constant(_name: str) -> NoReturn:
    raise _NotStrict("NaN and Infinity are no numbers")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_number, parse_int=_number, parse_constant=_constant)
