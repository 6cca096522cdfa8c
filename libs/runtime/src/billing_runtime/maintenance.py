"""Housekeeping of the runtime's own tables, as jobs: archive partitions, old inbox rows, expired idempotency keys."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from billing_runtime.database import Database
from billing_runtime.jobs import Job

ARCHIVE_DAYS = 7
INBOX_DAYS = 30  # outlives the archive, so that a replay never acts twice
EVERY_S = 3600.0

Hold = Callable[[AsyncConnection], Awaitable[date | None]]

_ROLL = "SELECT roll_outbox_archive(least((now() AT TIME ZONE 'UTC')::date - %s, %s::date))"
_INBOX = "DELETE FROM inbox WHERE received_at < now() - make_interval(days => %s)"
_KEYS = "DELETE FROM idempotency WHERE expires_at < now()"


def maintenance_jobs(database: Database, hold: Hold | None = None) -> list[Job]:
    """The jobs that every service runs. `hold(conn)`, asked in the worker role, may name a day from which on the
    archive must stay (the oldest open due); the archive never keeps less than a week."""

    async def archive() -> int:
        async with database.worker() as conn:
            keep_from = await hold(conn) if hold is not None else None
            return int((await conn.exec_driver_sql(_ROLL, (ARCHIVE_DAYS, keep_from))).scalar_one())

    async def inbox() -> int:
        await _execute(database, _INBOX, (INBOX_DAYS,))
        return 0

    async def idempotency() -> int:
        await _execute(database, _KEYS, ())
        return 0

    return [
        Job("outbox_archive", EVERY_S, archive),
        Job("inbox_purge", EVERY_S, inbox),
        Job("idempotency_purge", EVERY_S, idempotency),
    ]


async def _execute(database: Database, statement: str, arguments: tuple[Any, ...]) -> None:
    async with database.worker() as conn:
        await conn.exec_driver_sql(statement, arguments)
