"""One cache: values by (tenant, key), read through Valkey and the database, kept while the listener vouches for it."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from billing_runtime.cache_listener import Listener
from billing_runtime.cache_metrics import ENTRIES, LookUps, look_ups
from billing_runtime.cache_shared import SharedCache

V = TypeVar("V")
Key = tuple[UUID, str]
Load = Callable[[UUID, str], Awaitable[V]]

JOIN_S = 0.5  # without a lease, a read that began earlier is not joined: its answer might be older than promised
PROVEN_US = 1_000_000  # age of a value in Valkey that no change since can have been missed for
UNPROVEN_US = 400_000  # age of any other: with JOIN_S still less than a second
CHANGES_MAX = 10_000

_ABSENT: Any = object()
_log = structlog.get_logger("billing.cache")


@dataclass(frozen=True, slots=True)
class Codec(Generic[V]):
    """How values travel through Valkey. `decode` raises ValueError for bytes that are none."""

    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]


@dataclass(frozen=True, slots=True)
class Source(Generic[V]):
    """Where the values of a cache come from. `prefix` begins their names in Valkey; no codec keeps them out of it.
    `token`: how a key is told where its text is too long to be; None: as it is."""

    load: Load[V]
    codec: Codec[V] | None
    prefix: str
    token: Callable[[str], str] | None


@dataclass(slots=True)
class _Flight(Generic[V]):
    """One read under way; `changed` once anything may have made it old since it began."""

    began_s: float
    task: "asyncio.Task[V] | None" = None
    changed: bool = False


class Cache(Generic[V]):
    """Made by `Caches.cache`. At most `size_max` values; the ones that were not asked for longest go first."""

    def __init__(
        self,
        name: str,
        source: Source[V],
        topics: frozenset[str],
        size_max: int,
        listener: Listener,
        shared: SharedCache | None,
    ) -> None:
        self.name = name
        self.topics = topics
        self._source = source
        self._size_max = size_max
        self._listener = listener
        self._shared = shared if source.codec is not None else None
        self._entries: OrderedDict[Key, V] = OrderedDict()
        self._flights: dict[Key, _Flight[V]] = {}
        self._by_token: dict[Key, Key] = {}  # of what is kept or under way, where tokens are not the keys themselves
        self._changes: OrderedDict[Key, int] = OrderedDict()  # token -> database time by which its change was heard of
        self._changes_before_us = 0  # keys that are not among `_changes` any more may have changed until then
        self._look_ups: LookUps = look_ups(name, "process")
        self._shared_look_ups: LookUps = look_ups(name, "shared")
        ENTRIES.labels(name).set_function(lambda: len(self._entries))

    def peek(self, tenant_id: UUID, key: str) -> V | None:
        """The kept value if it counts, without any waiting; None sends the caller to `get`."""
        found: V = self._entries.get((tenant_id, key), _ABSENT)
        if found is _ABSENT or monotonic() >= self._listener.until_s:
            return None
        self._entries.move_to_end((tenant_id, key))
        self._look_ups.hits += 1
        return found

    async def get(self, tenant_id: UUID, key: str) -> V:
        """The value as it was at most a second before the call, or later. Raises what the loader raises."""
        found = self.peek(tenant_id, key)
        if found is not None:
            return found
        self._look_ups.misses += 1
        place = (tenant_id, key)
        flight = self._flights.get(place)
        if flight is None or self._is_late(flight):
            flight = self._depart(place)
        assert flight.task is not None
        return await asyncio.shield(flight.task)

    def latest(self, count: int) -> list[Key]:
        """The keys that were asked for last."""
        return [place for place, _ in zip(reversed(self._entries), range(count), strict=False)]

    def drop(self, tenant_id: UUID, tokens: Sequence[str]) -> None:
        """The rows behind the keys of these tokens have changed."""
        now_us = self._listener.latest_us() or 0
        for token in tokens:
            told = (tenant_id, token)
            self._changes[told] = now_us
            self._changes.move_to_end(told)
            place = told if self._source.token is None else self._by_token.pop(told, told)
            self._entries.pop(place, None)
            if place in self._flights:
                self._flights[place].changed = True
        self._forget_changes(now_us)

    def clear(self) -> None:
        """Anything may have changed."""
        self._entries.clear()
        self._by_token.clear()
        self._changes.clear()
        self._changes_before_us = self._listener.latest_us() or 0
        for flight in self._flights.values():
            flight.changed = True

    def _forget_changes(self, now_us: int) -> None:
        while self._changes:
            at_us = next(iter(self._changes.values()))
            if at_us > now_us - 2 * PROVEN_US and len(self._changes) <= CHANGES_MAX:
                return
            self._changes.popitem(last=False)
            self._changes_before_us = max(self._changes_before_us, at_us)

    def _is_late(self, flight: _Flight[V]) -> bool:
        return flight.changed or (not self._listener.alive and monotonic() - flight.began_s > JOIN_S)

    def _depart(self, place: Key) -> _Flight[V]:
        """A read in a task and a context of its own: whoever asked first may give up without the others."""
        flight = self._flights[place] = _Flight(monotonic())
        if self._source.token is not None:
            self._by_token[self._told(place)] = place
        loop = asyncio.get_running_loop()
        flight.task = loop.create_task(self._fly(place, flight), context=contextvars.Context())
        flight.task.add_done_callback(lambda done: self._landed(place, flight, done))
        return flight

    def _landed(self, place: Key, flight: _Flight[V], done: "asyncio.Task[V]") -> None:
        if self._flights.get(place) is flight:
            del self._flights[place]
            if place not in self._entries:
                self._by_token.pop(self._told(place), None)
        if not done.cancelled():
            done.exception()  # nobody may have waited to the end

    async def _fly(self, place: Key, flight: _Flight[V]) -> V:
        if self._shared is not None:
            found, proven = await self._from_shared(place)
            if found is not _ABSENT:
                self._keep(place, flight, found, proven)
                return found
        proven, read_us = self._listener.until_s > 0, self._listener.earliest_us()
        value = await self._source.load(*place)
        self._keep(place, flight, value, proven)
        if read_us is not None and not flight.changed:
            await self._to_shared(place, read_us, value)
        return value

    def _keep(self, place: Key, flight: _Flight[V], value: V, proven: bool) -> None:
        """Only a value of which no change can have been missed: the listener has listened since before its read."""
        if not proven or flight.changed:
            return
        self._entries[place] = value
        self._entries.move_to_end(place)
        if len(self._entries) > self._size_max:
            coldest, _ = self._entries.popitem(last=False)
            self._by_token.pop(self._told(coldest), None)

    def _told(self, place: Key) -> Key:
        """How a change of the key is told."""
        token = self._source.token
        return place if token is None else (place[0], token(place[1]))

    async def _from_shared(self, place: Key) -> tuple[V, bool]:
        """The value in Valkey, if it is young enough, and whether no change since its read can have been missed."""
        assert self._shared is not None
        raw = await self._shared.get(self._shared_name(place))
        now_us = self._listener.latest_us()
        if raw is None or now_us is None:
            return self._missed()
        read_us = int.from_bytes(raw[:8], "big")
        proven = self._listener.alive and read_us > self._listener.since_us
        changed = self._changes.get(self._told(place), self._changes_before_us) >= read_us
        if changed or not 0 <= now_us - read_us <= (PROVEN_US if proven else UNPROVEN_US):
            return self._missed()
        assert self._source.codec is not None
        try:
            value = self._source.codec.decode(raw[8:])
        except ValueError:
            return self._missed()
        self._shared_look_ups.hits += 1
        return value, proven

    async def _to_shared(self, place: Key, read_us: int, value: V) -> None:
        codec = self._source.codec
        if self._shared is not None and codec is not None:
            await self._shared.put(self._shared_name(place), read_us.to_bytes(8, "big") + codec.encode(value))

    def _missed(self) -> tuple[V, bool]:
        self._shared_look_ups.misses += 1
        return _ABSENT, False

    def _shared_name(self, place: Key) -> str:
        return f"{self._source.prefix}:{place[0]}:{place[1]}"
