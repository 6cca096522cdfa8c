"""What the operations need of the outside: Protocols, nothing else."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from billing_kernel.period import Period

from billing_usage.domain.event import Candidate, Key
from billing_usage.domain.ingestion import Batch
from billing_usage.domain.measuring import SingleEvent, Totals, Values
from billing_usage.domain.meter import Aggregation, Meter, MeterEvent
from billing_usage.domain.rating import Charge, Rating
from billing_usage.domain.stored_event import Statistics, StoredEvent
from billing_usage.domain.subscription import Customer, Price, Subject, Subscription

Response = TypeVar("Response")


class DuplicateFound(Exception):
    """`copy_events` met an identity that is stored already. The transaction is lost; the batch is stored anew with
    care."""


@dataclass(frozen=True, slots=True)
class Known:
    """What this service knows of a charge: version and subjects of its subscription (None, (): nothing), whether the
    item is metered, the price and its meter."""

    version: int | None
    subjects: Sequence[Subject]
    metered: bool
    price: Price | None
    meter_id: UUID | None
    aggregation: Aggregation | None


@dataclass(frozen=True, slots=True)
class Count:
    """What to add up: the events of one meter in one period that name one of the subjects."""

    meter_id: UUID
    subjects: Sequence[Subject]
    period: Period


@dataclass(frozen=True, slots=True)
class Counted:
    """Totals in request order, all of one instant, and that instant as the database names it."""

    totals: Sequence[Totals]
    snapshot: str


@dataclass(frozen=True, slots=True)
class CellCount:
    """What to add up by dimension: `known` are the values that mean anything, for each of the `dimensions`."""

    count: Count
    dimensions: Sequence[str]
    known: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CellsCounted:
    """Totals by dimension values in request order; all of one instant, and that instant."""

    cells: Sequence[Mapping[Values, Totals]]
    snapshot: str


@dataclass(frozen=True, slots=True)
class EventRead:
    """Which single events to read, with which of their properties."""

    count: Count
    properties: Sequence[str]


@dataclass(frozen=True, slots=True)
class EventsRead:
    """The events of one item in order of (time, source, id), and the instant of the reading."""

    events: Sequence[SingleEvent]
    snapshot: str


class EventReads(Protocol):
    """How events are read to be rated, inside one transaction."""

    async def count(self, counts: Sequence[Count]) -> Counted:
        """Adds up events, in request order."""

    async def cells(self, counts: Sequence[CellCount]) -> CellsCounted:
        """Adds up events by dimension values, in request order."""

    def events(self, reads: Sequence[EventRead], limit: int) -> AsyncIterator[EventsRead]:
        """An answer for each, in request order, its first `limit` events; one item's events are in memory at a time."""


class MeterStore(Protocol):
    """Meters inside one transaction of one tenant."""

    async def now(self) -> datetime: ...

    async def add_meter(self, meter: Meter) -> None:
        """Raises MeterCodeTaken."""

    async def lock_meter(self, meter_id: UUID) -> Meter:
        """Raises MeterNotFound."""

    async def save_meter(self, meter: Meter) -> None: ...

    async def publish(self, event: MeterEvent) -> None: ...

    async def answer(self, response: Response) -> Response:
        """Keeps the answer for the call's idempotency key, with the commit."""


class MeterReads(Protocol):
    """Plain reads of meters."""

    async def get_meter(self, meter_id: UUID) -> Meter:
        """Raises MeterNotFound."""

    async def list_meters(self, code: str, after: UUID | None, limit: int) -> Sequence[Meter]:
        """In order of creation; `code` "" means any."""

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]:
        """Those that exist, by code."""


class EventStore(Protocol):
    """Events inside one transaction of one tenant."""

    async def now(self) -> datetime: ...

    async def meter_codes(self, wanted: AbstractSet[str]) -> Mapping[str, UUID]:
        """Those of `wanted` that exist, and perhaps others."""

    async def find_keys(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        """Content hashes of the identities that are stored."""

    async def claim_keys(self, batch_id: UUID, candidates: Sequence[Candidate]) -> AbstractSet[Key]:
        """Stores those identities that are new, and answers them; waits for other transactions that store them."""

    async def copy_events(
        self, batch_id: UUID, candidates: Sequence[Candidate], meters: Mapping[str, UUID], *, claimed: bool
    ) -> None:
        """Stores events, and their identities unless they are claimed. Raises DuplicateFound."""

    async def add_batch(self, batch: Batch) -> None: ...


class RatingStore(EventReads, Protocol):
    """Ratings inside one transaction of one tenant."""

    async def frozen(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, Rating]:
        """The ratings that are frozen, by charge."""

    async def known(self, charges: Sequence[Charge]) -> Sequence[Known]:
        """In request order."""

    async def freeze(self, ratings: Sequence[tuple[Rating, str]]) -> Mapping[UUID, Rating]:
        """Stores ratings, each with the instant of its count; the answer holds, for each charge, the one that stands:
        another transaction may be first."""


class CopyStore(Protocol):
    """The copies of customers and subscriptions inside one transaction of one tenant."""

    async def lock_customers(self, customer_ids: Sequence[UUID]) -> Mapping[UUID, Customer]: ...

    async def save_customers(self, customers: Sequence[Customer]) -> None: ...

    async def save_subscriptions(self, subscriptions: Sequence[Subscription]) -> None:
        """A stored copy of the same or a newer version stands."""


class UsageReads(EventReads, Protocol):
    """Plain reads of usage (role customer: of one customer)."""

    async def now(self) -> datetime: ...

    async def subscription(self, subscription_id: UUID) -> tuple[Subscription, Sequence[Subject]]:
        """Raises SubscriptionNotFound."""

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]: ...

    async def get_event(self, source: str, event_id: str) -> StoredEvent:
        """Raises EventNotFound."""

    async def statistics(self) -> Statistics: ...


# Each opens one transaction of the call being served, which commits at the end of its block.
BeginMeters = Callable[[], AbstractAsyncContextManager[MeterStore]]
ReadMeters = Callable[[], AbstractAsyncContextManager[MeterReads]]
BeginEvents = Callable[[], AbstractAsyncContextManager[EventStore]]
ReadUsage = Callable[[], AbstractAsyncContextManager[UsageReads]]


class OpenRatings(Protocol):
    """Opens a transaction of the call being served; one that is not `final` cannot write."""

    def __call__(self, *, final: bool) -> AbstractAsyncContextManager[RatingStore]: ...
