"""Use cases of customers and plans against the fake."""

from dataclasses import replace

import pytest
import subscriptions_builders as build
from billing_kernel.errors import Conflict
from billing_kernel.period import Interval
from billing_subscriptions.domain import events
from billing_subscriptions.domain.customer import Address, Party, Terms
from billing_subscriptions.domain.errors import (
    CustomerHasSubscriptions,
    CustomerNotFound,
    ExternalIdTaken,
    MeterNotFound,
    PlanCodeTaken,
    PlanNotFound,
)
from billing_subscriptions.domain.plan import NewVersion, PlanVersionState
from billing_subscriptions.operations.archive_customer import archive_customer
from billing_subscriptions.operations.create_customer import create_customer
from billing_subscriptions.operations.create_plan import create_plan
from billing_subscriptions.operations.create_plan_version import create_plan_version
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.publish_plan_version import publish_plan_version
from billing_subscriptions.operations.update_customer import update_customer
from billing_subscriptions.operations.update_plan import update_plan
from subscriptions_fakes import FakeUnitOfWork

NOW = build.utc("2026-01-01")


@pytest.fixture
def uow():
    return FakeUnitOfWork(NOW)


async def test_a_customer_is_created_and_told(uow):
    made = await create_customer(uow, Terms(external_id="a"), build.ADA, None)
    assert await uow.customers.party(made) == build.ADA
    assert uow.take() == [events.CustomerCreated(made, NOW)]
    with pytest.raises(ExternalIdTaken):
        await create_customer(uow, Terms(external_id="a"), build.ADA, None)


async def test_a_change_names_its_etag_and_keeps_old_parties(uow):
    made = await create_customer(uow, Terms(), build.ADA, None)
    moved = Party("Ada", Address("FR"))
    after = await update_customer(uow, made.id, lambda terms: replace(terms, net_terms_days=14), moved, "v1")
    assert (after.terms.net_terms_days, after.country, after.party_version) == (14, "FR", 2)
    assert await uow.customers.party(made) == build.ADA
    assert isinstance(uow.take()[-1], events.CustomerUpdated)
    with pytest.raises(Conflict):
        await update_customer(uow, made.id, lambda terms: terms, None, "v1")
    with pytest.raises(CustomerNotFound):
        await update_customer(uow, made.party_id, lambda terms: terms, None, "")


async def test_archiving_twice_tells_once(uow):
    made = await create_customer(uow, Terms(), build.ADA, None)
    uow.take()
    first = await archive_customer(uow, made.id, "")
    assert await archive_customer(uow, made.id, "") == first
    assert [type(event) for event in uow.take()] == [events.CustomerArchived]


async def test_a_customer_with_a_running_subscription_is_not_archived(uow):
    made = await create_customer(uow, Terms(), build.ADA, None)
    plan = await create_plan(uow, "pro", "Pro", {})
    draft = await create_plan_version(uow, plan.id, NewVersion("EUR", Interval("month"), [build.flat()]))
    await publish_plan_version(uow, draft.id, frozenset())
    await create_subscription(uow, made.id, draft.id, build.Order())
    with pytest.raises(CustomerHasSubscriptions):
        await archive_customer(uow, made.id, "")


async def test_plans_are_named_once_and_versions_are_numbered(uow):
    plan = await create_plan(uow, "pro", "Pro", {})
    with pytest.raises(PlanCodeTaken):
        await create_plan(uow, "pro", "Pro again", {})
    wanted = NewVersion("EUR", Interval("month"), [build.metered()])
    drafts = [await create_plan_version(uow, plan.id, wanted) for _ in range(2)]
    assert [draft.number for draft in drafts] == [1, 2]
    with pytest.raises(PlanNotFound):
        await create_plan_version(uow, drafts[0].id, wanted)


async def test_publishing_makes_the_version_current(uow):
    plan = await create_plan(uow, "pro", "Pro", {})
    draft = await create_plan_version(uow, plan.id, NewVersion("EUR", Interval("month"), [build.metered()]))
    with pytest.raises(MeterNotFound):
        await publish_plan_version(uow, draft.id, frozenset({"other"}))
    published = await publish_plan_version(uow, draft.id, frozenset({"api_calls"}))
    assert published.state is PlanVersionState.PUBLISHED
    assert (await uow.plans.lock(plan.id)).current_version_id == draft.id
    assert uow.take() == [events.PlanVersionPublished(published, NOW)]


async def test_a_plan_changes_what_is_named(uow):
    plan = await create_plan(uow, "pro", "Pro", {"a": "1"})
    after = await update_plan(uow, plan.id, "Pro+", None, "v1")
    assert (after.name, after.metadata) == ("Pro+", {"a": "1"})
    after = await update_plan(uow, plan.id, None, {}, "v2")
    assert (after.name, after.metadata) == ("Pro+", {})
    with pytest.raises(Conflict):
        await update_plan(uow, plan.id, "x", None, "v1")
