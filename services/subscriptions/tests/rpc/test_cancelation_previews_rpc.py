"""Previews of cancelations over gRPC: the charges of the call, at any instant, without a write."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import money_pb2, price_model_pb2
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb

FEE = {"flat": price_model_pb2.FlatModel(amount="31")}
DAYS = policy.Proration(basis=policy.PRORATION_BASIS_BY_DAYS)


@pytest.fixture
async def made(admin, peer):
    """A subscription from 1 March 2026, committed to 100.00 a month."""
    await ask.set_clock(peer, "2026-03-01")
    commitment = policy.MinimumCommitment(amount=money_pb2.Money(currency_code="EUR", amount_minor=10000))
    terms = policy.PlanTerms(minimum_commitments=[commitment], proration=DAYS)
    version = await ask.make_version(admin, ask.item("fee", "FLAT", FEE), terms=terms)
    buyer = await ask.make_customer(admin)
    request = ask.subscribe(buyer.customer_id, version.plan_version_id)
    return (await admin.subscriptions("CreateSubscription", request)).subscription


def preview(made, cancel_at=pb.CANCEL_AT_NOW, **more):
    return pb.PreviewCancelationRequest(subscription_id=made.subscription_id, cancel_at=cancel_at, credit=True, **more)


async def test_what_the_preview_said_is_what_the_call_makes(admin, peer, made):
    early = await admin.subscriptions("PreviewCancelation", preview(made, at_time=ask.stamp("2026-03-17")))
    await ask.set_clock(peer, "2026-03-17")
    said = await admin.subscriptions("PreviewCancelation", preview(made))
    assert early.charges == said.charges
    assert (await admin.subscriptions("GetSubscription", get(made))).subscription == made
    request = pb.CancelSubscriptionRequest(
        subscription_id=made.subscription_id, cancel_at=pb.CANCEL_AT_NOW, credit=True
    )
    done = await admin.subscriptions("CancelSubscription", request)
    assert list(done.charges) == list(said.charges)
    assert (said.net.amount_minor, said.effective_time) == (-1500, ask.stamp("2026-03-17"))
    assert said.subscription.state == done.subscription.state == sub.SUBSCRIPTION_STATE_CANCELED
    assert (said.commitment.amount.amount_minor, said.commitment.billed.amount_minor) == (5161, 1600)  # 16/31


async def test_an_end_to_come_makes_its_lines_when_it_comes(admin, made):
    on = {"effective_time": ask.stamp("2026-04-16")}
    said = await admin.subscriptions("PreviewCancelation", preview(made, pb.CANCEL_AT_ON_DATE, **on))
    assert said.subscription.end_time == said.effective_time == ask.stamp("2026-04-16")
    assert said.subscription.state == sub.SUBSCRIPTION_STATE_ACTIVE
    assert said.net.amount_minor == -1550
    ends = await admin.subscriptions("PreviewCancelation", preview(made, pb.CANCEL_AT_PERIOD_END))
    assert (ends.net.amount_minor, list(ends.charges)) == (0, [])
    assert ends.commitment.amount.amount_minor == 10000


async def test_previews_that_are_refused(admin, made, refused):
    for request, field in (
        (preview(made, pb.CANCEL_AT_ON_DATE), "effective_time"),
        (preview(made, effective_time=ask.stamp("2026-04-16")), "effective_time"),
        (preview(made, at_time=ask.stamp("2026-02-01")), "at_time"),
    ):
        refusal = await refused(admin.subscriptions("PreviewCancelation", request))
        assert refusal.reason == "INVALID_CHANGE_TIME"
        assert list(refusal.fields) == [field]


def get(subscription):
    return pb.GetSubscriptionRequest(subscription_id=subscription.subscription_id)
