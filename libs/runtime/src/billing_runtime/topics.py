"""Topics: made once with 12 partitions, never raised in place; each has a dead-letter topic beside it."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from billing_runtime.events import with_dead_letters

PARTITIONS = 12
TIMEOUT_S = 30.0


async def ensure_topics(bootstrap_servers: str, topics: Iterable[str]) -> None:
    """Makes the topics and their dead-letter topics; one that exists already is a success. Raises KafkaException."""
    await asyncio.to_thread(_create, bootstrap_servers, sorted(set(topics)))


def _create(bootstrap_servers: str, topics: list[str]) -> None:
    if not topics:
        return
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 3})
    wanted = [NewTopic(topic, PARTITIONS) for topic in with_dead_letters(topics)]
    for made in admin.create_topics(wanted, request_timeout=TIMEOUT_S).values():
        _accept(made)


def _accept(made: Future[None]) -> None:
    try:
        made.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
