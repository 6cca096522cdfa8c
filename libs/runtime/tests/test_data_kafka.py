"""The way through a real broker: relay, topics, consumer groups, outages."""

import asyncio
from collections import defaultdict
from uuid import uuid4

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.consumer import Consumer, Handler, Processor
from billing_runtime.database import Database
from billing_runtime.database_errors import DatabaseUnavailable
from billing_runtime.dead_letter import parked_keys
from billing_runtime.events import Event, Record
from billing_runtime.kafka_loop import NOBODY, KafkaLoop
from billing_runtime.producer import KafkaProducer, ProduceFailed
from billing_runtime.relay import Relay
from billing_runtime.topics import await_topics, ensure_topics
from billing_testkit.contracts.producer import ProducerContract
from billing_testkit.sample.stories import AT, WRITTEN
from billing_testkit.tenants import admin_call
from confluent_kafka import Consumer as Client
from google.protobuf.wrappers_pb2 import StringValue

pytestmark = pytest.mark.slow


def read_all(bootstrap_servers, topic, count):
    client = Client(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": str(uuid4()),
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    client.subscribe([topic])
    records = []
    for _ in range(100):
        for message in client.consume(count, 0.3):
            records.append(Record(topic, message.key(), message.value(), message.headers() or []))
        if len(records) >= count:
            break
    client.close()
    return records


class TestKafkaProducer(ProducerContract):
    @pytest.fixture
    async def producer(self, kafka, topic):
        await ensure_topics(kafka.bootstrap_servers, [topic])
        await ensure_topics(kafka.bootstrap_servers, [topic])
        made = KafkaProducer(kafka.bootstrap_servers)
        yield made
        await made.close()

    @pytest.fixture
    def read_back(self, kafka):
        async def read(topic, count):
            return await asyncio.to_thread(read_all, kafka.bootstrap_servers, topic, count)

        return read


@pytest.fixture
async def topic(kafka):
    name = f"billing.kafka{uuid4().hex[:8]}.v1"
    await await_topics(kafka.bootstrap_servers, [name], asyncio.Event())
    return name


@pytest.fixture
async def database(service_database):
    opened = Database.open(service_database("sample", "billing_testkit.sample", "sample_kafka").database_url, 8)
    yield opened
    await opened.close()


def event(topic, key, content):
    return Event(topic, key, WRITTEN, key, StringValue(value=content), AT)


async def until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # it watches what other loops do
            await asyncio.sleep(0.02)


class Running:
    """Loops that run for the length of a test."""

    def __init__(self):
        self.stop = asyncio.Event()
        self.tasks = []

    def start(self, *loops):
        self.tasks += [asyncio.create_task(loop.run(self.stop)) for loop in loops]

    async def end(self):
        self.stop.set()
        await asyncio.gather(*self.tasks)


@pytest.fixture
async def running():
    loops = Running()
    yield loops
    await loops.end()


async def test_events_go_through_in_order_and_a_sick_key_holds_its_partition_alone(kafka, database, topic, running):
    heard, sick = defaultdict(list), True

    async def hear(_tx, events):
        if sick and any(one.key == "sick" for one, _ in events):
            raise DatabaseUnavailable("not now")
        for one, message in events:
            heard[one.key].append(message.value)

    consumer = Consumer(f"group-{topic}", [topic], {WRITTEN: Handler(StringValue, hear)}, batch_max=50)
    producer = KafkaProducer(kafka.bootstrap_servers)
    processor = Processor(database, consumer)
    running.start(Relay(database, producer), KafkaLoop(processor, kafka.bootstrap_servers))
    call = admin_call()
    for number in range(0, 200, 20):
        async with database.begin(call) as tx:
            await tx.publish(*(event(topic, f"k{n % 5}", str(n)) for n in range(number, number + 20)))
            await tx.publish(event(topic, "sick", str(number)))
    await until(lambda: sum(len(heard[f"k{n}"]) for n in range(5)) == 200)
    assert heard["sick"] == []
    sick = False
    await until(lambda: len(heard["sick"]) == 10 and sum(map(len, heard.values())) == 210)
    assert heard["sick"] == [str(n) for n in range(0, 200, 20)]
    for key in range(5):
        assert heard[f"k{key}"] == [str(n) for n in range(200) if n % 5 == key]
    await producer.close()


async def test_a_group_goes_on_where_its_last_member_stopped(kafka, database, topic):
    heard = []

    async def hear(_tx, events):
        heard.extend(message.value for _, message in events)

    consumer = Consumer(f"group-{topic}", [topic], {WRITTEN: Handler(StringValue, hear)})
    producer = KafkaProducer(kafka.bootstrap_servers)
    relay = Relay(database, producer)
    for number in range(3):
        async with database.begin(admin_call()) as tx:
            await tx.publish(event(topic, "k", str(number)))
        while await relay.step():
            pass
        member = Running()
        member.start(KafkaLoop(Processor(database, consumer), kafka.bootstrap_servers))
        await until(lambda: len(heard) == number + 1)  # noqa: B023
        await member.end()
    assert heard == ["0", "1", "2"]
    await relay.close()
    await producer.close()


async def test_a_record_that_is_no_event_is_set_aside(kafka, database, topic, running):
    heard = []

    async def hear(_tx, events):
        heard.extend(message.value for _, message in events)

    consumer = Consumer(f"group-{topic}", [topic], {WRITTEN: Handler(StringValue, hear)})
    producer = KafkaProducer(kafka.bootstrap_servers)
    await producer.send([Record(topic, b"k", b"junk", [("ce_id", b"7")])])
    async with database.begin(admin_call()) as tx:
        await tx.publish(event(topic, "k", "good"))
    running.start(Relay(database, producer), KafkaLoop(Processor(database, consumer), kafka.bootstrap_servers))
    await until(lambda: heard == ["good"])
    keys = await parked_keys(database, consumer.name)
    assert [tenant for tenant, _ in keys] == [NOBODY]
    await running.end()
    await producer.close()


async def test_a_broker_that_is_away_fails_the_batch_and_not_the_producer():
    producer = KafkaProducer("127.0.0.1:1", delivery_ms_max=300)
    for _ in range(2):
        with pytest.raises(ProduceFailed):
            await producer.send([Record("t", b"k", b"v", [])])
    await producer.close()


@pytest.mark.crash
async def test_a_killed_broker_loses_and_reorders_nothing(tmp_path, database, running):
    from billing_devstack import kafka, kafka_home, kafka_jars, ports

    home = kafka_home.prepare(kafka_jars.cache_folder(), tmp_path / "log", lambda line: None)
    chosen = ports.choose_all({"broker": 0, "controller": 0})
    places = (chosen["broker"].number, chosen["controller"].number, tmp_path / "log")
    broker = await asyncio.to_thread(kafka.start, home, tmp_path / "kafka", *places)
    topic, heard = f"billing.crash{uuid7().hex[:8]}.v1", defaultdict(list)
    await ensure_topics(broker.bootstrap_servers, [topic])

    async def hear(_tx, events):
        for one, message in events:
            heard[one.key].append(message.value)

    consumer = Consumer(f"group-{topic}", [topic], {WRITTEN: Handler(StringValue, hear)})
    producer = KafkaProducer(broker.bootstrap_servers)
    running.start(Relay(database, producer), KafkaLoop(Processor(database, consumer), broker.bootstrap_servers))
    call = admin_call()
    for number in range(60):
        if number == 20:
            await asyncio.to_thread(broker.kill)
        if number == 40:
            broker = await asyncio.to_thread(kafka.start, home, tmp_path / "kafka", *places)
        async with database.begin(call) as tx:
            await tx.publish(*(event(topic, f"k{n}", str(number)) for n in range(5)))
        await asyncio.sleep(0.01)
    await until(lambda: sum(map(len, heard.values())) >= 300, 60)
    assert all(heard[f"k{n}"] == [str(number) for number in range(60)] for n in range(5))
    await running.end()
    await producer.close()
    await asyncio.to_thread(broker.stop)
