"""Read-through caches: entries of the process, then Valkey, then the database. Never more than a second behind it.

    caches = Caches("subscriptions", database_url, redis_url)
    plans = caches.cache("plan_version", load, topics=["plan_version.plan_version_id"], codec=codec)
    await plans.get(tenant_id, str(version_id))

`load(tenant_id, key)` reads committed rows, for the whole tenant; what it raises reaches the caller and is not kept.
An entry counts while the listener's lease lasts (`cache_listener`) and until a notification names its key; tables send
those by themselves (`cache_triggers`). What Valkey holds carries the database's time of its read and counts for a
second from it at most. Without a lease every answer is read anew.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import structlog

from billing_runtime.cache_entries import Cache, Codec, Load, Source
from billing_runtime.cache_listener import Listener
from billing_runtime.cache_shared import SharedCache

__all__ = ["Cache", "Caches", "Codec", "Hot"]

V = TypeVar("V")
Hot = tuple[str, UUID, str]  # cache, tenant, key

SIZE_MAX = 10_000
OPEN_S = 1.0
WARM_S = 3.0
WARM_AT_ONCE = 4

_log = structlog.get_logger("billing.cache")


class Caches:
    """The caches of one process, their listener and their connection to Valkey (none without `redis_url`)."""

    def __init__(self, service: str, database_url: str, redis_url: str = "") -> None:
        self._service = service
        self._caches: dict[str, Cache[Any]] = {}
        self.listener = Listener(database_url, self._heard, self._forget)
        self._shared = SharedCache(redis_url) if redis_url else None
        self._task: asyncio.Task[None] | None = None

    def cache(
        self,
        name: str,
        load: Load[V],
        topics: Sequence[str],
        codec: Codec[V] | None = None,
        size_max: int = SIZE_MAX,
        token: Callable[[str], str] | None = None,
    ) -> Cache[V]:
        """`topics`: "<table>.<column>" of the rows that a value is made of; what they tell are the keys of the cache,
        or their tokens (`key_of_text`). Without a codec values stay in the process. A value is never None."""
        assert name not in self._caches
        source = Source(load, codec, f"billing:{self._service}:{name}", token)
        made = Cache(name, source, frozenset(topics), size_max, self.listener, self._shared)
        self._caches[name] = made
        return made

    async def open(self) -> None:
        """Begins to listen, and waits a moment for the first lease. Without one everything works, uncached."""
        self._task = asyncio.create_task(self.listener.run())
        try:
            async with asyncio.timeout(OPEN_S):
                await self.listener.first_beat.wait()
        except TimeoutError:
            _log.warning("cache_without_lease")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._shared is not None:
            await self._shared.close()

    async def warm(self, wanted: Iterable[Hot]) -> int:
        """Reads entries ahead, for WARM_S at most; how many. What cannot be read is left out."""
        queue, done = iter(list(wanted)), 0

        async def worker() -> None:
            nonlocal done
            for name, tenant_id, key in queue:
                warmed = await self._warmed(name, tenant_id, key)
                done += warmed  # `done += await ...` would lose what the others did meanwhile

        try:
            async with asyncio.timeout(WARM_S):
                await asyncio.gather(*(worker() for _ in range(WARM_AT_ONCE)))
        except TimeoutError:
            _log.warning("cache_warming_cut_short", entries=done)
        return done

    def hottest(self, count: int) -> list[Hot]:
        """The entries that were asked for last, at most `count` of each cache: what a new process should warm."""
        caches = self._caches.values()
        return [(cache.name, *place) for cache in caches for place in cache.latest(count)]

    async def _warmed(self, name: str, tenant_id: UUID, key: str) -> bool:
        cache = self._caches.get(name)
        if cache is None:
            return False
        try:
            await cache.get(tenant_id, key)
        except Exception as error:
            _log.debug("cache_not_warmed", cache=name, problem=type(error).__name__)
            return False
        return True

    def _heard(self, topic: str, tenant_id: UUID, keys: Sequence[str]) -> None:
        for cache in self._caches.values():
            if topic in cache.topics:
                cache.drop(tenant_id, keys)

    def _forget(self) -> None:
        for cache in self._caches.values():
            cache.clear()
