"""The timeline over gRPC: why a call was made, and what support reads of it."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import price_model_pb2
from billing.subscriptions.v1 import coupon_pb2, coupons_service_pb2
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from google.protobuf.field_mask_pb2 import FieldMask

FEE = {"flat": price_model_pb2.FlatModel(amount="31")}
MORE = {"flat": price_model_pb2.FlatModel(amount="62")}
SEAT = {"per_unit": price_model_pb2.PerUnitModel(unit_amount="10")}


@pytest.fixture
async def shop(admin, peer):
    """(subscription to team, version of business) on 1 March 2026; the coupon "ten"."""
    await ask.set_clock(peer, "2026-03-01")
    items = [ask.item("fee", "FLAT", FEE), ask.item("seats", "SEAT", SEAT)]
    team = await ask.make_version(admin, *items, code="team")
    business = await ask.make_version(admin, ask.item("fee", "FLAT", MORE), items[1], code="business")
    terms = coupon_pb2.CouponTerms(name="Ten", percent="10", duration=coupon_pb2.COUPON_DURATION_FOREVER)
    await admin.coupons("CreateCoupon", coupons_service_pb2.CreateCouponRequest(code="ten", terms=terms))
    buyer = await ask.make_customer(admin)
    request = ask.subscribe(buyer.customer_id, team.plan_version_id)
    return (await admin.subscriptions("CreateSubscription", request)).subscription, business


async def timeline(client, subscription):
    request = pb.ListSubscriptionChangesRequest(subscription_id=subscription.subscription_id)
    return (await client.subscriptions("ListSubscriptionChanges", request)).changes


async def test_every_call_may_say_why(admin, shop):
    made, business = shop
    own = {"subscription_id": made.subscription_id}
    redeem = pb.RedeemCouponRequest(coupon_code="ten", reason="sorry for the outage", **own)
    (coupon,) = (await admin.subscriptions("RedeemCoupon", redeem)).subscription.coupons
    remove = pb.RemoveCouponRequest(redemption_id=coupon.redemption_id, reason="by mistake", **own)
    await admin.subscriptions("RemoveCoupon", remove)
    wanted = sub.SubscriptionChange(plan_version_id=business.plan_version_id)
    change = pb.ChangeSubscriptionRequest(change=wanted, when=policy.CHANGE_WHEN_PERIOD_END, reason="grows", **own)
    (waiting,) = (await admin.subscriptions("ChangeSubscription", change)).subscription.scheduled_changes
    delete = pb.DeleteScheduledChangeRequest(
        scheduled_change_id=waiting.scheduled_change_id, reason="shrinks again", **own
    )
    await admin.subscriptions("DeleteScheduledChange", delete)
    label = pb.UpdateSubscriptionRequest(
        external_id="crm-7", update_mask=FieldMask(paths=["external_id"]), reason="new crm", **own
    )
    await admin.subscriptions("UpdateSubscription", label)
    said = {each.kind: each.reason for each in await timeline(admin, made)}
    assert said == {
        "CREATED": "",
        "STARTED": "",
        "COUPON_REDEEMED": "sorry for the outage",
        "COUPON_REMOVED": "by mistake",
        "CHANGE_SCHEDULED": "grows",
        "CHANGE_UNSCHEDULED": "shrinks again",
        "RELABELED": "new crm",
    }
