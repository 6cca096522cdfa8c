"""Newer versions over gRPC: what a renewal bills does not depend on when the job runs."""

from itertools import groupby

import pytest
import subscriptions_requests as ask
from billing.subscriptions.v1 import events_pb2, plans_service_pb2
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import renewals_service_pb2 as renewals
from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing_kernel.ids import encode, uuid7
from billing_testkit.tenants import admin_call

MOVES = policy.RUNNING_SUBSCRIPTIONS_MOVE_AT_RENEWAL
KEEPS = policy.RUNNING_SUBSCRIPTIONS_KEEP


async def another(admin, plan_id, amount, effective, rule):
    terms = policy.PlanTerms(effective_time=ask.stamp(effective), running_subscriptions=rule)
    fee = ask.item("fee", "FLAT", {"flat": {"amount": amount}})
    draft = (await admin.plans("CreatePlanVersion", ask.create_version(plan_id, fee, terms=terms))).plan_version
    request = plans_service_pb2.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    return (await admin.plans("PublishPlanVersion", request)).plan_version


@pytest.fixture
async def shop(admin, peer):
    """Two subscriptions at 49 since 1 January; 59 from 1 February and 69 from the 15th move them, 79 keeps them."""
    await ask.set_clock(peer, "2026-01-01")
    customer = await ask.make_customer(admin)
    one = await ask.make_version(admin, ask.item("fee", "FLAT", {"flat": {"amount": "49"}}))
    for _ in range(2):
        await admin.subscriptions("CreateSubscription", ask.subscribe(customer.customer_id, one.plan_version_id))
    two = await another(admin, one.plan_id, "59", "2026-02-01", MOVES)
    await another(admin, one.plan_id, "69", "2026-02-15", MOVES)
    await another(admin, one.plan_id, "79", "2026-02-20", KEEPS)
    return two


async def run(peer, at):
    await ask.set_clock(peer, at)
    more = True
    while more:
        request = renewals.RunRenewalsRequest(run_id=encode("run", uuid7()), as_of=ask.stamp(at), limit=100)
        more = (await peer.renewals("RunRenewals", request)).more


async def fees(database, tenant_id):
    """(day, minor units) of each due, of each subscription."""
    query = "SELECT payload FROM outbox WHERE type = 'billing.subscriptions.v1.BillingDue' ORDER BY subject, id"
    async with database.read(admin_call(tenant_id)) as tx:
        found = [events_pb2.BillingDue.FromString(row.payload) for row in (await tx.conn.exec_driver_sql(query)).all()]
    return [
        [(due.effective_time.ToJsonString()[5:10], due.charges[0].amount.amount_minor) for due in group]
        for _, group in groupby(found, lambda due: due.subscription_id)
    ]


@pytest.mark.parametrize(
    "runs",
    [
        ["2026-01-01", "2026-02-01", "2026-03-01"],
        ["2026-01-01", "2026-02-16", "2026-03-01"],
        ["2026-01-01", "2026-02-25", "2026-03-20"],
        ["2026-03-20"],
    ],
)
async def test_renewals_take_the_version_of_their_time(admin, peer, shop, database, tenant_id, runs):
    for at in runs:
        await run(peer, at)
    assert await fees(database, tenant_id) == [[("01-01", 4900), ("02-01", 5900), ("03-01", 6900)]] * 2


async def test_a_preview_of_the_next_due_knows_the_version_of_its_time(admin, peer, shop):
    await run(peer, "2026-01-20")
    made = (await admin.subscriptions("ListSubscriptions", subscriptions.ListSubscriptionsRequest())).subscriptions[0]
    request = renewals.PreviewBillingDueRequest(subscription_id=made.subscription_id)
    (charge,) = (await peer.renewals("PreviewBillingDue", request)).due.charges
    assert charge.amount.amount_minor == 5900


async def test_a_version_archived_since_still_counts_for_what_was_due_before(admin, peer, shop, database, tenant_id):
    await ask.set_clock(peer, "2026-02-10")
    request = plans_service_pb2.ArchivePlanVersionRequest(plan_version_id=shop.plan_version_id)
    await admin.plans("ArchivePlanVersion", request)
    await run(peer, "2026-02-12")
    assert await fees(database, tenant_id) == [[("01-01", 4900), ("02-01", 5900)]] * 2
