"""Events as bytes of PostgreSQL's binary COPY format: one buffer a table, made without an object per field.

A row is a count of fields (int16), then each field with its length (int32, -1 for null). On the wire a uuid is 16
bytes, a timestamptz an int64 of microseconds since 2000, jsonb a version byte and its text.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from struct import Struct

import psycopg
from psycopg.adapt import PyFormat

from billing_usage.domain.event import Candidate

KEY_COLUMNS = ("source", "id", "content_hash", "batch_id")
EVENT_COLUMNS = ("meter_id", "subject", "at", "value", "source", "id", "properties", "batch_id")
YEAR_2000_US = 946_684_800_000_000
CACHED = 16_384

_START = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
_length = Struct(">i").pack
_instant = Struct(">iq").pack
_KEY_FIELDS = len(KEY_COLUMNS).to_bytes(2, "big")
_EVENT_FIELDS = len(EVENT_COLUMNS).to_bytes(2, "big")
_numeric = psycopg.adapters.get_dumper(Decimal, PyFormat.BINARY)(Decimal)


def key_rows(batch: bytes, candidates: Sequence[Candidate]) -> bytes:
    """The rows of `event_key` as one buffer, for `KEY_COLUMNS`."""
    tail = field(batch)
    rows = [
        _KEY_FIELDS + _text(candidate[0]) + field(candidate[1].encode()) + field(candidate[2]) + tail
        for candidate in candidates
    ]
    return b"".join((_START, *rows, _END))


def event_rows(batch: bytes, candidates: Sequence[Candidate], meters: Mapping[str, bytes]) -> bytes:
    """The rows of `event` as one buffer, for `EVENT_COLUMNS`; `meters` are the ids of the meters by code."""
    heads = {code: _EVENT_FIELDS + field(meter) for code, meter in meters.items()}
    tail = field(batch)
    rows = [
        heads[code]
        + _text(subject)
        + _instant(8, at_us - YEAR_2000_US)
        + _decimal(value)
        + _text(source)
        + field(event_id.encode())
        + (field(_JSONB_VERSION + properties.encode()) if properties else _NULL)
        + tail
        for source, event_id, _, code, subject, at_us, value, properties in candidates
    ]
    return b"".join((_START, *rows, _END))


def field(content: bytes) -> bytes:
    """A field that is not null."""
    return _length(len(content)) + content


@lru_cache(CACHED)
def _text(text: str) -> bytes:
    return field(text.encode())


@lru_cache(CACHED)
def _decimal(text: str) -> bytes:
    return field(bytes(_numeric.dump(Decimal(text)) or b""))
