"""Settings of single calls over gRPC: when, prorated how, settled how; and what makes no sense is refused."""

import pytest
import subscriptions_requests as ask
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.ids import encode, uuid7

DAYS = policy.Proration(basis=policy.PRORATION_BASIS_BY_DAYS)
FEE = ask.item("fee", "FLAT", {"flat": {"amount": "31"}})
SEATS = ask.item("seats", "SEAT", {"per_unit": {"unit_amount": "31"}})


@pytest.fixture
async def made(admin, peer):
    """A fee and a seat of 31.00 each since 1 March 2026, seen on the 16th at noon."""
    await ask.set_clock(peer, "2026-03-01")
    buyer, version = await ask.make_customer(admin), await ask.make_version(admin, FEE, SEATS)
    request = ask.subscribe(buyer.customer_id, version.plan_version_id)
    made = (await admin.subscriptions("CreateSubscription", request)).subscription
    await ask.set_clock(peer, "2026-03-16T12:00:00Z")
    return made


def seats(made, **settings):
    item = sub.ItemQuantity(code="seats", quantity="2")
    return pb.ChangeSubscriptionQuantityRequest(subscription_id=made.subscription_id, item=item, **settings)


def minor(charges):
    return [(each.code, each.amount.amount_minor) for each in charges]


async def test_a_quantity_is_changed_as_the_call_says_and_answers_what_that_makes(admin, made):
    request = seats(made, when=policy.CHANGE_WHEN_NOW, proration=DAYS, settlement=policy.SETTLEMENT_AT_ONCE)
    said = await admin.subscriptions("ChangeSubscriptionQuantity", request)
    assert minor(said.charges) == [("seats", -1600), ("seats", 3200)]
    assert said.net.amount_minor == 1600
    assert said.effective_time == ask.stamp("2026-03-16T12:00:00Z")
    (rule,) = said.rules
    assert (rule.kind, rule.when, rule.proration.basis, rule.settlement) == (
        policy.CHANGE_KIND_QUANTITY_UP,
        policy.CHANGE_WHEN_NOW,
        policy.PRORATION_BASIS_BY_DAYS,
        policy.SETTLEMENT_AT_ONCE,
    )


async def test_a_quantity_is_changed_on_a_date(admin, made, refused):
    refusal = await refused(admin.subscriptions("ChangeSubscriptionQuantity", seats(made, when=3)))
    assert (refusal.reason, refusal.fields) == ("INVALID_CHANGE_TIME", ("effective_time",))
    on = ask.stamp("2026-03-21")
    request = seats(made, when=policy.CHANGE_WHEN_ON_DATE, effective_time=on, proration=DAYS)
    said = await admin.subscriptions("ChangeSubscriptionQuantity", request)
    assert said.effective_time == on
    assert [each.effective_time for each in said.subscription.scheduled_changes] == [on]
    assert minor(said.charges) == [("seats", -1100), ("seats", 2200)]


@pytest.mark.parametrize("call", ["CancelSubscription", "PreviewCancelation"])
async def test_the_credit_of_an_end_has_no_next_invoice_to_wait_for(admin, made, refused, call):
    def request(settlement):
        fields = {"subscription_id": made.subscription_id, "cancel_at": pb.CANCEL_AT_NOW, "credit": True}
        return getattr(pb, f"{call}Request")(**fields, proration=DAYS, settlement=settlement)

    refusal = await refused(admin.subscriptions(call, request(policy.SETTLEMENT_NEXT_INVOICE)))
    assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", ("settlement",))
    if call == "PreviewCancelation":
        assert minor((await admin.subscriptions(call, request(policy.SETTLEMENT_NO_CREDIT))).charges) == []
    said = await admin.subscriptions(call, request(policy.SETTLEMENT_AT_ONCE))
    assert minor(said.charges) == [("fee", -1600), ("seats", -1600)]


async def test_a_gate_is_refused_where_nothing_is_paid_at_the_start(admin, made, refused):
    fields = {"customer_id": made.customer_id, "plan_version_id": made.plan_version_id, "payment_gated": True}
    request = pb.CreateSubscriptionRequest(**fields, trial_days=14, external_id=encode("x", uuid7()))
    for call, asked, field in (
        ("CreateSubscription", request, "payment_gated"),
        ("PreviewSubscription", pb.PreviewSubscriptionRequest(subscription=request), "subscription.payment_gated"),
    ):
        refusal = await refused(admin.subscriptions(call, asked))
        assert (refusal.reason, refusal.fields) == ("INVALID_CHANGE", (field,))


async def test_a_pause_and_a_resume_are_prorated_and_settled_as_the_calls_say(admin, peer, made, refused):
    fields = {"subscription_id": made.subscription_id, "billing": sub.PAUSE_BILLING_VOID, "proration": DAYS}
    asked = pb.PauseSubscriptionRequest(**fields, settlement=policy.SETTLEMENT_AT_ONCE)
    said = await admin.subscriptions("PauseSubscription", asked)
    assert minor(said.charges) == [("fee", -1600), ("seats", -1600)]
    assert {each.settlement for each in said.charges} == {policy.SETTLEMENT_AT_ONCE}
    kept = said.subscription.pause
    assert (kept.proration.basis, kept.settlement) == (DAYS.basis, policy.SETTLEMENT_AT_ONCE)
    assert list(said.subscription.pending_charges) == []
    read = pb.GetSubscriptionRequest(subscription_id=made.subscription_id)
    assert (await admin.subscriptions("GetSubscription", read)).subscription.pause == kept
    await ask.set_clock(peer, "2026-03-21")
    back = {"subscription_id": made.subscription_id}
    no_credit = pb.ResumeSubscriptionRequest(**back, settlement=policy.SETTLEMENT_NO_CREDIT)
    refusal = await refused(admin.subscriptions("ResumeSubscription", no_credit))
    assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", ("settlement",))
    later = pb.ResumeSubscriptionRequest(**back, settlement=policy.SETTLEMENT_NEXT_INVOICE)
    said = await admin.subscriptions("ResumeSubscription", later)
    assert minor(said.charges) == minor(said.subscription.pending_charges) == [("fee", 1100), ("seats", 1100)]


async def test_a_planned_pause_without_credit_keeps_its_settings(admin, peer, made):
    fields = {"subscription_id": made.subscription_id, "billing": sub.PAUSE_BILLING_VOID}
    planned = {"when": policy.CHANGE_WHEN_ON_DATE, "effective_time": ask.stamp("2026-03-20")}
    asked = pb.PauseSubscriptionRequest(**fields, **planned, settlement=policy.SETTLEMENT_NO_CREDIT)
    await admin.subscriptions("PauseSubscription", asked)
    await ask.set_clock(peer, "2026-03-25")
    said = await admin.subscriptions(
        "ResumeSubscription", pb.ResumeSubscriptionRequest(subscription_id=made.subscription_id)
    )
    assert (said.subscription.state, minor(said.charges)) == (sub.SUBSCRIPTION_STATE_ACTIVE, [])
    assert list(said.subscription.pending_charges) == []
