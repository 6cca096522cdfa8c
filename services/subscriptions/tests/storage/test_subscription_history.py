"""The history on PostgreSQL: random lives fold to their rows, a row at any time, and the verifier."""

import json
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from random import Random

import pytest
import subscriptions_builders as build
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder
from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import SubscriptionNotFound
from billing_subscriptions.domain.history import fold
from billing_subscriptions.domain.pause import PauseOrder
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import Change, PauseBilling
from billing_subscriptions.domain.timeline import summary
from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.create_subscription import Sold, create_subscription
from billing_subscriptions.operations.pause_subscription import pause_subscription
from billing_subscriptions.operations.preview_change import charges_of, preview_change
from billing_subscriptions.operations.record_standing import Standing, record_paid, record_unpaid
from billing_subscriptions.operations.resume_subscription import resume_subscription
from billing_subscriptions.operations.run_renewals import renew_chunk
from billing_subscriptions.operations.undo_cancel_subscription import undo_cancel_subscription
from billing_subscriptions.operations.update_subscription import update_subscription
from billing_subscriptions.storage.history import broken_rows
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.subscription_rows import COLUMNS, changes
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc

LIVES = 10
STEPS = 16


class Life:
    """One subscription and the tenant's clock; what the rules refuse leaves it as it was."""

    def __init__(self, database, tenant_id, seed):
        self.database, self.tenant_id, self.random = database, tenant_id, Random(seed)
        self.now, self.subscription_id = utc("2026-01-05"), None
        self.seen = []  # (time, row) after each step

    async def begin(self):
        basic = build.plan(f"basic-{self.random.random()}")
        one = build.version([build.flat("49"), build.seat("10"), build.metered()], of=basic)
        two = build.version([build.flat("99"), build.seat("8"), build.metered()], of=basic, number=2)
        async with self.transaction() as uow:
            buyer = build.customer()
            await uow.customers.add(buyer, build.ADA)
            await uow.plans.add(basic)
            for each in (one, two):
                await uow.plans.add_version(each)
            self.versions = [one.id, two.id]
            trial = self.random.choice([0, 0, 10])
            made = await create_subscription(uow, buyer.id, Sold(one.id), Order(trial_days=trial))
        self.subscription_id = made.subscription.id
        await self.look()

    def transaction(self):
        call = admin_call(self.tenant_id, at=self.now)
        database = self.database

        class Opened:
            async def __aenter__(self):
                self.context = database.begin(call)
                return PostgresUnitOfWork(await self.context.__aenter__())

            async def __aexit__(self, *error):
                return await self.context.__aexit__(*error)

        return Opened()

    async def step(self):
        self.now += timedelta(hours=self.random.randint(1, 24 * 20), microseconds=self.random.randint(0, 999_999))
        deeds = (
            self.change,
            self.change,
            self.quantity,
            self.cancel,
            self.undo,
            self.pause,
            self.resume,
            self.renew,
            self.label,
            self.unpaid,
            self.paid,
        )
        with suppress(DomainError):
            await self.random.choice(deeds)()
        await self.look()

    async def look(self):
        async with self.database.read(admin_call(self.tenant_id, at=self.now)) as tx:
            self.seen.append((self.now, await PostgresReads(tx).subscription(self.subscription_id)))

    async def change(self):
        when = self.random.choice([None, ChangeWhen.NOW, ChangeWhen.PERIOD_END])
        wishes = Wishes(when, None, self.random.choice([None, *Settlement]))
        await self.ordered(ChangeOrder(Change(plan_version_id=self.random.choice(self.versions)), wishes))

    async def quantity(self):
        quantity = Fraction(self.random.randint(0, 9), self.random.choice([1, 2]))
        await self.ordered(ChangeOrder(Change(quantities={"seats": quantity})))

    async def ordered(self, order):
        """The call makes what its preview said, and the preview leaves nothing."""
        async with self.database.read(admin_call(self.tenant_id, at=self.now)) as tx:
            preview = await preview_change(PostgresReads(tx), self.subscription_id, order)
        async with self.transaction() as uow:
            made = await change_subscription(uow, self.subscription_id, order, "", "because")
        assert made.subscription == preview.decided.subscription
        assert charges_of(made) == charges_of(preview.decided)

    async def cancel(self):
        at = self.random.choice([CancelAt.NOW, CancelAt.PERIOD_END, CancelAt.PERIOD_END])
        order = CancelOrder(at, credit=self.random.random() < 0.5)
        async with self.transaction() as uow:
            await cancel_subscription(uow, self.subscription_id, order, "")

    async def undo(self):
        async with self.transaction() as uow:
            await undo_cancel_subscription(uow, self.subscription_id, "")

    async def pause(self):
        billing, until = self.random.choice(list(PauseBilling)), self.now + timedelta(days=self.random.randint(1, 50))
        order = PauseOrder(billing, resume_at=self.random.choice([None, until]))
        async with self.transaction() as uow:
            await pause_subscription(uow, self.subscription_id, order, "")

    async def resume(self):
        async with self.transaction() as uow:
            await resume_subscription(uow, self.subscription_id, "")

    async def renew(self):
        for _ in range(3):
            async with self.transaction() as uow:
                await renew_chunk(uow, uuid7(), self.now, 10, PriceBook())

    async def label(self):
        async with self.transaction() as uow:
            await update_subscription(uow, self.subscription_id, None, {"a": str(self.random.random())}, "")

    async def unpaid(self):
        async with self.transaction() as uow:
            await record_unpaid(uow, [Standing(self.subscription_id, self.tenant_id, self.now)])

    async def paid(self):
        async with self.transaction() as uow:
            await record_paid(uow, [Standing(self.subscription_id, self.tenant_id, self.now, True)])


@pytest.mark.parametrize("seed", range(LIVES))
async def test_random_lives_fold_to_their_rows(database, tenant_id, seed):
    life = Life(database, tenant_id, seed)
    await life.begin()
    for _ in range(STEPS):
        await life.step()
    async with database.read(admin_call(tenant_id)) as tx:
        reads = PostgresReads(tx)
        assert await broken_rows(tx) == []
        records = await reads.changes(life.subscription_id, after=0, limit=1000)
        row = life.seen[-1][1]
        assert [each.version for each in records] == list(range(1, row.version + 1))
        as_written = {name: after for name, (_, after) in changes(None, row).items()}
        assert fold(records) == json.loads(json.dumps(as_written))
        assert all(summary(each).endswith(".") for each in records)
        for at, then in life.seen:  # what was not claimed yet when it was looked at is known now
            was = await reads.subscription(life.subscription_id, at)
            assert (was.effective_at <= at, was.version >= then.version) == (True, True)
            assert was == then or was.version > then.version
        with pytest.raises(SubscriptionNotFound):
            await reads.subscription(life.subscription_id, utc("2026-01-04"))


async def test_the_first_entry_names_every_column(database, tenant_id):
    life = Life(database, tenant_id, 1)
    await life.begin()
    async with database.read(admin_call(tenant_id)) as tx:
        (first,) = await PostgresReads(tx).changes(life.subscription_id, after=0, limit=10)
        query = "SELECT attname FROM pg_attribute WHERE attrelid = 'subscription'::regclass AND attnum > 0"
        names = set((await tx.conn.exec_driver_sql(query)).scalars())
    assert set(first.changed) == {column.name for column in COLUMNS} == names - {"tenant_id"}
    assert (first.kind, first.actor, first.version) == ("CREATED", "user:alice", 1)


async def test_a_row_that_was_changed_by_hand_is_found(database, tenant_id):
    life = Life(database, tenant_id, 2)
    await life.begin()
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.exec_driver_sql("UPDATE subscription SET period_billed_minor = 7")
        assert await broken_rows(tx) == [life.subscription_id]
        assert await broken_rows(tx, [uuid7()]) == []
