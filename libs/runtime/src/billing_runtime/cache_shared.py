"""The level that processes share: Valkey or Redis. It may be slow, empty, wrong in its mind or gone: that is a miss."""

import asyncio
from time import monotonic

import structlog
from prometheus_client import Counter

from billing_runtime.metrics import REGISTRY

LIMIT_S = 0.1
QUIET_S = 1.0  # how long nobody asks after a failure
TTL_MS = 1000
CONNECTIONS_MAX = 16

FAILURES = Counter("billing_cache_shared_failures", "Times the shared cache did not answer", registry=REGISTRY)
_log = structlog.get_logger("billing.cache")


class SharedCache:
    """Bytes by name for at most TTL_MS. Never raises; after a failure it is left alone for QUIET_S."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # only where a cache is configured
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._redis = Redis.from_url(
            url,
            socket_timeout=LIMIT_S,
            socket_connect_timeout=LIMIT_S,
            max_connections=CONNECTIONS_MAX,
            retry=Retry(NoBackoff(), 0),
        )
        self._quiet_until_s = 0.0

    async def get(self, name: str) -> bytes | None:
        if monotonic() < self._quiet_until_s:
            return None
        try:
            async with asyncio.timeout(LIMIT_S):
                found = await self._redis.get(name)
        except Exception as error:  # whatever a driver may raise about a broken server
            self._failed(error)
            return None
        return found if isinstance(found, bytes) else None

    async def put(self, name: str, value: bytes) -> None:
        if monotonic() < self._quiet_until_s:
            return
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._redis.set(name, value, px=TTL_MS)
        except Exception as error:
            self._failed(error)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._redis.aclose()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._quiet_until_s = monotonic() + QUIET_S
        FAILURES.inc()
        _log.warning("cache_shared_failed", problem=type(error).__name__)
