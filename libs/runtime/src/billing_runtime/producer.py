"""The port through which the relay sends, and its Kafka adapter."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Protocol

import confluent_kafka
from billing_kernel.errors import DomainError, Kind

from billing_runtime.events import Record

DELIVERY_MS_MAX = 60_000
_SETTINGS = {
    "enable.idempotence": True,
    "acks": "all",
    # A message that cannot be delivered stops the producer, so that no later one of its key overtakes it.
    "enable.gapless.guarantee": True,
    "message.timeout.ms": DELIVERY_MS_MAX,
    "linger.ms": 5,
    "compression.type": "lz4",
    "partitioner": "murmur2_random",
    "reconnect.backoff.max.ms": 1000,
    "log_level": 3,
}


class ProduceFailed(DomainError):
    """The broker did not take the whole batch; sending it again from its start is safe."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    reason: ClassVar[str] = "PRODUCE_FAILED"


class Producer(Protocol):
    """Sends batches in order. After a failure a prefix of each key's records may have arrived, never with gaps."""

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when every record is acknowledged. Raises ProduceFailed: then the same batch is sent again."""

    async def close(self) -> None: ...


class KafkaProducer:
    """Idempotent, acks=all. Rides out broker restarts of up to a minute by itself; later ones by a fresh producer."""

    def __init__(self, bootstrap_servers: str, delivery_ms_max: int = DELIVERY_MS_MAX) -> None:
        self._settings = {
            **_SETTINGS,
            "bootstrap.servers": bootstrap_servers,
            "message.timeout.ms": delivery_ms_max,
        }
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-producer")
        self._producer: Any = None
        self._closing = False

    async def send(self, records: Sequence[Record]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._send, records)

    async def close(self) -> None:
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown(wait=False)

    def _send(self, records: Sequence[Record]) -> None:
        failures: list[str] = []

        def delivered(error: Any, _message: Any) -> None:
            if error is not None:
                failures.append(str(error.name()))

        if self._producer is None:
            self._producer = confluent_kafka.Producer(self._settings)
        try:
            for record in records:
                self._produce(record, delivered)
            self._flush()
        except (confluent_kafka.KafkaException, BufferError) as error:
            failures.append(type(error).__name__)
        if failures or self._closing:
            self._drop()
            raise ProduceFailed("the broker did not take the batch", facts={"error": (failures or ["closing"])[0]})

    def _produce(self, record: Record, delivered: Any) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic, record.value, record.key, headers=record.headers, on_delivery=delivered
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def _flush(self) -> None:
        while self._producer.flush(0.5) > 0 and not self._closing:
            pass

    def _drop(self) -> None:
        """Forgets the producer and what it still holds: the next batch begins with a fresh one."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(0.5)
            self._producer = None
