"""kill -9 of the job that migrates, at each of its fault points: everybody moves once, and the money adds up.

`make test` plays one point, `make crash` (CRASH=all) all of them. A subscription goes to and fro between two versions.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from billing_kernel.ids import uuid7
from billing_runtime.database import Database
from billing_subscriptions.domain.migration import NewMigration
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.operations.create_migration import create_migration
from billing_subscriptions.storage.history import broken_rows
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.fleet import Fleet
from billing_testkit.tenants import admin_call

from tests.bench.subscribers import fee, plan_of, subscribe

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(300)]

POINTS = ("taken", "moved", "counted", "committed")
PLAYED = POINTS if os.environ.get("CRASH") == "all" else ("counted",)
SUBSCRIPTIONS = 1200  # three batches; the second pass of a point dies with one batch done
PATIENCE_S = 90.0
LOOK_S = 0.05
STATE = "SELECT state, counts FROM subscription_migration WHERE migration_id = %s"
RESULTS = """SELECT count(*), count(DISTINCT subscription_id), jsonb_build_array(sum(charges_minor), sum(credits_minor))
= (SELECT totals -> 'EUR' FROM subscription_migration WHERE migration_id = %(migration)s)
FROM subscription_migration_result WHERE migration_id = %(migration)s AND outcome = 'MIGRATED'"""
MOVED = """SELECT count(*) FROM subscription AS s WHERE tenant_id = %(tenant)s AND plan_version_id = %(to)s
AND (SELECT count(*) FROM subscription_change AS c WHERE c.tenant_id = s.tenant_id
     AND c.subscription_id = s.subscription_id AND c.kind = 'MIGRATED') = %(times)s"""
TOLD = """SELECT count(*) - count(DISTINCT (subject, sequence)) FROM outbox WHERE tenant_id = %(tenant)s
AND type LIKE '%%.Subscription%%'"""
CHARGES = """SELECT count(*) - count(DISTINCT charge ->> 'id') FROM subscription,
LATERAL jsonb_array_elements(pending) AS charge WHERE tenant_id = %(tenant)s"""


@dataclass
class Shop:
    """A tenant whose subscriptions are on `versions[0]`, and go to `versions[1]` next."""

    fleet: Fleet
    tenant: UUID
    versions: list[UUID]
    subscribed: list[UUID]
    times: int = 0

    def database(self) -> Database:
        return Database.open(self.fleet.databases["subscriptions"].database_url)

    async def ask_for_migration(self) -> UUID:
        database = self.database()
        try:
            async with database.begin(admin_call(self.tenant)) as tx:
                wanted = NewMigration((self.versions[0],), self.versions[1], when=ChangeWhen.NOW)
                return (await create_migration(PostgresUnitOfWork(tx), wanted, "user:alice")).id
        finally:
            await database.close()

    async def broken(self) -> list[UUID]:
        """Subscriptions whose row is not the fold of their history."""
        database = self.database()
        try:
            async with database.begin(admin_call(self.tenant)) as tx:
                return list(await broken_rows(tx))
        finally:
            await database.close()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    root = Path(tempfile.mkdtemp(prefix="billing-migration-"))
    with Fleet(root, ("postgres",), ("subscriptions",)) as fleet:
        yield asyncio.run(_opened(fleet))
    shutil.rmtree(root, ignore_errors=True)


async def _opened(fleet: Fleet) -> Shop:
    tenant, start = uuid7(), datetime.now(UTC) - timedelta(days=10)
    shop = Shop(fleet, tenant, [], [])
    database = shop.database()
    try:
        for code, amount in (("old", "49"), ("new", "79")):
            shop.versions.append(await plan_of(database, tenant, code, [fee(amount)], start))
        shop.subscribed = await subscribe(database, tenant, SUBSCRIPTIONS, shop.versions[0], start)
    finally:
        await database.close()
    return shop


@pytest.mark.parametrize("point", PLAYED)
def test_a_job_that_is_killed_moves_nobody_twice(shop: Shop, point: str) -> None:
    victim = shop.fleet.run("subscriptions", "jobs", fault=f"subscriptions.migration_{point}:2")
    migration_id = asyncio.run(shop.ask_for_migration())
    _wait(lambda: victim.exit_code is not None, f"{point} never struck")
    assert victim.exit_code == -signal.SIGKILL, victim.command.log.read_text(errors="replace")[-3000:]
    shop.fleet.end(victim)
    with psycopg.connect(shop.fleet.owner_dsn("subscriptions"), autocommit=True) as owner:
        state, counts = _one(owner, STATE, migration_id)
        done = 1000 if point == "committed" else 500
        assert (state, counts) == ("RUNNING", {"MIGRATED": done}), "what is counted is what was committed"
        heir = shop.fleet.run("subscriptions", "jobs")
        _wait(lambda: _one(owner, STATE, migration_id)[0] == "COMPLETE", "the next process did not go on")
        shop.fleet.end(heir)
        shop.times += 1
        names = {"tenant": shop.tenant, "migration": migration_id, "to": shop.versions[1], "times": shop.times}
        assert _one(owner, STATE, migration_id)[1] == {"MIGRATED": SUBSCRIPTIONS}
        assert _one(owner, RESULTS, names) == (SUBSCRIPTIONS, SUBSCRIPTIONS, True)
        assert _one(owner, MOVED, names) == (SUBSCRIPTIONS,)
        assert _one(owner, TOLD, names) == (0,), "each version of a subscription has one event"
        assert _one(owner, CHARGES, names) == (0,), "no charge is made twice"
    assert asyncio.run(shop.broken()) == []
    shop.versions.reverse()


def _one(owner: psycopg.Connection, query: str, arguments: Any) -> tuple[Any, ...]:
    found = owner.execute(query.encode(), [arguments] if isinstance(arguments, UUID) else arguments).fetchone()
    assert found is not None
    return found


def _wait(until: Any, complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, complaint
        time.sleep(LOOK_S)
