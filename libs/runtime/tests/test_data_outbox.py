import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.database import Database
from billing_runtime.events import EventTooLarge, UnreadableEvent, received_of, record_of
from billing_runtime.maintenance import maintenance_jobs
from billing_runtime.outbox import shard_of
from billing_runtime.producer import ProduceFailed
from billing_runtime.relay import Relay, republish
from billing_testkit.contracts.producer import ProducerContract
from billing_testkit.mesh import MemoryProducer
from billing_testkit.sample.stories import AT, TOPIC, event, received
from billing_testkit.tenants import admin_call
from sqlalchemy import text


@pytest.fixture(scope="module")
async def database(service_database):
    """A database of its own: relays empty the whole outbox."""
    opened = Database.open(service_database("sample", "billing_testkit.sample", "sample_outbox").database_url, 8)
    yield opened
    await opened.close()


@pytest.fixture
async def bus(database):
    """A relay that has sent what earlier tests left, and what it sent."""
    producer = MemoryProducer()
    relay = Relay(database, producer)
    while await relay.step():
        pass
    producer.take()
    yield relay, producer
    await relay.close()


async def publish(database, *events, call=None):
    async with database.begin(call or admin_call()) as tx:
        await tx.publish(*events)


async def drain(relay):
    while await relay.step():
        pass


def values(records):
    return [record.value[2:].decode() for record in records]


async def test_a_published_event_arrives_with_all_its_headers(database, bus):
    relay, producer = bus
    call = admin_call()
    sent = event("k", "hello", sequence=7)
    await publish(database, sent, call=call)
    await drain(relay)
    [record] = producer.take()
    headers = {name: content.decode() for name, content in record.headers}
    time = datetime.fromisoformat(headers.pop("ce_time"))
    assert abs(time - datetime.now(UTC)) < timedelta(seconds=10)
    assert headers == {
        "content-type": "application/protobuf",
        "ce_specversion": "1.0",
        "ce_id": str(sent.id),
        "ce_type": sent.type,
        "ce_source": "/billing/sample",
        "ce_subject": "note_k",
        "ce_tenant": str(call.tenant_id),
        "ce_actor": "user:alice",
        "ce_correlationid": call.correlation_id,
        "ce_sequence": "7",
        "ce_effectiveat": "2026-05-01T00:00:00.000000Z",
    }
    arrived = received_of(record.topic, record.key, record.value, record.headers)
    assert (arrived.id, arrived.key, arrived.effective_at, arrived.causation_id) == (sent.id, "k", AT, None)


def test_records_and_events_are_two_forms_of_one_thing():
    once = received(uuid7(), "k", "ü")
    record = record_of(once, AT)
    assert received_of(record.topic, record.key, record.value, record.headers) == once


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_tenant", "ce_sequence", "ce_effectiveat"])
def test_a_record_without_its_headers_is_unreadable(missing):
    record = record_of(received(uuid7(), "k", "x"), AT)
    headers = [header for header in record.headers if header[0] != missing]
    with pytest.raises(UnreadableEvent):
        received_of(record.topic, record.key, record.value, headers)


async def test_what_caused_an_event_in_a_batch_is_named(database, bus):
    relay, producer = bus
    call = admin_call()
    cause = received(call.tenant_id, "k", "why")
    async with database.begin(call) as tx:
        await tx.publish(event("k", "then"), cause=cause)
    await drain(relay)
    headers = dict(producer.take()[0].headers)
    assert headers["ce_causationid"].decode() == str(cause.id)
    assert headers["ce_correlationid"].decode() == cause.correlation_id


async def test_a_rollback_publishes_nothing(database, bus):
    relay, producer = bus

    async def broken():
        async with database.begin(admin_call()) as tx:
            await tx.publish(event("k", "never"))
            raise KeyError

    with pytest.raises(KeyError):
        await broken()
    await drain(relay)
    assert producer.take() == []


async def test_events_beyond_the_limit_are_refused_where_they_are_written(database):
    with pytest.raises(EventTooLarge):
        await publish(database, event("k", "x" * 1_000_000))


async def test_pending_events_can_be_read_in_their_own_transaction(database):
    async with database.begin(admin_call()) as tx:
        await tx.publish(event("k", "mine"))
        await tx.flush()
        assert await tx.conn.scalar(text("SELECT count(*) FROM outbox")) == 1


@pytest.mark.parametrize("count", [1, 50, 51, 2500])
async def test_few_and_many_events_keep_their_order(database, bus, count):
    relay, producer = bus
    await publish(database, *(event("k", str(number)) for number in range(count)))
    await drain(relay)
    assert values(producer.take()) == [str(number) for number in range(count)]


async def test_shards_are_stable_and_spread():
    assert shard_of("cus_1") == 6
    assert {shard_of(f"key {number}") for number in range(500)} == set(range(16))


async def test_a_relay_that_closes_gives_its_shards_back_at_once(database, bus):
    await bus[0].close()
    for number in range(20):
        producer = MemoryProducer()
        relay = Relay(database, producer)
        await publish(database, event("k", str(number)))
        await drain(relay)
        await relay.close()
        assert values(producer.take()) == [str(number)]


async def test_two_relays_share_nothing(database, bus):
    relay, producer = bus
    await relay.step()
    other = Relay(database, MemoryProducer())
    await publish(database, event("k", "once"))
    assert await other.step() == 0
    assert await relay.step() == 1
    await relay.close()
    await publish(database, event("k", "twice"))
    other._claimed_at = float("-inf")
    assert await other.step() == 1
    await other.close()
    assert values(producer.take()) == ["once"]


async def test_rows_stay_until_the_broker_has_them_and_then_lie_in_the_archive(database, bus):
    relay, producer = bus
    call = admin_call()
    await publish(database, event("k", "1"), event("k", "2"), call=call)
    producer.fail_next = 1
    with pytest.raises(ProduceFailed):
        await relay.step()
    assert await relay.step() == 2
    assert values(producer.take()) == ["1", "2"]
    async with database.read(call) as tx:
        assert await tx.conn.scalar(text("SELECT count(*) FROM outbox")) == 0
        assert await tx.conn.scalar(text("SELECT count(*) FROM outbox_archive")) == 2
    assert await republish(database, TOPIC, datetime.now(UTC) - timedelta(hours=1), call.tenant_id) == 2
    await drain(relay)
    assert values(producer.take()) == ["1", "2"]


async def test_it_runs_over_lost_sessions_until_it_is_stopped(database, bus):
    await bus[0].close()
    producer = MemoryProducer()
    relay, stop = Relay(database, producer), asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    sent = []
    for number in range(5):
        await publish(database, event("k", str(number)))
        async with asyncio.timeout(10):
            while len(sent) <= number:
                sent += values(producer.take())
                await asyncio.sleep(0.005)
        producer.fail_next = 1
        async with database.engine.connect() as conn:
            await conn.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'relay' AND datname = current_database()"
                )
            )
    stop.set()
    await running
    assert sent == ["0", "1", "2", "3", "4"]


async def test_old_archive_partitions_are_dropped_whole_unless_they_are_held(service_database, database):
    owner = service_database("sample", "billing_testkit.sample", "sample_outbox").migration_database_url
    import psycopg

    def partitions():
        with psycopg.connect(owner) as connection:
            rows = connection.execute("SELECT relname FROM pg_class WHERE relname ~ '^outbox_archive_[0-9]+$'")
            return {name for (name,) in rows}

    old = datetime.now(UTC).date() - timedelta(days=9)
    leaf = f"outbox_archive_{old:%Y%m%d}"
    with psycopg.connect(owner) as connection:
        connection.execute(
            f"CREATE TABLE {leaf} PARTITION OF outbox_archive FOR VALUES FROM ('{old}') TO ('{old + timedelta(1)}')"
        )

    async def hold(_conn):
        return old

    archive, *_ = maintenance_jobs(database, hold)
    await archive.run()
    assert leaf in partitions()
    archive, inbox, keys = maintenance_jobs(database)
    assert await archive.run() == 1
    assert leaf not in partitions()
    assert f"outbox_archive_{datetime.now(UTC):%Y%m%d}" in partitions()
    assert (await inbox.run(), await keys.run()) == (0, 0)


def run_story(*arguments, point=""):
    """Runs the sample's main program; with `point` it must die there."""
    program = [sys.executable, "-m", "billing_testkit.sample.stories", *arguments]
    done = subprocess.run(program, env={**os.environ, "FAULT_POINT": point}, check=False)
    assert done.returncode == (-signal.SIGKILL if point else 0)


@pytest.mark.crash
@pytest.mark.parametrize("point", ["relay.selected", "relay.produced:2", "relay.archived"])
async def test_a_killed_relay_loses_nothing_and_keeps_each_key_in_order(service_database, tmp_path, point):
    url = service_database("sample", "billing_testkit.sample", "sample_relay_crash").database_url
    database = Database.open(url, 2)
    events = [event(f"key{number % 3}", str(number)) for number in range(35)]
    await publish(database, *events)
    await database.close()
    log = tmp_path / "sent"
    run_story("relay", url, str(log), point=point)
    run_story("relay", url, str(log))
    seen = {}
    for line in log.read_text().splitlines():
        _, key, event_id = line.split()
        seen.setdefault(event_id, key)
    for key in ("key0", "key1", "key2"):
        assert [found for found in seen if seen[found] == key] == [str(e.id) for e in events if e.key == key]


class TestMemoryProducer(ProducerContract):
    @pytest.fixture
    def producer(self):
        return MemoryProducer()

    @pytest.fixture
    def read_back(self, producer):
        async def read(topic, count):
            return [record for record in producer.take() if record.topic == topic][:count]

        return read
