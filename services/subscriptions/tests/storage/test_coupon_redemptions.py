"""Coupons on PostgreSQL: the last one is redeemed once, whoever asks at the same moment."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import pytest_asyncio
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_runtime.database import Database
from billing_subscriptions.domain import coupon as rules
from billing_subscriptions.domain.catalog_errors import CouponExhausted, CouponExpired, CouponNotFound
from billing_subscriptions.domain.coupon import CouponTerms
from billing_subscriptions.storage.coupons import PostgresCoupons
from billing_testkit.tenants import admin_call

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wide(service_database):
    """The database for ten at once."""
    opened = Database.open(service_database("subscriptions", "billing_subscriptions").database_url, pool_max=12)
    yield opened
    await opened.close()


@pytest.fixture
def begin(wide, tenant_id):
    return lambda: wide.begin(admin_call(tenant_id))


@pytest.fixture
def make(begin):
    async def made(**terms):
        wanted = CouponTerms("Spring", Fraction(10), **terms)
        coupon = rules.create("spring", wanted, {}, new_id=uuid7(), now=NOW)
        async with begin() as tx:
            await PostgresCoupons(tx).add(coupon)
        return coupon

    return made


@pytest.fixture
def redeem(begin):
    """Redeems in a transaction of its own; `hold_s` keeps that one open."""

    async def redeemed(coupon, customer_id=None, at=NOW, together=None):
        async with begin() as tx:
            if together is not None:
                await together.wait()
            return await PostgresCoupons(tx).redeem(coupon.id, customer_id or uuid7(), uuid7(), at)

    return redeemed


async def count(begin, coupon):
    async with begin() as tx:
        coupons = PostgresCoupons(tx)
        found = await coupons.redemptions(coupon.id, customer_id=None, after=None, limit=100)
        return (await coupons.get(coupon.id)).redeemed, len(found)


@pytest.mark.parametrize("limit", [1, 3])
async def test_ten_who_redeem_the_last_ones_at_once(begin, make, redeem, limit):
    coupon, together = await make(max_redemptions=limit), asyncio.Barrier(10)
    found = await asyncio.gather(*(redeem(coupon, together=together) for _ in range(10)), return_exceptions=True)
    assert Counter(type(each).__name__ for each in found) == {"Redemption": limit, "CouponExhausted": 10 - limit}
    assert await count(begin, coupon) == (limit, limit)


async def test_one_customer_who_redeems_in_ten_places_at_once(begin, make, redeem):
    coupon, together, customer_id = await make(max_per_customer=2), asyncio.Barrier(10), uuid7()
    asked = (redeem(coupon, customer_id, together=together) for _ in range(10))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert Counter(type(each).__name__ for each in found) == {"Redemption": 2, "CouponExhausted": 8}
    assert (await redeem(coupon)).coupon_id == coupon.id
    assert await count(begin, coupon) == (3, 3)


async def test_a_transaction_that_fails_gives_its_redemption_back(begin, make, redeem):
    coupon = await make(max_redemptions=1)

    async def fail():
        async with begin() as tx:
            await PostgresCoupons(tx).redeem(coupon.id, uuid7(), uuid7(), NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(begin, coupon) == (0, 0)
    await redeem(coupon)
    assert await count(begin, coupon) == (1, 1)


async def test_changed_terms_do_not_touch_the_count(begin, make, redeem):
    coupon = await make(max_redemptions=1)
    await redeem(coupon)
    async with begin() as tx:
        coupons = PostgresCoupons(tx)
        wider = replace(coupon.terms, max_redemptions=2)
        await coupons.save(rules.change(await coupons.lock(coupon.id), wider, None, now=NOW))
    await redeem(coupon)
    assert await count(begin, coupon) == (2, 2)


@pytest.mark.parametrize(
    ("terms", "at", "refusal"),
    [
        ({"redeem_by": NOW}, NOW, CouponExpired),
        ({"redeem_by": NOW}, NOW + timedelta(days=1), CouponExpired),
        ({"max_redemptions": 1}, NOW, CouponExhausted),
    ],
)
async def test_what_is_refused(begin, make, redeem, terms, at, refusal):
    coupon = await make(**terms)
    if refusal is CouponExhausted:
        await redeem(coupon)
    before = await count(begin, coupon)
    with pytest.raises(refusal):
        await redeem(coupon, at=at)
    assert await count(begin, coupon) == before


async def test_an_archived_or_foreign_coupon_is_none(wide, begin, make, redeem):
    coupon = await make()
    async with wide.begin(admin_call(uuid7())) as tx:
        with pytest.raises(CouponNotFound):
            await PostgresCoupons(tx).redeem(coupon.id, uuid7(), uuid7(), NOW)
    async with begin() as tx:
        coupons = PostgresCoupons(tx)
        await coupons.save(rules.archive(await coupons.lock(coupon.id), now=NOW))
    with pytest.raises(DomainError) as refused:
        await redeem(coupon)
    assert refused.value.reason == "COUPON_NOT_FOUND"
    async with begin() as tx:
        with pytest.raises(CouponNotFound):
            await PostgresCoupons(tx).by_code("spring")
