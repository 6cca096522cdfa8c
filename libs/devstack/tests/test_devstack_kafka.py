"""Real Apache Kafka from jars, and the small broker that stands in for it."""

from __future__ import annotations

import uuid

import pytest
from billing_devstack import kafka, kafka_home, kafka_jars, ports
from billing_devstack.errors import FolderInUse
from billing_devstack.kafka_jars import Jar, JarsMissing
from confluent_kafka import Consumer, Producer


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The first run on a machine fetches the jars and prepares them; later ones find the cache."""
    log = tmp_path_factory.mktemp("kafka-home") / "prepare.log"
    return kafka_home.prepare(kafka_jars.cache_folder(), log, say=print)


def up(home, folder):
    chosen = ports.choose_all({"broker": 0, "controller": 0})
    return kafka.start(
        home, folder / "kafka", chosen["broker"].number, chosen["controller"].number, folder / "kafka.log"
    )


def produce(broker, topic, values):
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, key=b"k", value=value)
    assert producer.flush(20) == 0


def consume(broker, topic, count):
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([topic])
    found = []
    while len(found) < count:
        message = consumer.poll(30)
        assert message is not None, f"only {len(found)} of {count}"
        if message.error() is None:
            found.append(message.value())
    consumer.close()
    return found


@pytest.mark.slow
def test_messages_survive_a_kill_of_the_broker(home, tmp_path):
    first = up(home, tmp_path)
    kafka.create_topics(first.bootstrap_servers, {"t": 3})
    kafka.create_topics(first.bootstrap_servers, {"t": 3, "u": 1})
    produce(first, "t", [b"1", b"2"])
    with pytest.raises(FolderInUse):
        up(home, tmp_path)
    first.kill()
    second = up(home, tmp_path)
    produce(second, "t", [b"3"])
    assert consume(second, "t", 3) == [b"1", b"2", b"3"]
    second.stop()
    assert second.child.exit_code in (143, -9)


def test_the_small_broker_carries_messages(tmp_path):
    broker = kafka.start_lite(ports.choose().number, tmp_path / "lite.log")
    kafka.create_topics(broker.bootstrap_servers, {"t": 3})
    produce(broker, "t", [b"1", b"2"])
    assert consume(broker, "t", 2) == [b"1", b"2"]
    broker.stop()


def test_the_committed_list_pins_kafka_and_all_it_needs():
    jars = {jar.file_name for jar in kafka_jars.pinned()}
    assert len(jars) == 45
    assert {"kafka_2.13-4.4.0.jar", "kafka-clients-4.4.0.jar", "log4j-slf4j-impl-2.25.5.jar"} <= jars


def test_a_jar_that_cannot_be_had_is_said_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr(kafka_jars, "pinned", lambda: [Jar("0" * 64, 1, "test.billing:no-such-artifact:1")])
    with pytest.raises(JarsMissing, match="no-such-artifact"):
        kafka_jars.ensure(tmp_path)


def test_a_file_of_another_content_is_not_the_jar(tmp_path):
    jar = kafka_jars.pinned()[0]
    (tmp_path / jar.file_name).write_bytes(b"x" * jar.size)
    assert not jar.is_at(tmp_path / jar.file_name)
