import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from billing_kernel.errors import Invalid, Kind
from billing_kernel.ids import uuid7
from billing_runtime import dead_letter
from billing_runtime.batches import runs
from billing_runtime.call import current_call
from billing_runtime.consumer import Processor
from billing_runtime.database import Database
from billing_runtime.database_errors import DatabaseUnavailable
from billing_runtime.tracing import inject
from billing_testkit.mesh import Mesh
from billing_testkit.sample.stories import AT, event, note_consumer, received, write_notes
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call
from sqlalchemy import select


class Away(Invalid):
    kind = Kind.UNAVAILABLE


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


# grouping ----------------------------------------------------------------------------------------


def cut(*spec, run_max=10):
    """spec: tenant, type, key in three letters -> runs as words."""
    tenants = {letter: uuid7() for letter in "AB"}
    batch = [
        replace(received(tenants[tenant], key, "", kind), subject=tenant + kind + key) for tenant, kind, key in spec
    ]
    return [" ".join(event.subject for event in run) for run in runs(batch, run_max)]


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ([], []),
        (["Ax1", "Ax2", "Ax1"], ["Ax1 Ax2 Ax1"]),
        (["Ax1", "Bx1", "Ax2"], ["Ax1 Ax2", "Bx1"]),
        (["Ax1", "Ay2", "Ax3", "Ay4"], ["Ax1 Ax3", "Ay2 Ay4"]),
        (["Ax1", "Ay1", "Ax1"], ["Ax1", "Ay1", "Ax1"]),
        (["Ax1", "Ay2", "Ax2", "Ax1"], ["Ax1", "Ay2", "Ax2 Ax1"]),
    ],
)
def test_runs_are_long_and_keep_every_key_in_order(batch, expected):
    assert cut(*batch) == expected


def test_runs_have_a_longest_length():
    assert cut("Ax1", "Ax2", "Ax3", run_max=2) == ["Ax1 Ax2", "Ax3"]


# once --------------------------------------------------------------------------------------------


async def test_each_event_takes_effect_once(sample_database, tenant_id):
    batch = [received(tenant_id, f"k{n % 3}", f"n{n}") for n in range(20)]
    processor = Processor(sample_database, note_consumer())
    await processor.process([*batch[:10], *batch[5:10]])
    await processor.process(batch)
    await processor.process(batch)
    assert sorted(await contents(sample_database, tenant_id)) == sorted(f"n{n}" for n in range(20))


async def test_two_members_with_the_same_batch_have_one_effect(sample_database, tenant_id):
    batch = [received(tenant_id, f"k{n % 3}", f"n{n}") for n in range(50)]
    members = [Processor(sample_database, note_consumer(batch_max=10)) for _ in range(4)]
    await asyncio.gather(*(member.process(batch) for member in members))
    assert len(await contents(sample_database, tenant_id)) == 50


async def test_consumers_are_told_apart_by_name(sample_database, tenant_id):
    heard = []

    async def hear(_tx, events):
        heard.extend(message.value for _, message in events)

    one = received(tenant_id, "k", "x")
    for name in ("first", "second", "first"):
        await Processor(sample_database, note_consumer(hear, name)).process([one])
    assert heard == ["x", "x"]


async def test_types_without_a_handler_are_passed_over(sample_database, tenant_id):
    await Processor(sample_database, note_consumer()).process([received(tenant_id, "k", "x", "billing.other.v1.X")])
    assert await contents(sample_database, tenant_id) == []


async def test_the_handler_works_in_the_context_of_the_event(sample_database, tenant_id):
    calls = []

    async def look(tx, _events):
        calls.append((current_call(), tx.call, await tx.now()))
        traces.append(inject())

    traces, trace = [], f"00-{'a' * 32}-{'b' * 16}-00"
    one = replace(received(tenant_id, "k", "x"), traceparent=trace)
    await Processor(sample_database, note_consumer(look)).process([one])
    [(current, call, now)] = calls
    assert current is call
    assert traces == [trace]
    assert (call.tenant_id, call.actor, call.causation_id, call.correlation_id) == (
        tenant_id,
        "user:alice",
        str(one.id),
        "c1",
    )
    assert now == AT


def run_story(*arguments, point=""):
    """Runs the sample's main program; with `point` it must die there."""
    program = [sys.executable, "-m", "billing_testkit.sample.stories", *arguments]
    done = subprocess.run(program, env={**os.environ, "FAULT_POINT": point}, check=False)
    assert done.returncode == (-signal.SIGKILL if point else 0)


@pytest.mark.crash
@pytest.mark.parametrize("point", ["consumer.inbox_written:2", "consumer.effect_done:2", "consumer.committed:2"])
async def test_a_killed_consumer_acts_once_when_it_comes_back(service_database, tenant_id, point):
    url = service_database("sample", "billing_testkit.sample").database_url
    run_story("consume", url, str(tenant_id), "23", point=point)
    database = Database.open(url, 1)
    assert len(await contents(database, tenant_id)) < 23
    run_story("consume", url, str(tenant_id), "23")
    assert len(await contents(database, tenant_id)) == 23
    await database.close()


# failures ----------------------------------------------------------------------------------------


async def test_a_transient_failure_leaves_no_trace_and_may_come_again(sample_database, tenant_id):
    handler = Unwell({"n2": Away("the tax service is away")})
    processor = Processor(sample_database, note_consumer(handler))
    batch = [received(tenant_id, "k", f"n{n}") for n in range(4)]
    for _ in range(3):
        with pytest.raises(Away):
            await processor.process(batch)
    assert await contents(sample_database, tenant_id) == []
    handler.refused.clear()
    await processor.process(batch)
    assert await contents(sample_database, tenant_id) == ["n0", "n1", "n2", "n3"]
    assert await dead_letter.parked_keys(sample_database, "sample") == []


async def test_a_transient_failure_holds_its_keys_alone(sample_database, tenant_id):
    handler = Unwell({"bad": DatabaseUnavailable("away")})
    consumer = note_consumer(handler, batch_max=1)
    batch = [received(tenant_id, *words) for words in (("a", "bad"), ("b", "b1"), ("a", "a2"), ("b", "b2"))]
    outcome = await Processor(sample_database, consumer).attempt(batch)
    assert [event.id for event in outcome.unfinished] == [batch[0].id, batch[2].id]
    assert isinstance(outcome.error, DatabaseUnavailable)
    assert await contents(sample_database, tenant_id) == ["b1", "b2"]


async def test_an_attempt_that_fails_too_long_leaves_the_rest(sample_database, tenant_id, monkeypatch):
    monkeypatch.setattr("billing_runtime.consumer.FAILING_S_MAX", 0.0)
    handler = Unwell({"n0": Away("away")})
    batch = [received(tenant_id, f"k{n}", f"n{n}") for n in range(3)]
    outcome = await Processor(sample_database, note_consumer(handler)).attempt(batch, run_max=1)
    assert [event.id for event in outcome.unfinished] == [event.id for event in batch]
    assert await contents(sample_database, tenant_id) == []


async def test_the_mesh_settles_through_chains_of_services(sample_database, service_database, tenant_id):
    other = Database.open(service_database("sample", "billing_testkit.sample", "sample_mesh").database_url, 4)

    async def answer(tx, events):
        for one, message in events:
            if len(message.value) < 4:
                await tx.publish(event("k", message.value + "!"), cause=one)

    mesh = Mesh([sample_database, other], [(other, note_consumer(answer, "mesh")), (sample_database, note_consumer())])
    await mesh.settle()
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await tx.publish(event("k", "a"))
    delivered = await mesh.settle()
    await mesh.close()
    await other.close()
    assert [one.payload[2:].decode() for one in delivered] == ["a", "a!", "a!!", "a!!!"]
    assert await contents(sample_database, tenant_id) == ["a", "a!", "a!!", "a!!!"]
