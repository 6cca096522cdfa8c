"""The mesh in one process: outbox rows of databases go straight into processors until nothing moves."""

from collections.abc import Sequence

from billing_kernel.errors import DomainError
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
    """`databases` publish, `consumers` listen, each in the database it is paired with. No broker, no sleeping.

    `copies` is how often every event is delivered, as a bus that delivers at least once may do.
    """

    def __init__(
        self, databases: Sequence[Database], consumers: Sequence[tuple[Database, Consumer]], copies: int = 1
    ) -> None:
        self._bus = MemoryProducer()
        self._relays = [Relay(database, self._bus) for database in databases]
        self.processors = [Processor(database, consumer) for database, consumer in consumers]
        self.copies = copies
        self._waiting: dict[Processor, list[Received]] = {processor: [] for processor in self.processors}
        self.delivered: list[Received] = []

    async def settle(self, rounds_max: int = 1000) -> list[Received]:
        """Delivers until every outbox is empty and returns the events of this call, in order.

        What a consumer cannot do for the moment waits, in order, while the others go on. Raises its refusal when
        nothing else moves any more, and AssertionError when events never end.
        """
        before = len(self.delivered)
        for _ in range(rounds_max):
            relayed = await self._relay()
            if relayed == 0 and not any(self._waiting.values()):
                return self.delivered[before:]
            refusal = await self._deliver(self._taken())
            if refusal is not None and relayed == 0:
                raise refusal
        raise AssertionError(f"still not quiet after {rounds_max} rounds")

    async def redeliver(self, events: Sequence[Received]) -> None:
        """Delivers events that were delivered before once more, as a bus that lost its offsets does."""
        refusal = await self._deliver(events)
        if refusal is not None:
            raise refusal

    async def close(self) -> None:
        for relay in self._relays:
            await relay.close()

    async def _relay(self) -> int:
        return sum([await relay.step() for relay in self._relays])

    def _taken(self) -> list[Received]:
        records = self._bus.take()
        events = [received_of(record.topic, record.key, record.value, record.headers) for record in records]
        self.delivered += events
        return events

    async def _deliver(self, events: Sequence[Received]) -> DomainError | None:
        """The first refusal for the moment, if there was one; what it held back waits."""
        refusal: DomainError | None = None
        for processor in self.processors:
            heard = [event for event in events if event.topic in processor.consumer.topics]
            batch = self._waiting[processor] + heard * self.copies
            if batch:
                outcome = await processor.attempt(batch)
                self._waiting[processor] = outcome.unfinished
                refusal = refusal or outcome.error
        return refusal
