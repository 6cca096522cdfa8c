"""Twelve months of renewals against the fake, with a clock that stands still: every due and every cent."""

from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_kernel.period import Interval
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.start import Order
from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription_quantity import change_subscription_quantity
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.run_renewals import run_renewals
from subscriptions_builders import billed, utc
from subscriptions_fakes import FakeUnitOfWork


async def open_shop(items, zone="UTC", currency="EUR", interval=None, at="2026-01-01"):
    uow, plan = FakeUnitOfWork(utc(at)), build.plan()
    version = build.version(items, interval, of=plan, currency=currency)
    buyer = build.customer(zone=zone, currency=currency)
    await uow.seed(buyer, build.ADA, plan, version)
    return uow, buyer, version


async def advance(uow, to):
    """Moves the clock and bills what fell due: (date, amounts by item) of each due."""
    uow.time = utc(to)
    await run_renewals(uow.begin(), uuid7(), uow.time, 5000)
    dues = [event for event in uow.take() if isinstance(event, BillingDue)]
    return [(due.step.at.isoformat()[:16], billed(due.step)) for due in dues]


async def test_a_year_from_31_january_with_seats_that_change_and_an_end():
    uow, buyer, version = await open_shop([build.flat(), build.seat("10"), build.metered()], at="2026-01-31")
    made = (
        await create_subscription(uow, buyer.id, version.id, Order(quantities=build.quantities(seats="3")))
    ).subscription
    fees = {"base": "49.00 EUR", "seats": "30.00 EUR"}
    later = {"calls": None, **fees}
    assert await advance(uow, "2026-01-31") == [("2026-01-31T00:00", fees)]
    assert await advance(uow, "2026-02-27") == []
    assert await advance(uow, "2026-03-31") == [("2026-02-28T00:00", later), ("2026-03-31T00:00", later)]
    await change_subscription_quantity(uow, made.id, "seats", Fraction(5), Wishes(ChangeWhen.PERIOD_END), "")
    more = later | {"seats": "50.00 EUR"}
    assert await advance(uow, "2026-07-01") == [
        ("2026-04-30T00:00", more),
        ("2026-05-31T00:00", more),
        ("2026-06-30T00:00", more),
    ]
    await cancel_subscription(uow, made.id, CancelOrder(CancelAt.PERIOD_END), "")
    assert await advance(uow, "2027-02-01") == [("2026-07-31T00:00", {"calls": None})]
    assert len(uow.dues.rows) == 7


async def test_a_year_of_local_midnights_in_berlin():
    uow, buyer, version = await open_shop([build.flat("19.99")], "Europe/Berlin", at="2026-02-28T23:00")
    await create_subscription(uow, buyer.id, version.id, Order())
    found = await advance(uow, "2027-03-01")
    assert [at for at, _ in found] == [
        "2026-02-28T23:00",
        "2026-03-31T22:00",
        "2026-04-30T22:00",
        "2026-05-31T22:00",
        "2026-06-30T22:00",
        "2026-07-31T22:00",
        "2026-08-31T22:00",
        "2026-09-30T22:00",
        "2026-10-31T23:00",
        "2026-11-30T23:00",
        "2026-12-31T23:00",
        "2027-01-31T23:00",
        "2027-02-28T23:00",
    ]
    assert {amounts["base"] for _, amounts in found} == {"19.99 EUR"}


@pytest.mark.parametrize(
    ("start", "days"),
    [
        ("2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2024-03-01", ["2024-03-01", "2025-03-01", "2026-03-01", "2027-03-01"]),
    ],
)
async def test_years(start, days):
    uow, buyer, version = await open_shop([build.flat("490")], interval=Interval("year"), at=start)
    await create_subscription(uow, buyer.id, version.id, Order())
    assert [at[:10] for at, _ in await advance(uow, "2028-02-29")] == days


async def test_a_trial_then_yen_in_arrears_until_an_end_inside_a_period():
    uow, buyer, version = await open_shop(
        [build.flat("1000", Timing.ARREARS)], "Asia/Tokyo", "JPY", at="2026-05-31T15:00"
    )
    made = (await create_subscription(uow, buyer.id, version.id, Order(trial_days=30))).subscription
    assert await advance(uow, "2026-07-01") == []
    assert await advance(uow, "2026-08-01") == [("2026-07-31T15:00", {"base": "1000 JPY"})]
    uow.time = utc("2026-08-10T03:00")
    await cancel_subscription(uow, made.id, CancelOrder(CancelAt.NOW), "")
    assert await advance(uow, "2027-01-01") == [("2026-08-10T03:00", {"base": "306 JPY"})]  # 9.5 of 31 days


async def test_weeks_and_days():
    for interval, count in ((Interval("week", 2), 3), (Interval("day", 10), 4)):
        uow, buyer, version = await open_shop([build.flat("1")], interval=interval, at="2026-01-01")
        await create_subscription(uow, buyer.id, version.id, Order())
        assert len(await advance(uow, "2026-01-31")) == count
