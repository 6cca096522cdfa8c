"""The mesh in one process: outbox rows of databases go straight into processors until nothing moves."""

from collections import defaultdict
from collections.abc import Sequence

from billing_runtime.consumer import Consumer, Processor
from billing_runtime.database import Database
from billing_runtime.events import Received, Record, received_of
from billing_runtime.relay import Relay


class MemoryProducer:
    """The `Producer` port in memory: `records` in the order of sending. `fail_next` makes the next sends fail."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fail_next = 0

    async def send(self, records: Sequence[Record]) -> None:
        from billing_runtime.producer import ProduceFailed

        if self.fail_next > 0:
            self.fail_next -= 1
            raise ProduceFailed("the test wants this batch to fail")
        self.records += records

    async def close(self) -> None:
        return None

    def take(self) -> list[Record]:
        """What was sent since the last call."""
        taken, self.records = self.records, []
        return taken


class Mesh:
    """`databases` publish, `consumers` listen, each in the database it is paired with. No broker, no sleeping."""

    def __init__(self, databases: Sequence[Database], consumers: Sequence[tuple[Database, Consumer]]) -> None:
        self._bus = MemoryProducer()
        self._relays = [Relay(database, self._bus) for database in databases]
        self._listeners: dict[str, list[Processor]] = defaultdict(list)
        for database, consumer in consumers:
            processor = Processor(database, consumer)
            for topic in consumer.topics:
                self._listeners[topic].append(processor)
        self.delivered: list[Received] = []

    async def settle(self, rounds_max: int = 1000) -> list[Received]:
        """Delivers until every outbox is empty and returns the events of this call, in order.

        Raises the refusal that stops a consumer for the moment, and AssertionError when events never end.
        """
        before = len(self.delivered)
        for _ in range(rounds_max):
            if await self._relay() == 0:
                return self.delivered[before:]
            await self._deliver()
        raise AssertionError(f"still not quiet after {rounds_max} rounds")

    async def close(self) -> None:
        for relay in self._relays:
            await relay.close()

    async def _relay(self) -> int:
        return sum([await relay.step() for relay in self._relays])

    async def _deliver(self) -> None:
        events = [received_of(record.topic, record.key, record.value, record.headers) for record in self._bus.take()]
        self.delivered += events
        batches: dict[Processor, list[Received]] = defaultdict(list)
        for event in events:
            for processor in self._listeners[event.topic]:
                batches[processor].append(event)
        for processor, batch in batches.items():
            await processor.process(batch)
