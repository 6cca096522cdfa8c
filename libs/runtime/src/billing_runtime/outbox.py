"""The way out: events become rows of `outbox` in the transaction of the change, after the lock of their aggregate."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from zlib import crc32

import psycopg
from google.protobuf.message import Message
from psycopg.types.json import Jsonb

from billing_runtime.byte_form import ByteForm
from billing_runtime.call import Call
from billing_runtime.copy_format import copy_bytes, row_bytes
from billing_runtime.events import Event, Received, dead_letter_topic, payload_bytes
from billing_runtime.tracing import inject

SHARDS = 16
COPY_FROM_ROWS = 50  # above this many rows COPY is faster than a pipeline of inserts
LEAF = "outbox_rows"

COLUMNS = (
    "shard",
    "topic",
    "key",
    "event_id",
    "type",
    "subject",
    "actor",
    "correlation_id",
    "causation_id",
    "traceparent",
    "sequence",
    "effective_at",
    "payload",
    "extra",
)
_TEXTS = ["text"] * 6
_TYPES = ["int2", "text", "text", "uuid", *_TEXTS, "int8", "timestamptz", "bytea", "jsonb"]
_INSERT = f"INSERT INTO outbox ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
_COPY = f"COPY {LEAF} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"

_SHARDS = [shard.to_bytes(2, "big") for shard in range(SHARDS)]

Row = tuple[Any, ...]


def shard_of(key: str) -> int:
    """Stable over processes and releases: events of one key always share a shard, and so their order."""
    return crc32(key.encode()) % SHARDS


def row_of(event: Event, call: Call, cause: Received | None) -> Row:
    """The outbox row of an event written by `call`, or by the handling of `cause` in a consumer's batch."""
    return (
        shard_of(event.key),
        event.topic,
        event.key,
        event.id,
        event.type,
        event.subject,
        cause.actor if cause else call.actor,
        cause.correlation_id if cause else call.correlation_id,
        str(cause.id) if cause else call.causation_id,
        cause.traceparent if cause else call.traceparent or inject(),
        event.sequence,
        event.effective_at,
        payload_bytes(event),
        None,
    )


def dead_letter_row(event: Received, extra: Mapping[str, str]) -> Row:
    """The failed event as it was, on its way to `<topic>.dead-letter` with the reason in `extra` headers."""
    return (
        shard_of(event.key),
        dead_letter_topic(event.topic),
        event.key,
        event.id,
        event.type,
        event.subject,
        event.actor,
        event.correlation_id,
        event.causation_id,
        event.traceparent,
        event.sequence,
        event.effective_at,
        event.payload,
        Jsonb(dict(extra)),
    )


def insert(row: Row) -> tuple[str, Row]:
    """The statement that writes one row."""
    return _INSERT, row


async def write(raw: psycopg.AsyncConnection[Any], rows: Sequence[Row]) -> None:
    """Writes outbox rows in order. Inside a pipeline few rows cost no round trip of their own."""
    if len(rows) > COPY_FROM_ROWS:
        await _copy(raw, rows)
        return
    for row in rows:
        await raw.execute(_INSERT, row)


async def _copy(raw: psycopg.AsyncConnection[Any], rows: Sequence[Row]) -> None:
    async with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            await copy.write_row(row)


def form_of(event: Event, call: Call) -> ByteForm:
    """The COPY row of events of `call` that are like this one but for (shard, key, id, subject, payload), each as long
    as its own. Raises EventTooLarge."""
    row = row_of(event, call, None)

    def write(contents: Sequence[bytes]) -> bytes:
        shard, key, event_id, subject, payload = contents
        head = (int.from_bytes(shard, "big"), row[1], key.decode(), UUID(bytes=event_id))
        return row_bytes(_TYPES, (*head, row[4], subject.decode(), *row[6:12], payload, None))

    return ByteForm.of(write, (2, len(event.key.encode()), 16, len(event.subject.encode()), len(row[12])))


def shards_of(keys: Sequence[bytes]) -> list[bytes]:
    """`shard_of` each key, as a field of a row has it."""
    return [_SHARDS[crc32(key) % SHARDS] for key in keys]


async def copy_rows(raw: psycopg.AsyncConnection[Any], rows: Sequence[bytes]) -> None:
    """Writes rows that were made by forms, in order."""
    async with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(copy_bytes(rows))


def type_name(message: type[Message]) -> str:
    """The event type of a message class."""
    return str(message.DESCRIPTOR.full_name)
