"""Topics: made once with 12 partitions, never raised in place; each has a dead-letter topic beside it."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from billing_runtime.events import with_dead_letters
from billing_runtime.jobs import pause

PARTITIONS = 12
TIMEOUT_S = 10.0
_REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.POLICY_VIOLATION)
log = structlog.get_logger()


async def ensure_topics(bootstrap_servers: str, topics: Iterable[str]) -> None:
    """Makes the topics and their dead-letter topics; one that exists already is a success. Raises KafkaException."""
    await asyncio.to_thread(_create, bootstrap_servers, sorted(set(topics)))


async def await_topics(bootstrap_servers: str, topics: Iterable[str], stop: asyncio.Event) -> None:
    """The same at the start of a loop: waits for a broker that is away; where making topics is the operator's right
    alone it only says so."""
    wanted = sorted(set(topics))
    while not stop.is_set():
        try:
            await ensure_topics(bootstrap_servers, wanted)
            return
        except KafkaException as error:
            code = error.args[0].code()
            log.warning("topics not made", topics=wanted, error=error.args[0].name())
            if code in _REFUSED:
                return
            await pause(stop, 1.0)


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
