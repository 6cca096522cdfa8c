"""RenewalsService and ClockService over gRPC, and the events that they leave in the outbox."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import clock_service_pb2
from billing.subscriptions.v1 import events_pb2, subscriptions_service_pb2
from billing.subscriptions.v1 import renewals_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_testkit.tenants import admin_call

RUN = encode("run", uuid7())


def run(as_of, limit=5000, run_id=RUN):
    return pb.RunRenewalsRequest(run_id=run_id, as_of=ask.stamp(as_of), limit=limit)


@pytest.fixture
async def subscription(admin, peer):
    """With three seats, since 31 January 2026, seen on 1 March."""
    await ask.set_clock(peer, "2026-03-01")
    customer, version = await ask.make_customer(admin), await ask.make_version(admin)
    request = ask.subscribe(customer.customer_id, version.plan_version_id, "2026-01-31")
    request.quantities.append(ask.quantity("seats", "3"))
    return (await admin.subscriptions("CreateSubscription", request)).subscription


async def outbox(database, tenant_id, type_name):
    """(row, message) of the events of one type, in order."""
    query = "SELECT * FROM outbox WHERE type = %s ORDER BY id"
    async with database.read(admin_call(tenant_id)) as tx:
        rows = (await tx.conn.exec_driver_sql(query, (f"billing.subscriptions.v1.{type_name}",))).all()
    return [(row, getattr(events_pb2, type_name).FromString(row.payload)) for row in rows]


async def test_a_run_publishes_what_is_due(admin, peer, subscription, database, tenant_id):
    first = await peer.renewals("RunRenewals", run("2026-01-31"))
    assert (first.published, first.published_in_run, first.more) == (1, 1, False)
    second = await peer.renewals("RunRenewals", run("2026-03-01"))
    assert (second.published, second.published_in_run, second.more) == (1, 2, False)
    (_, start), (row, due) = await outbox(database, tenant_id, "BillingDue")
    assert [(charge.code, charge.amount.amount_minor) for charge in start.charges] == [("base", 4900), ("seats", 3000)]
    assert (row.topic, row.key, row.subject) == (
        "billing.subscriptions.due.v1",
        subscription.customer_id,
        subscription.subscription_id,
    )
    assert row.effective_at.isoformat() == "2026-02-28T00:00:00+00:00"
    assert (due.part, due.parts, due.run_id, due.subscription_version) == (1, 1, RUN, 2)
    assert due.effective_time == ask.stamp("2026-02-28")
    assert (due.customer_id, due.payer_customer_id) == (subscription.customer_id, subscription.customer_id)
    calls, base, seats = due.charges
    assert (calls.code, calls.meter_code, calls.quantity, calls.HasField("amount")) == ("calls", "api_calls", "", False)
    assert (calls.service_period.start, calls.service_period.end) == (ask.stamp("2026-01-31"), ask.stamp("2026-02-28"))
    assert (seats.quantity, seats.unit_amount, seats.amount.amount_minor) == ("3", "10", 3000)
    assert (seats.exact_amount.numerator, seats.exact_amount.denominator) == ("30", "1")
    assert base.service_period.end == ask.stamp("2026-03-31")
    assert '"seats"' in seats.explanation
    renewed = await outbox(database, tenant_id, "SubscriptionRenewed")
    assert [message.subscription.subscription.period_index for _, message in renewed] == [1]
    (started,) = await outbox(database, tenant_id, "SubscriptionStarted")
    facts = started[1].subscription
    assert (facts.version, len(facts.plan_items), facts.subscription.etag) == (1, 3, "")


async def test_a_preview_is_what_is_published_then(peer, subscription, database, tenant_id):
    request = pb.PreviewBillingDueRequest(subscription_id=subscription.subscription_id)
    previews = []
    for as_of in ("2026-01-31", "2026-03-01"):
        previews.append((await peer.renewals("PreviewBillingDue", request)).due)
        await peer.renewals("RunRenewals", run(as_of))
    published = [message for _, message in await outbox(database, tenant_id, "BillingDue")]
    for message in published:
        message.run_id = ""
    assert previews == published


async def test_a_preview_off_the_boundaries_names_the_version_that_was_told(
    admin, peer, subscription, database, tenant_id
):
    await peer.renewals("RunRenewals", run("2026-03-01"))
    request = subscriptions_service_pb2.CancelSubscriptionRequest(
        subscription_id=subscription.subscription_id,
        cancel_at=subscriptions_service_pb2.CANCEL_AT_ON_DATE,
        effective_time=ask.stamp("2026-03-10"),
    )
    await admin.subscriptions("CancelSubscription", request)
    preview = pb.PreviewBillingDueRequest(subscription_id=subscription.subscription_id)
    due = (await peer.renewals("PreviewBillingDue", preview)).due
    *_, (_, told) = await outbox(database, tenant_id, "SubscriptionUpdated")
    assert [charge.code for charge in due.charges] == ["calls"]
    assert (due.effective_time, due.subscription_version) == (ask.stamp("2026-03-10"), told.subscription.version)


async def test_a_preview_of_nothing_is_unset(admin, peer, subscription):
    request = subscriptions_service_pb2.CancelSubscriptionRequest(
        subscription_id=subscription.subscription_id, cancel_at=subscriptions_service_pb2.CANCEL_AT_NOW
    )
    preview = pb.PreviewBillingDueRequest(subscription_id=subscription.subscription_id)
    assert (await peer.renewals("PreviewBillingDue", preview)).HasField("due")
    await admin.subscriptions("CancelSubscription", request)
    assert not (await peer.renewals("PreviewBillingDue", preview)).HasField("due")


async def test_a_limit_leaves_more(peer, subscription):
    first = await peer.renewals("RunRenewals", run("2026-03-01", 1))
    assert (first.published, first.more) == (1, True)
    other_run = encode("run", uuid7())
    second = await peer.renewals("RunRenewals", run("2026-03-01", 1, other_run))
    assert (second.published, second.published_in_run, second.more) == (1, 1, False)


async def test_runs_that_are_refused(admin, peer, subscription, refused):
    refusal = await refused(peer.renewals("RunRenewals", run("2026-03-02")))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "AS_OF_IN_FUTURE")
    for request in (
        run("2026-03-01", 0),
        run("2026-03-01", 5001),
        run("2026-03-01", 1, "run_x"),
        pb.RunRenewalsRequest(),
    ):
        assert (await refused(peer.renewals("RunRenewals", request))).reason == "VALIDATION_FAILED"
    preview = pb.PreviewBillingDueRequest(subscription_id=encode("sub", uuid7()))
    assert (await refused(peer.renewals("PreviewBillingDue", preview))).reason == "SUBSCRIPTION_NOT_FOUND"
    for method, request in (("RunRenewals", run("2026-03-01")), ("PreviewBillingDue", preview)):
        assert (await refused(admin.renewals(method, request))).code == "PERMISSION_DENIED"


async def test_the_clock_of_a_tenant(admin, peer, subscription, refused):
    clock = await peer.clock("GetClock", clock_service_pb2.GetClockRequest())
    assert clock.now == ask.stamp("2026-03-01")
    assert clock.next_due_time == ask.stamp("2026-01-31")
    assert clock.outbox_pending >= 3
    await ask.set_clock(peer, "2026-03-02")
    back = clock_service_pb2.SetClockRequest(now=ask.stamp("2026-03-01"))
    assert (await refused(peer.clock("SetClock", back))).reason == "CLOCK_MOVES_BACKWARDS"
    assert (await refused(admin.clock("SetClock", back))).code == "PERMISSION_DENIED"


async def test_a_tenant_with_records_gets_no_test_clock(admin, peer, refused):
    assert not (await peer.clock("GetClock", clock_service_pb2.GetClockRequest())).HasField("now")
    await ask.make_customer(admin)
    create = clock_service_pb2.SetClockRequest(now=ask.stamp("2026-03-01"), create=True)
    assert (await refused(peer.clock("SetClock", create))).reason == "TENANT_NOT_EMPTY"
    create.create = False
    assert (await refused(peer.clock("SetClock", create))).reason == "NO_TEST_CLOCK"
