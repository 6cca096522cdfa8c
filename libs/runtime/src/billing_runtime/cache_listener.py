"""What tells a process that cached rows have changed: one connection that LISTENs, and the lease that it proves.

PostgreSQL delivers notifications in the order of commits. A beat is a notification to oneself: when the beat that was
sent at `s` is back, every change that was committed before `s` has been heard of. So for LEASE_S from `s` what is kept
cannot be older than that. No beat, no lease: then nothing that is kept counts, and every read goes to the database.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import make_url

CHANNEL = "billing_cache"
BEAT_S = 0.2
LEASE_S = 0.8
SILENT_S = 2.0  # a connection whose beat takes longer than this is given up
RETRY_S = (0.1, 0.5, 1.0, 2.0)

Heard = Callable[[str, UUID, Sequence[str]], None]  # topic, tenant, keys
_BEAT = "SELECT pg_notify(%s, %s), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_log = structlog.get_logger("billing.cache")


@dataclass(frozen=True, slots=True)
class _Sight:
    """One look at the database's clock: microseconds, between the monotonic instants `sent_s` and `got_s`."""

    database_us: int
    sent_s: float
    got_s: float


class Listener:
    """Runs until it is cancelled, over any number of connections. `lost` is called whenever changes may be missed."""

    def __init__(self, database_url: str, heard: Heard, lost: Callable[[], None]) -> None:
        self._dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._heard = heard
        self._lost = lost
        self.application = f"billing_cache_{uuid4().hex[:16]}"  # how the connection is called in pg_stat_activity
        self._beats = f"billing_beat_{uuid4().hex}"
        self._sight: _Sight | None = None
        self._sent: dict[str, float] = {}
        self.until_s = 0.0
        self.since_us = 0
        self.first_beat = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether what is kept counts."""
        return monotonic() < self.until_s

    def latest_us(self) -> int | None:
        """The database's clock is at most this now; None before the first look at it."""
        sight = self._sight
        return None if sight is None else sight.database_us + int((monotonic() - sight.sent_s) * 1e6) + 1

    def earliest_us(self) -> int | None:
        """The database's clock is at least this now."""
        sight = self._sight
        return None if sight is None else sight.database_us + int((monotonic() - sight.got_s) * 1e6)

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                await self._connected()
            except Exception as error:  # whatever it is: without a listener nothing kept counts, and it tries again
                _log.warning("cache_listener_lost", problem=type(error).__name__)
                failures = 0 if self.until_s else failures + 1
            finally:
                self._lapse()
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])

    async def _connected(self) -> None:
        async with asyncio.timeout(SILENT_S):
            conn = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=2, application_name=self.application
            )
        try:
            async with asyncio.timeout(SILENT_S):
                await conn.execute("SET synchronous_commit = off")
                for channel in (CHANNEL, self._beats):
                    await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._sent.clear()
            self._lost()
            await self._look(conn)
            self.since_us = self.latest_us() or 0
            while True:
                await self._beat(conn)
        finally:
            with suppress(psycopg.Error, OSError):
                await conn.close()

    async def _beat(self, conn: psycopg.AsyncConnection[Any]) -> None:
        await self._look(conn)
        async for note in conn.notifies(timeout=BEAT_S):
            if note.channel == self._beats:
                self._proven(note.payload)
            else:
                self._tell(note.payload)
        if self._sent and monotonic() - next(iter(self._sent.values())) > SILENT_S:
            raise TimeoutError

    async def _look(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Sends a beat and reads the database's clock on the way."""
        sent_s, beat = monotonic(), uuid4().hex
        self._sent[beat] = sent_s
        async with asyncio.timeout(SILENT_S):
            row = await (await conn.execute(_BEAT, (self._beats, beat))).fetchone()
        assert row is not None
        self._sight = _Sight(row[1], sent_s, monotonic())

    def _proven(self, beat: str) -> None:
        sent_s = self._sent.pop(beat, None)
        if sent_s is not None:
            self.until_s = sent_s + LEASE_S
            self.first_beat.set()

    def _tell(self, payload: str) -> None:
        try:
            topic, tenant, *keys = payload.split(" ")
            tenant_id = UUID(tenant)
        except ValueError:  # not one of ours
            self._lost()
        else:
            self._heard(topic, tenant_id, keys)

    def _lapse(self) -> None:
        self.until_s = 0.0
        self._lost()
