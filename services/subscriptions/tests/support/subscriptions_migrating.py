"""A shop whose subscriptions wait to be migrated: two versions of a plan and some customers, on real PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_runtime.database import Database
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.migration import Migration, NewMigration, Outcome, Result, Total
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.start import Order, start
from billing_subscriptions.domain.step import Offers
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.create_migration import create_migration
from billing_subscriptions.operations.migrate_batch import migrate_batch
from billing_subscriptions.storage.migration_reads import PostgresMigrationReads
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc

START, MIDDLE = utc("2026-01-01"), utc("2026-01-16T12:00")  # the second is half of the month later


@dataclass
class Shop:
    """The tenant at `now`; OLD costs 49.00 EUR a month in advance, NEW 79.00."""

    database: Database
    tenant_id: UUID
    old: PlanVersion
    new: PlanVersion
    buyer: Customer
    now: Any = MIDDLE

    @classmethod
    async def opened(cls, database: Database, tenant_id: UUID, *, new: PlanVersion | None = None) -> "Shop":
        plan = build.plan()
        old = build.version([build.flat("49")], of=plan)
        made = new or build.version([build.flat("79")], of=plan)
        made = replace(made, number=2, plan_id=plan.id)
        shop = cls(database, tenant_id, old, made, build.customer())
        async with shop.begin(START)() as uow:
            await uow.customers.add(shop.buyer, build.ADA)
            await uow.plans.add(plan)
            await uow.plans.add_version(old)
            await uow.plans.add_version(made)
        return shop

    def begin(self, at: Any = None) -> Callable[[], AbstractAsyncContextManager[PostgresUnitOfWork]]:
        """Transactions of Alice, at `now` unless another time is given."""

        @asynccontextmanager
        async def begun() -> AsyncIterator[PostgresUnitOfWork]:
            async with self.database.begin(admin_call(self.tenant_id, at=at or self.now)) as tx:
                yield PostgresUnitOfWork(tx)

        return begun

    async def add_version(self, version: PlanVersion, number: int) -> PlanVersion:
        made = replace(version, number=number, plan_id=self.old.plan_id)
        async with self.begin()() as uow:
            await uow.plans.add_version(made)
        return made

    async def subscribe(
        self, count: int = 1, *, to: PlanVersion | None = None, currency: str = "EUR", **order: Any
    ) -> list[UUID]:
        """Ids in their order; they start at START unless the order says otherwise."""
        version = (to or self.old).in_currency(currency)
        wanted = Order(**{"start_at": START, **order})
        steps = [
            start(
                wanted,
                self.buyer,
                version,
                Offers({version.id: version}),
                PriceBook(),
                subscription_id=uuid7(),
                now=START,
            )
            for _ in range(count)
        ]
        async with self.begin(START)() as uow:
            await uow.subscriptions.write(steps)
        return sorted(step.after.id for step in steps)

    async def migration(self, *sources: PlanVersion, to: PlanVersion | None = None, **fields: Any) -> UUID:
        """A migration from the old to the new version, as Alice asks for it."""
        wanted = NewMigration(tuple(each.id for each in sources or (self.old,)), (to or self.new).id, **fields)
        async with self.begin()() as uow:
            return (await create_migration(uow, wanted, "user:alice")).id

    async def finish(self, migration_id: UUID, size: int = 500) -> Migration:
        while await migrate_batch(self.begin(), migration_id, size):
            pass
        return await self.read(migration_id)

    async def read(self, migration_id: UUID) -> Migration:
        async with self.database.read(admin_call(self.tenant_id)) as tx:
            return await PostgresMigrationReads(tx).migration(migration_id)

    async def results(self, migration_id: UUID, outcome: Outcome | None = None) -> Sequence[Result]:
        async with self.database.read(admin_call(self.tenant_id)) as tx:
            reads = PostgresMigrationReads(tx)
            return await reads.results(migration_id, outcome=outcome, after=None, limit=1000)

    async def subscription(self, subscription_id: UUID) -> Subscription:
        async with self.database.read(admin_call(self.tenant_id)) as tx:
            return await PostgresReads(tx).subscription(subscription_id)

    async def ask(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the tenant, as tuples."""
        async with self.database.begin(admin_call(self.tenant_id)) as tx:
            return await (await tx.raw.execute(query, arguments)).fetchall()

    async def content(self) -> list[Any]:
        """All that a migration could change, as text."""
        tables = ("subscription", "subscription_change", "billing_due", "outbox")
        return [await self.ask(f"SELECT t::text FROM {table} AS t ORDER BY 1") for table in tables]


def euros(charged_minor: int, credited_minor: int) -> Total:
    return Total(Money("EUR", charged_minor), Money("EUR", credited_minor))
