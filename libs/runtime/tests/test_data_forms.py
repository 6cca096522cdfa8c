"""Rows that are made as bytes, and forms of them."""

from datetime import UTC, datetime

import pytest
from billing_kernel.ids import uuid7
from billing_runtime import outbox
from billing_runtime.byte_form import PLACES_MAX, ByteForm
from billing_runtime.copy_format import Blobs, Uuids, copy_bytes, row_bytes
from billing_runtime.database import Database
from billing_testkit.sample.stories import event
from billing_testkit.tenants import admin_call

TYPES = ["int2", "int4", "int8", "text", "uuid", "timestamptz", "bytea", "uuid[]", "uuid[]", "text"]
VALUES = (-1, 2**31 - 1, -(2**63), "é%b", uuid7(), datetime(1999, 12, 31, 1, 2, 3, 4, UTC), b"\0%", [uuid7()], [], None)


@pytest.fixture(scope="module")
async def database(service_database):
    opened = Database.open(service_database("sample", "billing_testkit.sample").database_url, 2)
    yield opened
    await opened.close()


async def test_rows_are_read_as_they_were_written(database):
    async with database.begin(admin_call()) as tx:
        await tx.raw.execute(
            f"CREATE TEMP TABLE written ({', '.join(f'c{at} {kind}' for at, kind in enumerate(TYPES))})"
        )
        async with tx.raw.cursor() as cursor, cursor.copy("COPY written FROM STDIN (FORMAT binary)") as copy:
            await copy.write(copy_bytes([row_bytes(TYPES, VALUES)] * 2))
        assert await (await tx.raw.execute("SELECT * FROM written")).fetchall() == [VALUES] * 2


async def test_columns_are_arrays(database):
    ids = [uuid7(), uuid7()]
    async with database.begin(admin_call()) as tx:
        for one, two in ((ids, [b"", b"\0\xff"]), ([], [])):
            columns = Uuids([each.bytes for each in one]), Blobs(two)
            found = await (await tx.raw.execute("SELECT %b, %b", columns)).fetchone()
            assert found == (one, two)


async def test_filled_events_are_what_publishing_writes(database):
    call, sent = admin_call(), [event(key, "hello 100%", sequence=7) for key in ("k1", "k2", "k3")]
    columns = "shard, topic, key, event_id, type, subject, actor, sequence, effective_at, payload, extra"
    found = []
    for filled in (False, True):
        async with database.begin(call) as tx:
            if filled:
                rows = [outbox.row_of(each, call, None) for each in sent]
                keys = [each.key.encode() for each in sent]
                form = outbox.form_of(sent[0], call)
                subjects = [each.subject.encode() for each in sent]
                ids, payloads = [each.id.bytes for each in sent], [row[12] for row in rows]
                await tx.publish_filled(form.fill([outbox.shards_of(keys), keys, ids, subjects, payloads]))
            else:
                await tx.publish(*sent)
                await tx.flush()
            found.append(await (await tx.raw.execute(f"SELECT {columns} FROM outbox ORDER BY key")).fetchall())
            await tx.raw.execute("DELETE FROM outbox")
    assert found[0] == found[1]
    assert len(found[0]) == 3


def test_a_form_is_filled_wherever_its_contents_stand():
    form = ByteForm.of(lambda each: b"%s<" + each[1] + b"|" + each[0] + b">" + each[1] + b"%", [1, 3, 0])
    assert form.fill([[b"a", b"%"], [b"bcd", b"\0\0\0"], [b"", b""]]) == [b"%s<bcd|a>bcd%", b"%s<\0\0\0|%>\0\0\0%"]


def test_a_form_has_all_its_places():
    contents = [[bytes([at])] for at in range(PLACES_MAX)]
    assert ByteForm.of(b"-".join, [1] * PLACES_MAX).fill(contents) == [b"-".join(each for (each,) in contents)]


@pytest.mark.parametrize("lengths", [[1] * (PLACES_MAX + 1), [2, 2]])
def test_too_many_places_and_contents_that_touch_are_bugs(lengths):
    with pytest.raises(AssertionError):
        ByteForm.of(b"".join, lengths)
