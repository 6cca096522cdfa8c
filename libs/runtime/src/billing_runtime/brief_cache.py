"""Answers that may be a little old: nobody tells when they change, so each counts for a fixed time from its asking."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

from billing_runtime.cache_metrics import look_ups

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BriefCache(Generic[K, V]):
    """At most `size_max` answers, each for `ttl_s` from the moment it was asked for. Refusals are not kept.

    Askers of one key share one question; it runs in a task and a context of its own, so that each may give up alone.
    """

    def __init__(self, name: str, ttl_s: float, size_max: int = 10_000) -> None:
        self._ttl_s = ttl_s
        self._size_max = size_max
        self._asked: OrderedDict[K, tuple[float, asyncio.Task[V]]] = OrderedDict()
        self._look_ups = look_ups(name, "process")

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer, asked for at most `ttl_s` before this call. Raises what `ask` raises."""
        known = self._asked.get(key)
        if known is not None and monotonic() - known[0] < self._ttl_s:
            self._look_ups.hits += 1
            return await asyncio.shield(known[1])
        self._look_ups.misses += 1
        return await asyncio.shield(self._ask(key, ask))

    def _ask(self, key: K, ask: Callable[[], Awaitable[V]]) -> asyncio.Task[V]:
        async def asking() -> V:
            return await ask()

        task = asyncio.get_running_loop().create_task(asking(), context=contextvars.Context())
        self._asked[key] = (monotonic(), task)
        self._asked.move_to_end(key)
        if len(self._asked) > self._size_max:
            self._asked.popitem(last=False)
        task.add_done_callback(lambda done: self._answered(key, done))
        return task

    def _answered(self, key: K, done: asyncio.Task[V]) -> None:
        """A refusal goes at once: whoever asks next asks anew."""
        failed = done.cancelled() or done.exception() is not None
        known = self._asked.get(key)
        if failed and known is not None and known[1] is done:
            del self._asked[key]
