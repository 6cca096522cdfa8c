"""Trials over gRPC: methods are heard of as events, and the end of a trial asks for one, whenever it is claimed."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import price_model_pb2
from billing.payments.v1 import events_pb2 as payments
from billing.subscriptions.v1 import customers_service_pb2 as customers
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import renewals_service_pb2 as renewals
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_runtime.consumer import Processor
from billing_runtime.events import Received
from billing_subscriptions.consumers.events import consumer
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from subscriptions_builders import utc

FEE = {"flat": price_model_pb2.FlatModel(amount="31")}
ON_1_MARCH, ON_15_MARCH, ON_20_MARCH = "2026-03-01", "2026-03-15", "2026-03-20"


@pytest.fixture
def processor(database):
    return Processor(database, consumer(PostgresUnitOfWork))


@pytest.fixture
async def buyer(admin, peer):
    await ask.set_clock(peer, ON_1_MARCH)
    return await ask.make_customer(admin)


async def sold(admin, **terms):
    """A version with a trial of 14 days."""
    made = policy.PlanTerms(**terms)
    return await ask.make_version(admin, ask.item("fee", "FLAT", FEE), terms=made, trial_days=14)


def told(tenant_id, message):
    return Received(
        topic="billing.payments.v1",
        key="cus",
        type=message.DESCRIPTOR.full_name,
        id=uuid7(),
        tenant_id=tenant_id,
        actor="user:alice",
        subject="x",
        correlation_id="c",
        causation_id=None,
        sequence=1,
        effective_at=utc(ON_1_MARCH),
        traceparent=None,
        payload=message.SerializeToString(),
    )


def attached(tenant_id, buyer, kind=payments.PaymentMethodAttached, method=None):
    method = method or encode("pm", uuid7())
    return told(tenant_id, kind(customer_id=buyer.customer_id, payment_method_id=method))


def get(made):
    return pb.GetSubscriptionRequest(subscription_id=made.subscription_id)


async def subscribed(admin, buyer, version, start=None):
    request = ask.subscribe(buyer.customer_id, version.plan_version_id, start)
    return (await admin.subscriptions("CreateSubscription", request)).subscription


async def renewed(admin, peer, made, at=ON_15_MARCH):
    """(subscription, published dues) behind a run at `at`."""
    await ask.set_clock(peer, at)
    request = renewals.RunRenewalsRequest(run_id=encode("run", uuid7()), as_of=ask.stamp(at), limit=100)
    run = await peer.renewals("RunRenewals", request)
    return (await admin.subscriptions("GetSubscription", get(made))).subscription, run.published


async def caught_up(admin, peer, made, at=ON_20_MARCH):
    """The subscription behind a command at `at`, which finds all boundaries unclaimed; and whether it was refused."""
    await ask.set_clock(peer, at)
    request = pb.ChangeSubscriptionRequest(
        subscription_id=made.subscription_id,
        change=sub.SubscriptionChange(price_overrides=[sub.PriceOverride(code="fee", price=MORE)]),
    )
    return (await admin.subscriptions("ChangeSubscription", request)).subscription


MORE = price_model_pb2.PriceModel(flat=price_model_pb2.FlatModel(amount="40"))
ENDS = pytest.mark.parametrize(
    ("trial_end", "state"),
    [
        (policy.TRIAL_END_CONVERT, sub.SUBSCRIPTION_STATE_ACTIVE),
        (policy.TRIAL_END_CANCEL, sub.SUBSCRIPTION_STATE_CANCELED),
        (policy.TRIAL_END_PAUSE, sub.SUBSCRIPTION_STATE_PAUSED),
    ],
)


@ENDS
async def test_a_trial_without_a_payment_method_ends_as_the_plan_says(admin, peer, buyer, trial_end, state):
    made = await subscribed(admin, buyer, await sold(admin, trial_end=trial_end))
    ended, published = await renewed(admin, peer, made)
    assert (ended.state, published) == (state, int(state == sub.SUBSCRIPTION_STATE_ACTIVE))


@ENDS
async def test_a_method_that_was_attached_lets_the_trial_convert(
    admin, peer, buyer, processor, tenant_id, trial_end, state
):
    del state  # with a method all are the same
    made = await subscribed(admin, buyer, await sold(admin, trial_end=trial_end))
    await processor.process([attached(tenant_id, buyer)])
    request = customers.GetCustomerRequest(customer_id=buyer.customer_id)
    assert (await admin.customers("GetCustomer", request)).customer.has_payment_method
    ended, published = await renewed(admin, peer, made)
    assert (ended.state, published) == (sub.SUBSCRIPTION_STATE_ACTIVE, 1)


async def test_a_method_that_was_detached_again_counts_no_more(admin, peer, buyer, processor, tenant_id):
    made = await subscribed(admin, buyer, await sold(admin, trial_end=policy.TRIAL_END_CANCEL))
    method = encode("pm", uuid7())
    await processor.process([attached(tenant_id, buyer, method=method)])
    await processor.process([attached(tenant_id, buyer, payments.PaymentMethodDetached, method)])
    ended, published = await renewed(admin, peer, made)
    assert (ended.state, published) == (sub.SUBSCRIPTION_STATE_CANCELED, 0)


async def test_a_plan_that_needs_a_method_for_its_trial(admin, buyer, processor, tenant_id, refused):
    version = await sold(admin, trial_needs_payment_method=True)
    refusal = await refused(subscribed(admin, buyer, version))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PAYMENT_METHOD_REQUIRED")
    await processor.process([attached(tenant_id, buyer)])
    assert (await subscribed(admin, buyer, version)).state == sub.SUBSCRIPTION_STATE_TRIALING


@pytest.mark.parametrize("start", [None, "2026-03-02"])
async def test_a_command_that_catches_up_asks_for_the_method_as_the_renewals_do(
    admin, peer, buyer, processor, tenant_id, refused, start
):
    """Also where the start itself was not claimed before: the trial's end lies behind it."""
    version = await sold(admin, trial_end=policy.TRIAL_END_CANCEL)
    without = await subscribed(admin, buyer, version, start)
    other = await ask.make_customer(admin)
    with_one = await subscribed(admin, other, version, start)
    await processor.process([attached(tenant_id, other)])
    assert (await refused(caught_up(admin, peer, without))).reason == "SUBSCRIPTION_CANCELED"
    assert (await caught_up(admin, peer, with_one)).state == sub.SUBSCRIPTION_STATE_ACTIVE


@pytest.mark.parametrize("start", [None, "2026-03-02"])
async def test_previews_know_that_a_trial_without_a_method_bills_nothing(
    admin, peer, buyer, processor, tenant_id, start
):
    version = await sold(admin, trial_end=policy.TRIAL_END_CANCEL)
    made = await subscribed(admin, buyer, version, start)
    change = sub.SubscriptionChange(price_overrides=[sub.PriceOverride(code="fee", price=MORE)])
    fields = {"subscription_id": made.subscription_id}
    order = pb.PreviewChangeRequest(**fields, change=change)
    cancelation = pb.PreviewCancelationRequest(
        **fields,
        cancel_at=pb.CANCEL_AT_ON_DATE,
        effective_time=ask.stamp("2026-03-25"),
        credit=True,
    )
    creation = pb.PreviewSubscriptionRequest(
        subscription=ask.subscribe(buyer.customer_id, version.plan_version_id, start)
    )

    async def said():
        return [
            len((await admin.subscriptions("PreviewSubscription", creation)).charges),
            len((await admin.subscriptions("PreviewChange", order)).next_charges),
            len((await admin.subscriptions("PreviewCancelation", cancelation)).charges),
            len((await peer.renewals("PreviewBillingDue", renewals.PreviewBillingDueRequest(**fields))).due.charges),
        ]

    assert await said() == [0, 0, 0, 0]
    await processor.process([attached(tenant_id, buyer)])
    assert await said() == [1, 1, 1, 1]
