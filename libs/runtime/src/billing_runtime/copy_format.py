"""Rows as bytes of PostgreSQL's binary formats: for COPY, and arrays as arguments of a statement.

A row is a count of fields (int16), then each field with its length (int32, -1 for null). On the wire a uuid is 16
bytes, a timestamptz an int64 of microseconds since 2000, jsonb a version byte and its text.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import adapters
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_START = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UUID_OID = 2950
_count, _length = struct.Struct(">h").pack, struct.Struct(">i").pack
_array_head = struct.Struct(">iiIii").pack


def copy_bytes(rows: Iterable[bytes]) -> bytes:
    """All that one COPY sends."""
    return b"".join((_START, *rows, _END))


def row_bytes(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """One row; `types` are PostgreSQL's names, one a value."""
    fields = [
        _NULL if value is None else field(_CONTENT[kind](value)) for kind, value in zip(types, values, strict=True)
    ]
    return _count(len(fields)) + b"".join(fields)


def field(content: bytes) -> bytes:
    """A field that is not null."""
    return _length(len(content)) + content


def _array(oid: int, items: Sequence[bytes]) -> bytes:
    """An array of one dimension without nulls."""
    if not items:
        return struct.pack(">iiI", 0, 0, oid)
    return _array_head(1, 0, oid, len(items), 1) + b"".join(map(field, items))


_CONTENT: Mapping[str, Callable[[Any], bytes]] = {
    "int2": struct.Struct(">h").pack,
    "int4": struct.Struct(">i").pack,
    "int8": struct.Struct(">q").pack,
    "text": str.encode,
    "uuid": lambda value: bytes(value.bytes),
    "timestamptz": lambda value: struct.pack(">q", (value - _EPOCH) // _MICROSECOND),
    "bytea": bytes,
    "uuid[]": lambda values: _array(_UUID_OID, [each.bytes for each in values]),
}


class Column:
    """Bytes of equal type as the argument `%b` of a statement: an array. See `Uuids`, `Blobs`."""

    oid, array_oid = 0, 0

    def __init__(self, items: Sequence[bytes]) -> None:
        self.content = _array(self.oid, items)


class Uuids(Column):
    """uuid[], of 16 bytes each."""

    oid, array_oid = _UUID_OID, 2951


class Blobs(Column):
    """bytea[]."""

    oid, array_oid = 17, 1001


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type[Column], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.array_oid  # not of the class: it would then dump every array of this type

    def dump(self, obj: Column) -> Buffer:
        return obj.content


for _column in (Uuids, Blobs):
    adapters.register_dumper(_column, _ColumnDumper)
