"""What the tests of the runtime publish and consume; its main program is the process that they kill."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_runtime.consumer import Consumer, Handler
from billing_runtime.database import Database
from billing_runtime.events import Event, Received, Record
from billing_runtime.transaction import Transaction
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import insert

from billing_testkit.sample.tables import note

TOPIC = "billing.sample.v1"
WRITTEN = "billing.sample.v1.NoteWritten"
ERASED = "billing.sample.v1.NoteErased"
AT = datetime(2026, 5, 1, tzinfo=UTC)


def event(key: str, content: str, kind: str = WRITTEN, sequence: int = 0) -> Event:
    """An event whose payload is `content`."""
    return Event(TOPIC, key, kind, f"note_{key}", StringValue(value=content), AT, sequence)


def received(tenant_id: UUID, key: str, content: str, kind: str = WRITTEN, *, event_id: UUID | None = None) -> Received:
    """The same as a consumer sees it."""
    payload = StringValue(value=content).SerializeToString()
    return Received(
        TOPIC, key, kind, event_id or uuid7(), tenant_id, "user:alice", f"note_{key}", "c1", None, 0, AT, None, payload
    )


async def write_notes(tx: Transaction, events: Sequence[tuple[Received, StringValue]]) -> None:
    """One row an event, unique by content: a second effect would fail."""
    rows = [{"note_id": uuid7(), "customer_id": uuid7(), "content": message.value} for _, message in events]
    await tx.conn.execute(insert(note), rows)


def note_consumer(handle: Any = write_notes, name: str = "sample", batch_max: int = 500) -> Consumer:
    handler = Handler(StringValue, handle)
    return Consumer(name, [TOPIC], {WRITTEN: handler, ERASED: handler}, batch_max)


class FileProducer:
    """The `Producer` port on a file: one line "topic key id" a record, on disk before `send` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, records: Sequence[Record]) -> None:
        with self._path.open("a") as file:
            for record in records:
                file.write(f"{record.topic} {record.key.decode()} {dict(record.headers)['ce_id'].decode()}\n")

    async def close(self) -> None:
        return None


async def _relay(url: str, path: str) -> None:
    from billing_runtime.relay import Relay

    database = Database.open(url, 2)
    relay = Relay(database, FileProducer(Path(path)), batch_max=10)
    while await relay.step():
        pass
    await relay.close()
    await database.close()


async def _consume(url: str, tenant: str, count: str) -> None:
    from billing_runtime.consumer import Processor

    database = Database.open(url, 2)
    ids = [UUID(int=number) for number in range(int(count))]
    batch = [received(UUID(tenant), f"key-{one.int % 3}", f"note {one.int}", event_id=one) for one in ids]
    await Processor(database, note_consumer(batch_max=5)).process(batch)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_relay(*sys.argv[2:4]) if sys.argv[1] == "relay" else _consume(*sys.argv[2:5]))
