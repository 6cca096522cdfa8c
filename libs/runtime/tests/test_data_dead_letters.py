"""Events that fail for good: parked with their key, replayed, skipped."""

from dataclasses import replace

import pytest
from billing_kernel.errors import Invalid, NotFound
from billing_kernel.ids import uuid7
from billing_runtime import dead_letter, inbox
from billing_runtime.consumer import Processor
from billing_runtime.database_errors import UniqueViolated
from billing_runtime.replay import replay, skip
from billing_testkit.sample.stories import ERASED, WRITTEN, note_consumer, received, write_notes
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call
from sqlalchemy import select, text


async def contents(database, tenant):
    async with database.read(admin_call(tenant)) as tx:
        rows = await tx.conn.execute(select(note.c.content).order_by(note.c.position))
        return list(rows.scalars())


class Unwell:
    """A handler that refuses the contents it is told to, each with its error, and notes what it did in order."""

    def __init__(self, refused=None, times=None):
        self.refused, self.left = refused or {}, times

    async def __call__(self, tx, events):
        for _, message in events:
            if message.value in self.refused and self.left != 0:
                self.left = self.left and self.left - 1
                raise self.refused[message.value]
        await write_notes(tx, events)


async def letters(database, tenant, consumer):
    async with database.read(admin_call(tenant)) as tx:
        query = "SELECT state, reason, resolved_by FROM dead_letter WHERE consumer = %s ORDER BY position"
        return (await (await tx.raw.execute(query, (consumer,))).fetchall()) or []


@pytest.fixture
def name():
    return f"consumer-{uuid7()}"


async def park(database, tenant, name):
    """a1 fails for good; a2 and a3 come later, b1 is another key."""
    handler = Unwell({"a1": ValueError("a bug")})
    consumer = note_consumer(handler, name)
    first = [received(tenant, "a", "a1"), received(tenant, "b", "b1"), received(tenant, "a", "a2")]
    later = [received(tenant, "a", "a3", ERASED), received(tenant, "b", "b2")]
    processor = Processor(database, consumer)
    await processor.process(first)
    await processor.process(later)
    await processor.process([*first, *later])  # Kafka may deliver again at any time
    return handler, consumer, first[0]


async def test_a_permanent_failure_parks_its_key_in_order_and_nothing_else(sample_database, tenant_id, name):
    await park(sample_database, tenant_id, name)
    assert await contents(sample_database, tenant_id) == ["b1", "b2"]
    assert await letters(sample_database, tenant_id, name) == [
        ("failed", "ValueError", None),
        ("waiting", "", None),
        ("waiting", "", None),
    ]
    async with sample_database.read(admin_call(tenant_id)) as tx:
        rows = (await tx.conn.execute(text("SELECT topic, type, extra FROM outbox"))).all()
    reasons = {"ce_failedconsumer": name, "ce_failurereason": "ValueError"}
    assert rows == [("billing.sample.v1.dead-letter", WRITTEN, reasons)]


async def test_who_loses_a_race_for_a_row_is_not_parked(sample_database, tenant_id, name):
    """The row is there at the second try, and the handler finds it: only a second violation is a permanent failure."""
    handler = Unwell({"a1": UniqueViolated("note_once")}, times=1)
    await Processor(sample_database, note_consumer(handler, name)).process([received(tenant_id, "a", "a1")])
    assert await contents(sample_database, tenant_id) == ["a1"]
    assert await letters(sample_database, tenant_id, name) == []
    always = Unwell({"a2": UniqueViolated("note_once")})
    await Processor(sample_database, note_consumer(always, name)).process([received(tenant_id, "a", "a2")])
    assert [reason for _, reason, _ in await letters(sample_database, tenant_id, name)] == ["ALREADY_EXISTS"]


async def test_replay_runs_the_queue_in_order_once_the_cause_is_gone(sample_database, tenant_id, name):
    handler, consumer, _ = await park(sample_database, tenant_id, name)
    stuck = await replay(sample_database, consumer)
    assert (stuck.done, stuck.stuck) == (0, {(tenant_id, "a"): "ValueError"})
    assert await contents(sample_database, tenant_id) == ["b1", "b2"]
    handler.refused.clear()
    assert (await replay(sample_database, consumer, "b")).done == 0
    assert (await replay(sample_database, consumer, "a")).done == 3
    assert await contents(sample_database, tenant_id) == ["b1", "b2", "a1", "a2", "a3"]
    await Processor(sample_database, consumer).process([received(tenant_id, "a", "a4")])
    assert (await contents(sample_database, tenant_id))[-1] == "a4"
    assert {state for state, _, _ in await letters(sample_database, tenant_id, name)} == {"replayed"}


async def test_replay_passes_over_what_another_member_has_done(sample_database, tenant_id, name):
    """After a rebalance two members may hold one event: one fails it for good, the other gives it its effect."""
    handler, consumer, failed = await park(sample_database, tenant_id, name)
    handler.refused.clear()
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await inbox.mark(tx, name, failed.id)
        await Processor(sample_database, consumer).handle(tx, [failed])
    assert (await replay(sample_database, consumer)).done == 3
    assert await contents(sample_database, tenant_id) == ["b1", "b2", "a1", "a2", "a3"]


async def test_what_another_member_has_done_is_not_buried(sample_database, tenant_id, name):
    done = received(tenant_id, "a", "a1")
    await Processor(sample_database, note_consumer(name=name)).process([done])
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await dead_letter.bury(tx, name, done, "ValueError")
    assert await letters(sample_database, tenant_id, name) == []


async def test_a_skip_is_on_record_and_frees_the_rest(sample_database, tenant_id, name):
    _, consumer, failed = await park(sample_database, tenant_id, name)
    with pytest.raises(Invalid):
        await skip(sample_database, name, tenant_id, failed.id, actor="user:bob", reason=" ")
    await skip(sample_database, name, tenant_id, failed.id, actor="user:bob", reason="test data")
    with pytest.raises(NotFound):
        await skip(sample_database, name, tenant_id, failed.id, actor="user:bob", reason="again")
    assert (await replay(sample_database, consumer)).done == 2
    await Processor(sample_database, consumer).process([failed])
    assert await contents(sample_database, tenant_id) == ["b1", "b2", "a2", "a3"]
    assert (await letters(sample_database, tenant_id, name))[0] == ("skipped", "ValueError", "user:bob")


async def test_bytes_that_are_not_the_message_are_dead_letters(sample_database, tenant_id, name):
    broken = replace(received(tenant_id, "k", "x"), payload=b"\xff\xff\xff")
    await Processor(sample_database, note_consumer(name=name)).process([broken])
    assert [reason for _, reason, _ in await letters(sample_database, tenant_id, name)] == ["EVENT_UNREADABLE"]


async def test_records_that_are_no_events_are_dead_letters_of_nobody(sample_database, name):
    from uuid import UUID

    strange = received(UUID(int=0), f"topic:0:{uuid7()}", "x", dead_letter.UNREADABLE)
    await Processor(sample_database, note_consumer(name=name)).process([strange])
    assert await dead_letter.parked_keys(sample_database, name) == [(UUID(int=0), strange.key)]
