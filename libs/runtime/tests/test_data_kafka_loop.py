"""What the loop does with a broker that answers badly. The broker is played: the real one cannot be told to do so."""

from dataclasses import dataclass, field

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.consumer import Consumer, Handler, Processor
from billing_runtime.database_errors import DatabaseUnavailable
from billing_runtime.events import record_of
from billing_runtime.kafka_loop import STRAYS_MAX, KafkaLoop
from billing_testkit.sample.stories import AT, WRITTEN, received
from confluent_kafka import KafkaError, KafkaException
from google.protobuf.wrappers_pb2 import StringValue

TOPIC = "billing.sample.v1"


@dataclass
class PlayedRecord:
    place: int
    record: object

    def topic(self):
        return TOPIC

    def partition(self):
        return 0

    def offset(self):
        return self.place

    def key(self):
        return self.record.key

    def value(self):
        return self.record.value

    def headers(self):
        return self.record.headers

    def error(self):
        return None


@dataclass
class PlayedClient:
    """One partition. `deaf` seeks are forgotten; `low` is the first offset that retention has left."""

    records: list
    deaf: int = 0
    low: int = 0
    measurable: bool = True
    at: int = 0
    stored: int = 0
    paused: bool = False
    sought: list = field(default_factory=list)

    def consume(self, count, _timeout):
        if self.paused:
            return []
        self.at = max(self.at, self.low)
        found = [PlayedRecord(n, self.records[n]) for n in range(self.at, len(self.records))][:count]
        self.at += len(found)
        return found

    def store_offsets(self, offsets):
        self.stored = offsets[0].offset

    def pause(self, _places):
        self.paused = True

    def resume(self, _places):
        self.paused = False

    def seek(self, place):
        self.sought.append(place.offset)
        if self.deaf:
            self.deaf -= 1
        else:
            self.at = place.offset

    def get_watermark_offsets(self, _place, timeout=None, cached=False):
        if not self.measurable:
            raise KafkaException(KafkaError(KafkaError._STATE))
        return self.low, len(self.records)


def played(tenant_id, key, count):
    return [record_of(received(tenant_id, key, f"{key}{n}"), AT) for n in range(count)]


class Steps:
    """A loop over a played client; a record of key "sick" fails while `sick`."""

    def __init__(self, database, client):
        self.heard, self.sick, self.client = [], True, client
        consumer = Consumer(f"loop-{uuid7()}", [TOPIC], {WRITTEN: Handler(StringValue, self.hear)}, batch_max=2)
        self.loop = KafkaLoop(Processor(database, consumer), "127.0.0.1:1")
        self.loop._client = client

    async def hear(self, _tx, events):
        if self.sick and any(one.key == "sick" for one, _ in events):
            raise DatabaseUnavailable("not now")
        self.heard += [message.value for _, message in events]

    async def take(self, count=1):
        for _ in range(count):
            for pause in self.loop._pauses.values():
                pause.until = 0.0  # the back-off is over
            await self.loop._once()


async def test_a_seek_that_is_forgotten_for_long_loses_no_record(sample_database, tenant_id):
    client = PlayedClient([*played(tenant_id, "sick", 1), *played(tenant_id, "well", 99)], deaf=3 * STRAYS_MAX)
    steps = Steps(sample_database, client)
    await steps.take()
    steps.sick = False
    await steps.take(10 * STRAYS_MAX)
    assert "sick0" in steps.heard
    assert (client.stored, len(steps.heard), len(set(steps.heard))) == (100, 100, 100)


async def test_a_record_that_retention_took_holds_nothing_for_ever(sample_database, tenant_id):
    client = PlayedClient([*played(tenant_id, "sick", 1), *played(tenant_id, "well", 9)])
    steps = Steps(sample_database, client)
    await steps.take()
    client.low = 4
    await steps.take(3 * STRAYS_MAX)
    assert client.stored == 10
    assert "well8" in steps.heard


async def test_a_lag_that_cannot_be_measured_lets_no_record_pass(sample_database, tenant_id):
    client = PlayedClient([*played(tenant_id, "sick", 1), *played(tenant_id, "well", 9)], measurable=False)
    steps = Steps(sample_database, client)
    await steps.take(4)
    assert client.stored == 0
    steps.sick = False
    await steps.take(8)
    assert client.stored == 10
    assert sorted(steps.heard) == ["sick0", *(f"well{n}" for n in range(9))]


@pytest.fixture
def tenant_id():
    return uuid7()
