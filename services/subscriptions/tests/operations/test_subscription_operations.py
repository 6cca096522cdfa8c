"""Use cases of subscriptions and renewals against the fake."""

from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.errors import Conflict
from billing_kernel.ids import uuid7
from billing_subscriptions.domain import events
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.errors import (
    AsOfInFuture,
    CustomerNotFound,
    PlanVersionNotFound,
    SubscriptionNotFound,
)
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import State
from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription_quantity import change_subscription_quantity
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.ports import Outcome, Settlement
from billing_subscriptions.operations.record_standing import Standing, record_paid, record_unpaid
from billing_subscriptions.operations.run_renewals import run_renewals
from billing_subscriptions.operations.settle_dues import settle_dues
from billing_subscriptions.operations.update_subscription import update_subscription
from subscriptions_builders import utc
from subscriptions_fakes import FakeUnitOfWork

RUN = uuid7()


@pytest.fixture
async def shop():
    """(unit of work, customer, plan version) on 15 April 2026."""
    uow = FakeUnitOfWork(utc("2026-04-15"))
    plan = build.plan()
    version = build.version([build.flat(), build.seat(), build.metered()], of=plan)
    buyer = build.customer(external_id="acme")
    await uow.seed(buyer, build.ADA, plan, version)
    return uow, buyer, version


async def test_a_start_is_told_at_its_instant(shop):
    uow, buyer, version = shop
    created = await create_subscription(uow, buyer.id, version.id, Order(start_at=utc("2026-01-01")))
    made = created.subscription
    assert uow.take() == [events.SubscriptionStarted(made, version, "acme", created.step.at)]
    assert made.effective_at == utc("2026-01-01")
    with pytest.raises(CustomerNotFound):
        await create_subscription(uow, version.id, version.id, Order())
    with pytest.raises(PlanVersionNotFound):
        await create_subscription(uow, buyer.id, buyer.id, Order())


async def test_changes_of_a_subscription_are_told(shop):
    uow, buyer, version = shop
    made = (await create_subscription(uow, buyer.id, version.id, Order())).subscription
    uow.take()
    await update_subscription(uow, made.id, "ext", None, "v1")
    await change_subscription_quantity(uow, made.id, "seats", Fraction(3), Wishes(ChangeWhen.PERIOD_END), "v2")
    await cancel_subscription(uow, made.id, CancelOrder(CancelAt.PERIOD_END), "v4")
    await cancel_subscription(uow, made.id, CancelOrder(CancelAt.NOW), "v5")
    told = uow.take()
    names = [type(event).__name__ for event in told if isinstance(event, events.SubscriptionEvent)]
    assert names == [*["SubscriptionUpdated"] * 4, "SubscriptionCanceled"]
    versions = [event.subscription.version for event in told if isinstance(event, events.SubscriptionEvent)]
    assert versions == [2, 3, 4, 5, 6], "the start is claimed before the first change"
    with pytest.raises(Conflict):
        await update_subscription(uow, made.id, None, {}, "v1")
    with pytest.raises(SubscriptionNotFound):
        await update_subscription(uow, buyer.id, None, {}, "")


async def test_a_run_catches_up_in_order_within_its_limit(shop):
    uow, buyer, version = shop
    for day in ("2026-01-01", "2026-02-01"):
        await create_subscription(uow, buyer.id, version.id, Order(start_at=utc(day)))
    uow.take()
    first = await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 3)
    assert (first.published, first.published_in_run, first.more) == (3, 3, True)
    rest = await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 1000)
    assert (rest.published, rest.published_in_run, rest.more) == (4, 7, False)
    again = await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 1000)
    assert (again.published, again.published_in_run, again.more) == (0, 7, False)
    dues = [event for event in uow.take() if isinstance(event, events.BillingDue)]
    assert [str(due.step.at.date())[5:] for due in dues] == [
        "01-01",
        "02-01",
        "02-01",
        "03-01",
        "03-01",
        "04-01",
        "04-01",
    ]
    assert {due.run_id for due in dues} == {RUN}


async def test_every_version_of_a_subscription_is_told_once(shop):
    uow, buyer, version = shop
    made = (
        await create_subscription(uow, buyer.id, version.id, Order(start_at=utc("2026-01-01"), trial_days=5))
    ).subscription
    await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 1000)
    told = [event for event in uow.take() if isinstance(event, events.SubscriptionEvent)]
    assert [event.subscription.version for event in told] == list(range(1, len(told) + 1))
    assert [type(event).__name__ for event in told[:3]] == [
        "SubscriptionStarted",
        "SubscriptionActivated",
        "SubscriptionRenewed",
    ]
    assert told[-1].subscription == uow.subscriptions.rows[made.id]


async def test_nothing_is_billed_before_its_time(shop):
    uow, _, _ = shop
    with pytest.raises(AsOfInFuture):
        await run_renewals(uow.begin(), RUN, utc("2026-04-16"), 1)


async def test_a_boundary_without_charges_publishes_no_due(shop):
    uow, buyer, _ = shop
    plan = build.plan("late")
    late = build.version([build.flat(timing=build.Timing.ARREARS)], of=plan)
    await uow.plans.add_version(late)
    made = (await create_subscription(uow, buyer.id, late.id, Order())).subscription
    assert (await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 10)).published == 0
    assert uow.subscriptions.rows[made.id].next_due_at == utc("2026-05-15")


async def test_past_due_until_the_last_unpaid_invoice_is_paid(shop):
    uow, buyer, version = shop
    made = (await create_subscription(uow, buyer.id, version.id, Order())).subscription
    uow.take()
    first, second = (Standing(made.id, uuid7(), utc("2026-04-16")) for _ in range(2))
    await record_unpaid(uow, [first])
    await record_unpaid(uow, [second])
    await record_paid(uow, [first])
    assert uow.subscriptions.rows[made.id].state is State.PAST_DUE
    await record_paid(uow, [second])
    assert uow.subscriptions.rows[made.id].state is State.ACTIVE
    told = uow.take()
    assert [type(event).__name__ for event in told] == ["SubscriptionPastDue", "SubscriptionActivated"]
    assert {event.at for event in told} == {utc("2026-04-16")}


async def test_a_failure_that_is_heard_after_the_payment_changes_nothing(shop):
    uow, buyer, version = shop
    made = (await create_subscription(uow, buyer.id, version.id, Order())).subscription
    standing = Standing(made.id, uuid7(), utc("2026-04-16"))
    await record_paid(uow, [standing])
    await record_unpaid(uow, [standing])
    assert uow.subscriptions.rows[made.id].state is State.ACTIVE


async def test_the_first_settlement_stands(shop):
    uow, buyer, version = shop
    await create_subscription(uow, buyer.id, version.id, Order())
    await run_renewals(uow.begin(), RUN, utc("2026-04-15"), 10)
    (due_id,) = uow.dues.rows
    await settle_dues(uow, [Settlement(due_id, Outcome.INVOICED), Settlement(uuid7(), Outcome.PARKED)])
    await settle_dues(uow, [Settlement(due_id, Outcome.PARKED)])
    assert uow.dues.rows[due_id].outcome is Outcome.INVOICED
