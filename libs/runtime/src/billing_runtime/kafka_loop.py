"""Kafka in: polls, hands batches to a `Processor`, and stores offsets only after the commit."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID, uuid5

import structlog
from billing_kernel.errors import DomainError
from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaException, TopicPartition
from prometheus_client import Counter, Gauge

from billing_runtime.consumer import Processor
from billing_runtime.dead_letter import UNREADABLE
from billing_runtime.events import Received, UnreadableEvent, received_of
from billing_runtime.fault import failpoint
from billing_runtime.metrics import REGISTRY
from billing_runtime.topics import await_topics

POLL_S = 0.2
STRAYS_MAX = 10  # seeks in vain after which the broker is asked whether the record is gone (retention)
WATERMARKS_S = 5.0
BACK_OFF_S_MIN, BACK_OFF_S_MAX = 0.25, 30.0
NOBODY = UUID(int=0)  # the tenant of records that name none

PAUSED = Gauge(
    "billing_consumer_paused",
    "1 while a transient failure holds the partition",
    ["consumer", "partition"],
    registry=REGISTRY,
)
RETRIES = Counter("billing_consumer_retries", "Transient failures", ["consumer", "reason"], registry=REGISTRY)
LAG = Gauge("billing_consumer_lag", "Records not yet done", ["consumer", "partition"], registry=REGISTRY)
log = structlog.get_logger()

T = TypeVar("T")
Place = tuple[str, int]  # topic, partition

_SETTINGS: Mapping[str, Any] = {
    "enable.auto.commit": True,  # of stored offsets, and those are stored after the commit
    "enable.auto.offset.store": False,
    "auto.commit.interval.ms": 1000,
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
    "max.poll.interval.ms": 300_000,
    "fetch.wait.max.ms": 100,
    "reconnect.backoff.max.ms": 1000,
    "log_level": 3,
}


@dataclass(slots=True)
class Pause:
    """A partition that waits for `until` (monotonic seconds) after `failures` transient failures in a row."""

    failures: int = 0
    offset: int = 0  # of the first record that must come again
    until: float = 0.0
    resting: bool = False
    back: bool = False  # reading goes on at or behind `offset`
    strays: int = 0


class KafkaLoop:
    """One consumer group member. A transient failure pauses its partitions alone, with back-off, without limit."""

    def __init__(self, processor: Processor, bootstrap_servers: str) -> None:
        self._processor = processor
        self._name = processor.consumer.name
        self._settings = {**_SETTINGS, "bootstrap.servers": bootstrap_servers, "group.id": self._name}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-consumer")
        self._pauses: dict[Place, Pause] = {}
        self._client: Any = None

    async def run(self, stop: asyncio.Event) -> None:
        await await_topics(self._settings["bootstrap.servers"], self._processor.consumer.topics, stop)
        self._client = Client(self._settings)
        try:
            await self._on_thread(
                lambda: self._client.subscribe(
                    list(self._processor.consumer.topics), on_revoke=self._gone, on_lost=self._gone
                )
            )
            while not stop.is_set():
                await self._once()
        finally:
            await self._on_thread(self._client.close)
            self._thread.shutdown(wait=False)

    async def _once(self) -> None:
        await self._on_thread(self._resume_due)
        messages = await self._on_thread(lambda: self._client.consume(self._processor.consumer.batch_max, POLL_S))
        records = [message for message in messages if message.error() is None and self._due(message)]
        if records:
            failpoint("consumer.polled")
            await self._give(records)

    async def _give(self, records: Sequence[Any]) -> None:
        events = [_event(record) for record in records]
        unfinished, error = await self._attempt(events, self._run_max(records))
        last, first_left = _places(records, events, unfinished)
        if error is not None:
            RETRIES.labels(self._name, error.reason if isinstance(error, DomainError) else type(error).__name__).inc()
            log.warning("partitions wait", consumer=self._name, error=str(error), partitions=len(first_left))
        await self._on_thread(lambda: self._settle(last, first_left))

    def _due(self, record: Any) -> bool:
        """False for what was fetched before a partition went back: it comes again, behind what it must not overtake."""
        pause = self._pauses.get((record.topic(), record.partition()))
        if pause is None or pause.back:
            return True
        if pause.resting:
            return False
        if record.offset() > pause.offset:
            pause.strays += 1
            pause.resting = True  # seek once more, at once
            return False
        pause.back = True
        return True

    def _run_max(self, records: Sequence[Any]) -> int:
        """Runs get four times shorter with each failure in a row of a partition in the batch."""
        waiting = {(record.topic(), record.partition()) for record in records} & self._pauses.keys()
        failures = max((self._pauses[place].failures for place in waiting), default=0)
        return max(1, self._processor.consumer.batch_max >> (2 * failures))

    async def _attempt(self, events: Sequence[Received], run_max: int) -> tuple[set[UUID], Exception | None]:
        """Ids that must come again. What the processor itself cannot place holds the whole batch."""
        try:
            outcome = await self._processor.attempt(events, run_max)
        except Exception as error:
            log.exception("batch failed", consumer=self._name)
            return {event.id for event in events}, error
        return {event.id for event in outcome.unfinished}, outcome.error

    def _settle(self, last: Mapping[Place, int], first_left: Mapping[Place, int]) -> None:
        """Stores what is done; rests the partitions with something left, at their first such record."""
        for place, offset in last.items():
            left = first_left.get(place)
            following = offset + 1 if left is None else left
            with suppress(KafkaException):  # the partition went to another member meanwhile
                self._client.store_offsets(offsets=[TopicPartition(*place, following)])
                if left is None:
                    self._pauses.pop(place, None)
                else:
                    self._rest(place, left)
                self._measure(place, following)

    def _rest(self, place: Place, offset: int) -> None:
        pause = self._pauses.setdefault(place, Pause())
        pause.failures += 1
        wait_s = min(BACK_OFF_S_MAX, BACK_OFF_S_MIN * 2 ** min(pause.failures - 1, 16))
        pause.until = monotonic() + wait_s * random.uniform(0.8, 1.2)
        pause.offset = offset
        pause.back, pause.strays = False, 0
        pause.resting = True
        self._client.pause([TopicPartition(*place)])
        PAUSED.labels(self._name, f"{place[0]}:{place[1]}").set(1)

    def _resume_due(self) -> None:
        now = monotonic()
        for place, pause in self._pauses.items():
            if pause.resting and pause.until <= now:
                with suppress(KafkaException):  # what raises is tried again at the next turn
                    if pause.strays >= STRAYS_MAX:
                        self._doubt(place, pause)
                    self._client.resume([TopicPartition(*place)])  # a seek of a paused partition would be forgotten
                    self._client.seek(TopicPartition(*place, pause.offset))
                    pause.resting = False
                    PAUSED.labels(self._name, f"{place[0]}:{place[1]}").set(0)

    def _doubt(self, place: Place, pause: Pause) -> None:
        """Only what the broker itself has dropped is passed over, and aloud."""
        low, _ = self._client.get_watermark_offsets(TopicPartition(*place), timeout=WATERMARKS_S)
        pause.strays, pause.back = 0, low > pause.offset
        if pause.back:
            log.error("record gone by retention", consumer=self._name, place=place, offset=pause.offset, low=low)

    def _measure(self, place: Place, following: int) -> None:
        _, high = self._client.get_watermark_offsets(TopicPartition(*place), cached=True)
        LAG.labels(self._name, f"{place[0]}:{place[1]}").set(max(0, high - following))

    def _gone(self, _client: Any, partitions: Sequence[Any]) -> None:
        for partition in partitions:
            self._pauses.pop((partition.topic, partition.partition), None)
            PAUSED.labels(self._name, f"{partition.topic}:{partition.partition}").set(0)

    async def _on_thread(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


def _places(
    records: Sequence[Any], events: Sequence[Received], unfinished: set[UUID]
) -> tuple[dict[Place, int], dict[Place, int]]:
    """Per partition the last offset of the batch, and the first one that must come again."""
    last: dict[Place, int] = {}
    first_left: dict[Place, int] = {}
    for record, event in zip(records, events, strict=True):
        place = (record.topic(), record.partition())
        last[place] = record.offset()
        if event.id in unfinished:
            first_left.setdefault(place, record.offset())
    return last, first_left


def _event(record: Any) -> Received:
    """The event of a record; a record that is none becomes an event of type UNREADABLE, bound for the dead letters."""
    try:
        return received_of(record.topic(), record.key(), record.value(), record.headers() or [])
    except UnreadableEvent:
        name = f"{record.topic()}:{record.partition()}:{record.offset()}"
        return Received(
            topic=record.topic(),
            key=name,
            type=UNREADABLE,
            id=uuid5(NOBODY, name),
            tenant_id=NOBODY,
            actor="",
            subject="",
            correlation_id="",
            causation_id=None,
            sequence=0,
            effective_at=datetime.now(UTC),
            traceparent=None,
            payload=record.value() or b"",
        )
