"""Random lives on PostgreSQL: each call and boundary is previewed, and makes what its preview said."""

from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random

import subscriptions_builders as build
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder
from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.coupon import CouponTerms, Duration
from billing_subscriptions.domain.pause import PauseOrder
from billing_subscriptions.domain.policy import ChangeWhen, MinimumCommitment, PlanTerms, Settlement
from billing_subscriptions.domain.previewed_bill import bill_of
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import Change, PauseBilling
from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.create_subscription import Sold, create_subscription
from billing_subscriptions.operations.offer_coupons import create_coupon
from billing_subscriptions.operations.pause_subscription import pause_subscription
from billing_subscriptions.operations.preview_billing_due import preview_billing_due
from billing_subscriptions.operations.preview_cancelation import preview_cancelation
from billing_subscriptions.operations.preview_change import charges_of, preview_change
from billing_subscriptions.operations.preview_subscription import preview_subscription
from billing_subscriptions.operations.record_standing import Standing, record_paid, record_unpaid
from billing_subscriptions.operations.redeem_coupon import redeem_coupon
from billing_subscriptions.operations.remove_coupon import remove_coupon
from billing_subscriptions.operations.resume_subscription import resume_subscription
from billing_subscriptions.operations.run_renewals import renew_chunk
from billing_subscriptions.operations.undo_cancel_subscription import undo_cancel_subscription
from billing_subscriptions.operations.update_subscription import update_subscription
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc

PRORATIONS = [None, *map(Proration, Basis)]
COUPONS = {
    "tenth": CouponTerms("A tenth", Fraction(10), duration=Duration.FOREVER),
    "five": CouponTerms("Five", None, (Money("EUR", 500),), Duration.PERIODS, 3, item_codes=("seats",)),
    "once": CouponTerms("A quarter once", Fraction(25)),
}


class Overheard:
    """The dues of a transaction; what is opened is kept in `found`."""

    def __init__(self, dues, found):
        self.dues, self.found = dues, found

    async def add(self, dues):
        self.found += [each.step for each in dues]
        await self.dues.add(dues)


def bill_as_said(step):
    return step.at, step.due, step.charges, step.coupons, step.commitment, bill_of(step, "EUR")


def priced(charge):
    """A charge but for the ids of a subscription that a preview only thinks of."""
    return replace(charge, id=None, subscription_item_id=None)


def taken_off(coupon):
    return replace(coupon, redemption_id=None, redeemed_at=None)


class Life:
    """One subscription and the tenant's clock; what the rules refuse leaves it as it was."""

    def __init__(self, database, tenant_id, seed):
        self.database, self.tenant_id, self.random = database, tenant_id, Random(seed)
        self.now, self.subscription_id = utc("2026-01-05"), None
        self.seen = []  # (time, row) after each step

    async def begin(self):
        basic = build.plan(f"basic-{self.random.random()}")
        committed = PlanTerms(minimum_commitments=(MinimumCommitment(Money("EUR", 30000)),))
        terms = self.random.choice([PlanTerms(), committed])
        one = build.version([build.flat("49"), build.seat("10"), build.metered()], of=basic, terms=terms)
        two = build.version([build.flat("99"), build.seat("8"), build.metered()], of=basic, number=2)
        async with self.transaction() as uow:
            buyer = build.customer()
            await uow.customers.add(buyer, build.ADA)
            await uow.plans.add(basic)
            for each in (one, two):
                await uow.plans.add_version(each)
            self.versions = [one.id, two.id]
            for code, coupon in COUPONS.items():
                await create_coupon(uow, code, coupon, {})
        trial = self.random.choice([0, 0, 10])
        order = Order(trial_days=trial, payment_gated=not trial and self.random.random() < 0.2)
        codes = self.random.sample(list(COUPONS), self.random.choice([0, 1, 2]))
        async with self.reads() as reads:
            self.said = await preview_subscription(reads, buyer.id, Sold(one.id), order, codes)
        async with self.transaction() as uow:
            self.made = await create_subscription(uow, buyer.id, Sold(one.id), order, codes)
        self.subscription_id = self.made.subscription.id
        await self.look()

    async def first_bill(self):
        """What the preview of the start said is what the start bills, or the first boundary that bills something."""
        self.now, step = max(self.now, self.said.first_due_at), self.made.step
        if step.due is None:
            step = (await self.renewed())[0]
        bill = self.said.bill
        assert step.at == self.said.first_due_at
        assert list(map(priced, step.charges)) == list(map(priced, bill.charges))
        assert list(map(taken_off, step.coupons)) == list(map(taken_off, bill.coupons))
        assert step.commitment == bill.commitment
        assert bill_of(step, "EUR").net == bill.net
        await self.look()

    @asynccontextmanager
    async def reads(self):
        async with self.database.read(admin_call(self.tenant_id, at=self.now)) as tx:
            yield PostgresReads(tx)

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
            self.renew,
            self.redeem,
            self.remove,
            self.label,
            self.unpaid,
            self.paid,
        )
        with suppress(DomainError):
            await self.random.choice(deeds)()
        await self.look()

    async def look(self):
        async with self.reads() as reads:
            self.seen.append((self.now, await reads.subscription(self.subscription_id)))

    async def change(self):
        when = self.random.choice([None, ChangeWhen.NOW, ChangeWhen.PERIOD_END])
        wishes = Wishes(when, self.random.choice(PRORATIONS), self.random.choice([None, *Settlement]))
        await self.ordered(ChangeOrder(Change(plan_version_id=self.random.choice(self.versions)), wishes))

    async def quantity(self):
        quantity = Fraction(self.random.randint(0, 9), self.random.choice([1, 2]))
        await self.ordered(ChangeOrder(Change(quantities={"seats": quantity})))

    async def ordered(self, order):
        """The call makes what its preview said, and the preview leaves nothing."""
        async with self.reads() as reads:
            preview = await preview_change(reads, self.subscription_id, order)
        async with self.transaction() as uow:
            made = await change_subscription(uow, self.subscription_id, order, "", "because")
        assert made.subscription == preview.decided.subscription
        assert charges_of(made) == charges_of(preview.decided)

    async def cancel(self):
        at = self.random.choice([CancelAt.NOW, CancelAt.PERIOD_END, CancelAt.PERIOD_END])
        rules = self.random.choice(PRORATIONS), self.random.choice([None, *Settlement])
        order = CancelOrder(at, None, self.random.random() < 0.5, *rules)
        async with self.reads() as reads:
            preview = await preview_cancelation(reads, self.subscription_id, order)
        async with self.transaction() as uow:
            made = await cancel_subscription(uow, self.subscription_id, order, "")
        assert made.subscription == preview.decided.subscription
        assert preview.ends_at == made.subscription.ends_at
        if made.subscription.ended:
            assert (made.made, made.steps[-1].commitment) == (preview.charges, preview.commitment)

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
        """The first due of a run is the one that was foreseen."""
        async with self.reads() as reads:
            foreseen = await preview_billing_due(reads, self.subscription_id)
        billed = await self.renewed()
        if foreseen is None or foreseen.step.at > self.now:
            assert billed == []
        else:
            assert bill_as_said(billed[0]) == bill_as_said(foreseen.step)

    async def renewed(self):
        """The steps that billed, of all boundaries that are due."""
        found, claimed = [], 1
        while claimed:
            async with self.transaction() as uow:
                uow.dues = Overheard(uow.dues, found)
                claimed, _ = await renew_chunk(uow, uuid7(), self.now, 10, PriceBook())
        return found

    async def last_bill(self):
        """What is still to come, at its time."""
        async with self.reads() as reads:
            foreseen = await preview_billing_due(reads, self.subscription_id)
        if foreseen is not None:
            self.now = max(self.now, foreseen.step.at)
            await self.renew()
            await self.look()

    async def redeem(self):
        async with self.transaction() as uow:
            await redeem_coupon(uow, self.subscription_id, self.random.choice(list(COUPONS)), "")

    async def remove(self):
        coupons = self.seen[-1][1].coupons
        redemption_id = self.random.choice(coupons).redemption_id if coupons else uuid7()
        async with self.transaction() as uow:
            await remove_coupon(uow, self.subscription_id, redemption_id, "")

    async def label(self):
        async with self.transaction() as uow:
            await update_subscription(uow, self.subscription_id, None, {"a": str(self.random.random())}, "")

    async def unpaid(self):
        async with self.transaction() as uow:
            await record_unpaid(uow, [Standing(self.subscription_id, self.tenant_id, self.now)])

    async def paid(self):
        async with self.transaction() as uow:
            await record_paid(uow, [Standing(self.subscription_id, self.tenant_id, self.now, True)])
