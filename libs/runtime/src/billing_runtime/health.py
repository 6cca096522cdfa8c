"""grpc.health.v1 from real checks on a timer. Peers are never checked: a sick neighbour must not take this one down.

"" and each service name: SERVING while every deciding check succeeds. "liveness": SERVING while the loop turns and the
process is not draining. "check/<name>": one check alone, also those that decide nothing (Kafka while serving).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from billing_runtime.metrics import CHECK_UP

EVERY_S = 2.0
TIMEOUT_S = 2.0
FAILURES_MAX = 2  # a check must fail this often in a row: one slow answer under load is no outage
LIVENESS = "liveness"
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

_log = structlog.get_logger("billing.health")


@dataclass(frozen=True)
class Check:
    """One thing that a service cannot do without. `probe` raises when it is not there; `decides` readiness or not."""

    name: str
    probe: Callable[[], Awaitable[None]]
    decides: bool = True


class Health:
    """The health of one process: `refresh` runs all checks once, `watch` does so for ever."""

    def __init__(self, service: str, checks: Sequence[Check], failures_max: int = FAILURES_MAX) -> None:
        self._service = service
        self._checks = tuple(checks)
        self._failures_max = failures_max
        self._failed = dict.fromkeys((check.name for check in checks), 0)
        self._names: tuple[str, ...] = ("",)
        self._servicer: Any = health.aio.HealthServicer()

    def add_to(self, server: grpc.aio.Server, names: Sequence[str]) -> None:
        """Serves grpc.health.v1 on `server` for the services `names`."""
        self._names = ("", *names)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def refresh(self) -> bool:
        """Runs every check at once and publishes what they say; True when ready."""
        await asyncio.gather(*(self._run(check) for check in self._checks))
        ready = all(self._up(check) for check in self._checks if check.decides)
        for check in self._checks:
            await self._set(f"check/{check.name}", self._up(check))
        for name in self._names:
            await self._set(name, ready)
        await self._set(LIVENESS, True)
        return ready

    async def watch(self, stop: asyncio.Event, every_s: float = EVERY_S) -> None:
        """Refreshes until `stop` is set."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)
            await self.refresh()

    async def drain(self) -> None:
        """NOT_SERVING for every name, from now on and whatever the checks say."""
        await self._servicer.enter_graceful_shutdown()

    def _up(self, check: Check) -> bool:
        return self._failed[check.name] < self._failures_max

    async def _run(self, check: Check) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await check.probe()
        except Exception as error:
            self._failed[check.name] += 1
            if self._failed[check.name] == self._failures_max:
                _log.warning("check_failed", check=check.name, problem=type(error).__name__)
        else:
            if not self._up(check):
                _log.info("check_recovered", check=check.name)
            self._failed[check.name] = 0
        CHECK_UP.labels(self._service, check.name).set(self._up(check))

    async def _set(self, name: str, good: bool) -> None:
        await self._servicer.set(name, _SERVING if good else _NOT_SERVING)
