"""The timeline over gRPC: why a call was made, and what support reads of it."""

import json
import re

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


async def test_fields_are_those_of_the_api_and_plans_have_names(admin, peer, shop):
    made, business = shop
    own = {"subscription_id": made.subscription_id}
    redeem = pb.RedeemCouponRequest(coupon_code="ten", **own)
    (coupon,) = (await admin.subscriptions("RedeemCoupon", redeem)).subscription.coupons
    await ask.set_clock(peer, "2026-03-17")
    wanted = sub.SubscriptionChange(plan_version_id=business.plan_version_id)
    later = pb.ChangeSubscriptionRequest(change=wanted, when=policy.CHANGE_WHEN_PERIOD_END, **own)
    (waiting,) = (await admin.subscriptions("ChangeSubscription", later)).subscription.scheduled_changes
    await admin.subscriptions(
        "DeleteScheduledChange",
        pb.DeleteScheduledChangeRequest(scheduled_change_id=waiting.scheduled_change_id, **own),
    )
    changed = (
        await admin.subscriptions("ChangeSubscription", pb.ChangeSubscriptionRequest(change=wanted, **own))
    ).subscription
    changes = {each.kind: each for each in await timeline(admin, made)}
    assert changes["CREATED"].summary == "Created on team v1, active, begins 2026-03-01 with fee, seats."
    assert changes["STARTED"].summary.startswith("Started, next billed on 2026-04-01. 2 charges")
    assert changes["UPGRADE"].summary.startswith("Upgraded from team v1 to business v1. 2 charges")
    told = {kind: values(each) for kind, each in changes.items()}
    created = told["CREATED"]
    assert created["subscription_id"] == [None, made.subscription_id]
    assert created["customer_id"] == [None, made.customer_id]
    assert created["plan_id"] == [None, made.plan_id]
    assert [each["subscription_item_id"] for each in created["items"][1]] == [
        each.subscription_item_id for each in made.items
    ]
    assert told["COUPON_REDEEMED"]["coupons"][1][0]["redemption_id"] == coupon.redemption_id
    planned = told["CHANGE_SCHEDULED"]["scheduled_changes"][1][0]
    assert planned["scheduled_change_id"] == waiting.scheduled_change_id
    assert planned["change"]["plan_version_id"] == business.plan_version_id
    upgrade = told["UPGRADE"]
    assert upgrade["plan_version_id"] == [made.plan_version_id, business.plan_version_id]
    assert [each["plan_item_id"] for each in upgrade["items"][1]] == [each.plan_item_id for each in changed.items]
    assert [each["amount"] for each in upgrade["pending_charges"][1]] == [
        {"currency_code": "EUR", "amount_minor": each.amount.amount_minor} for each in changed.pending_charges
    ]


async def test_no_field_shows_a_raw_id_or_a_column(admin, shop):
    """Ids of charges alone are uuids in the API."""
    made, business = shop
    price = price_model_pb2.PriceModel(per_unit=price_model_pb2.PerUnitModel(unit_amount="7"))
    wanted = sub.SubscriptionChange(
        plan_version_id=business.plan_version_id, price_overrides=[sub.PriceOverride(code="seats", price=price)]
    )
    request = pb.ChangeSubscriptionRequest(subscription_id=made.subscription_id, change=wanted)
    await admin.subscriptions("ChangeSubscription", request)
    pause = pb.PauseSubscriptionRequest(subscription_id=made.subscription_id, billing=sub.PAUSE_BILLING_HOLD)
    await admin.subscriptions("PauseSubscription", pause)
    for each in await timeline(admin, made):
        for name, sides in values(each).items():
            text = re.sub(r'"charge_id": ?"[^"]*"', "", json.dumps(sides))
            assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text), (each.kind, name, text)
            assert not name.endswith("_at"), name
            assert not re.search(r'"\w+_at":', text), (each.kind, name, text)


def values(record):
    return {
        each.field: [json.loads(side) if side else None for side in (each.before, each.after)] for each in record.fields
    }
