"""Ten redeem the last coupons at once, on PostgreSQL: the limits hold, in total and per customer."""

import asyncio
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.coupon import CouponTerms, Duration, create
from billing_subscriptions.domain.errors import ExternalIdTaken
from billing_subscriptions.domain.start import Order
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.redeem_coupon import redeem_coupon
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from subscriptions_builders import utc

NOW = utc("2026-04-15")


async def shop(database, tenant_id, customers, **limits):
    """Ten subscriptions of so many customers, and a coupon."""
    plan, buyers = build.plan(), [build.customer() for _ in range(customers)]
    version = build.version(of=plan)
    terms = CouponTerms("Half", percent=Fraction(50), duration=Duration.FOREVER, **limits)
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.plans.add(plan)
        await uow.plans.add_version(version)
        await uow.coupons.add(create("half", terms, {}, new_id=uuid7(), now=NOW))
        for buyer in buyers:
            await uow.customers.add(buyer, build.ADA)
        made = [
            await create_subscription(uow, buyers[number % customers].id, version.id, Order()) for number in range(10)
        ]
    return [each.subscription for each in made]


async def redeemed(database, tenant_id, subscription):
    """Whether it was; else why not."""
    try:
        async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
            decided = await redeem_coupon(PostgresUnitOfWork(tx), subscription.id, "half", "")
            await asyncio.sleep(0)
            return [each.code for each in decided.subscription.coupons] == ["half"]
    except DomainError as error:
        return error.reason


async def test_the_last_ones_are_redeemed_once(database, tenant_id):
    subscriptions = await shop(database, tenant_id, 10, max_redemptions=3)
    answers = await asyncio.gather(*(redeemed(database, tenant_id, each) for each in subscriptions))
    assert sorted(map(str, answers)) == ["COUPON_EXHAUSTED"] * 7 + ["True"] * 3
    async with database.read(admin_call(tenant_id, at=NOW)) as tx:
        counts = "SELECT (SELECT count(*) FROM coupon_redemption), (SELECT redeemed FROM coupon),"
        counts += " (SELECT count(*) FROM subscription WHERE jsonb_array_length(coupons) = 1)"
        assert tuple((await tx.conn.exec_driver_sql(counts)).one()) == (3, 3, 3)


async def test_a_customer_has_a_limit_of_its_own(database, tenant_id):
    subscriptions = await shop(database, tenant_id, 2, max_per_customer=1)
    answers = await asyncio.gather(*(redeemed(database, tenant_id, each) for each in subscriptions))
    assert sorted(map(str, answers)) == ["COUPON_EXHAUSTED"] * 8 + ["True"] * 2


async def test_a_start_that_is_refused_gives_its_coupon_back(database, tenant_id):
    (taken, *_) = await shop(database, tenant_id, 1, max_redemptions=1)
    order = Order(external_id="s")
    async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
        await create_subscription(PostgresUnitOfWork(tx), taken.customer_id, taken.plan_version_id, order)

    async def again():
        async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
            uow = PostgresUnitOfWork(tx)
            await create_subscription(uow, taken.customer_id, taken.plan_version_id, order, ["half"])

    with pytest.raises(ExternalIdTaken):
        await again()
    assert await redeemed(database, tenant_id, taken) is True
