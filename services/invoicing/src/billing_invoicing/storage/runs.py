"""`Runs` and the test clock on PostgreSQL, and what the jobs claim over all tenants."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from billing_kernel.money import Money
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import Select, func, insert, select, text, update

from billing_invoicing.domain.due import Outcome
from billing_invoicing.domain.errors import BillingRunNotFound
from billing_invoicing.domain.run import Mode, Run, Tally
from billing_invoicing.domain.test_clock import TestClock
from billing_invoicing.storage.mapping import clock_from_row, clock_to_row, run_from_row, run_to_row
from billing_invoicing.storage.tables import billing_run, settled_due, test_clock

RUNS_OF_TENANT_MAX = 4
CLAIMED_MAX = 64

# A fair pick: some runs of every tenant, the one that waited longest first.
_OPEN_RUNS = """
WITH open AS (
    SELECT tenant_id, run_id, worked_at, row_number() OVER (PARTITION BY tenant_id ORDER BY worked_at) AS place
    FROM billing_run WHERE state <> 'complete' AND retry_at <= clock_timestamp()
), chosen AS (
    SELECT tenant_id, run_id FROM open WHERE place <= %s ORDER BY worked_at LIMIT %s
)
UPDATE billing_run AS run SET worked_at = clock_timestamp() FROM chosen
WHERE run.tenant_id = chosen.tenant_id AND run.run_id = chosen.run_id AND run.state <> 'complete'
RETURNING run.tenant_id, run.run_id
"""
_MOVING_CLOCKS = (
    "SELECT tenant_id FROM test_clock WHERE phase <> 'standing' AND retry_at <= clock_timestamp()"
    " ORDER BY retry_at LIMIT %s"
)
_LATER = (
    "failures = failures + 1, retry_at = clock_timestamp() + least(30, 0.5 * 2 ^ least(failures, 8)) * interval '1 s'"
)
_POSTPONE_RUN = f"UPDATE billing_run SET {_LATER} WHERE tenant_id = %s AND run_id = %s"
_POSTPONE_CLOCK = f"UPDATE test_clock SET {_LATER} WHERE tenant_id = %s"
_NOW = text("clock_timestamp()")


class PostgresRuns:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def insert(self, run: Run) -> None:
        await self.tx.conn.execute(insert(billing_run).values(run_to_row(run)))

    async def get(self, run_id: UUID) -> Run:
        return await self._one(select(billing_run).where(billing_run.c.run_id == run_id))

    async def lock(self, run_id: UUID) -> Run:
        return await self._one(select(billing_run).where(billing_run.c.run_id == run_id).with_for_update())

    async def save(self, run: Run) -> None:
        changed = {**run_to_row(run), "failures": 0, "retry_at": _NOW}
        await self.tx.conn.execute(update(billing_run).where(billing_run.c.run_id == run.run_id).values(changed))

    async def tally(self, run_id: UUID) -> Tally:
        return (await self.tallies([run_id])).get(run_id, Tally())

    async def tallies(self, run_ids: Sequence[UUID]) -> Mapping[UUID, Tally]:
        """Of the runs of a page, in one statement."""
        due = settled_due.c
        query = (
            select(due.run_id, due.outcome, due.currency, func.count(), func.sum(due.total_minor))
            .where(due.run_id.in_(run_ids))
            .group_by(due.run_id, due.outcome, due.currency)
            .order_by(due.currency)
        )
        found: dict[UUID, Tally] = {}
        rows: Any = await self.tx.conn.execute(query)
        for run_id, outcome, currency, count, total in rows:
            found[run_id] = _counted(found.get(run_id, Tally()), Outcome(outcome), currency, count, int(total))
        return found

    async def modes(self, run_ids: Sequence[UUID]) -> Mapping[UUID, Mode]:
        if not run_ids:
            return {}
        query = select(billing_run.c.run_id, billing_run.c.mode).where(billing_run.c.run_id.in_(run_ids))
        return {run_id: Mode(mode) for run_id, mode in await self.tx.conn.execute(query)}

    async def _one(self, query: Select[Any]) -> Run:
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise BillingRunNotFound("no such billing run")
        return run_from_row(row)


def _counted(tally: Tally, outcome: Outcome, currency: str, count: int, total_minor: int) -> Tally:
    invoiced = outcome is Outcome.INVOICED
    return Tally(
        settled=tally.settled + count,
        parked=tally.parked + (count if outcome is Outcome.PARKED else 0),
        invoices=tally.invoices + (count if invoiced else 0),
        totals=(*tally.totals, Money(currency, total_minor)) if invoiced else tally.totals,
    )


class PostgresClocks:
    """The test clock of the tenant, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def get(self) -> TestClock | None:
        return await self._one(select(test_clock))

    async def lock(self) -> TestClock | None:
        return await self._one(select(test_clock).with_for_update())

    async def insert(self, clock: TestClock) -> None:
        await self.tx.conn.execute(insert(test_clock).values(clock_to_row(clock)))

    async def save(self, clock: TestClock) -> None:
        changed = {**clock_to_row(clock), "failures": 0, "retry_at": _NOW}
        await self.tx.conn.execute(update(test_clock).values(changed))

    async def _one(self, query: Select[Any]) -> TestClock | None:
        row = (await self.tx.conn.execute(query)).first()
        return None if row is None else clock_from_row(row)


async def open_runs(database: Database) -> list[tuple[UUID, UUID]]:
    """(tenant, run) of open runs to work on now, fair over tenants."""
    async with database.worker() as conn:
        rows: Any = await conn.exec_driver_sql(_OPEN_RUNS, (RUNS_OF_TENANT_MAX, CLAIMED_MAX))
        return [(row[0], row[1]) for row in rows]


async def postpone_run(database: Database, tenant_id: UUID, run_id: UUID) -> None:
    """After a failure: tried again later, each time twice as late, up to half a minute."""
    async with database.worker() as conn:
        await conn.exec_driver_sql(_POSTPONE_RUN, (tenant_id, run_id))


async def moving_clocks(database: Database) -> list[UUID]:
    """Tenants whose test clock is on its way."""
    async with database.worker() as conn:
        return list((await conn.exec_driver_sql(_MOVING_CLOCKS, (CLAIMED_MAX,))).scalars())


async def postpone_clock(database: Database, tenant_id: UUID) -> None:
    """As `postpone_run`."""
    async with database.worker() as conn:
        await conn.exec_driver_sql(_POSTPONE_CLOCK, (tenant_id,))
