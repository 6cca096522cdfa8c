"""What previews say of coupons and commitments is what the due carries then."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import money_pb2, price_model_pb2
from billing.subscriptions.v1 import coupon_pb2, coupons_service_pb2, renewals_service_pb2
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb

FEE = {"flat": price_model_pb2.FlatModel(amount="31")}
SEAT = {"per_unit": price_model_pb2.PerUnitModel(unit_amount="10")}
ITEMS = (ask.item("fee", "FLAT", FEE), ask.item("seats", "SEAT", SEAT), ask.CALLS)
FOREVER = coupon_pb2.COUPON_DURATION_FOREVER


def euros(minor):
    return money_pb2.Money(currency_code="EUR", amount_minor=minor)


@pytest.fixture
async def wanted(admin, peer):
    """A start on 1 March 2026: a fee of 31.00, a seat of 10.00 and calls, committed to 100.00 a month."""
    await ask.set_clock(peer, "2026-03-01")
    terms = policy.PlanTerms(minimum_commitments=[policy.MinimumCommitment(amount=euros(10000))])
    version = await ask.make_version(admin, *ITEMS, terms=terms)
    for code, value in (("half", {"percent": "50", "item_codes": ["seats"]}), ("five", {"amounts": [euros(500)]})):
        coupon = coupon_pb2.CouponTerms(name=code, duration=FOREVER, **value)
        await admin.coupons("CreateCoupon", coupons_service_pb2.CreateCouponRequest(code=code, terms=coupon))
    return ask.subscribe((await ask.make_customer(admin)).customer_id, version.plan_version_id)


def previewed(client, wanted):
    return client.subscriptions("PreviewSubscription", pb.PreviewSubscriptionRequest(subscription=wanted))


async def next_due(peer, subscription):
    request = renewals_service_pb2.PreviewBillingDueRequest(subscription_id=subscription.subscription_id)
    return (await peer.renewals("PreviewBillingDue", request)).due


def terms_of(discounts):
    """But for the redemption, which the call mints."""
    return [(each.coupon_id, each.coupon_code, each.percent, each.amount, list(each.item_codes)) for each in discounts]


async def test_the_preview_of_a_start_takes_its_coupons_off(admin, peer, wanted):
    plain = await previewed(admin, wanted)
    assert (plain.net, plain.discount, list(plain.discounts)) == (euros(4100), euros(0), [])
    assert not plain.HasField("commitment")
    wanted.coupon_codes.extend(["half", "five"])
    said = await previewed(admin, wanted)
    assert [each.amount.amount_minor for each in said.charges] == [3100, 1000]
    assert (said.discount, said.net) == (euros(500 + 500), euros(3100))
    made = (await admin.subscriptions("CreateSubscription", wanted)).subscription
    assert terms_of(said.discounts) == terms_of((await next_due(peer, made)).discounts)


async def test_the_preview_of_a_change_says_what_the_next_due_carries(admin, peer, wanted):
    wanted.coupon_codes.append("half")
    made = (await admin.subscriptions("CreateSubscription", wanted)).subscription
    await ask.set_clock(peer, "2026-03-17")
    change = sub.SubscriptionChange(quantities=[ask.quantity("seats", "3")])
    own = {"subscription_id": made.subscription_id, "change": change}
    said = await admin.subscriptions("PreviewChange", pb.PreviewChangeRequest(**own))
    await admin.subscriptions("ChangeSubscription", pb.ChangeSubscriptionRequest(**own))
    due = await next_due(peer, made)
    assert list(said.next_charges) == list(due.charges)
    assert list(said.next_discounts) == list(due.discounts)
    assert said.next_commitment == due.commitment
    assert said.next_commitment.amount == euros(10000)
    priced = sum(each.amount.amount_minor for each in due.charges)
    assert priced == 3100 + 3000 + 1452 - 484  # the next month, and 15/31 of this one
    assert (said.next_discount, said.next_net) == (euros((3000 + 1452) // 2), euros(priced - 2226))


async def test_an_external_id_that_is_taken_is_refused_by_the_preview_too(admin, wanted, refused):
    wanted.external_id = "crm-7"
    await previewed(admin, wanted)
    await admin.subscriptions("CreateSubscription", wanted)
    refusal = await refused(previewed(admin, wanted))
    assert (refusal.reason, refusal.fields) == ("EXTERNAL_ID_TAKEN", ("subscription.external_id",))
    of_call = await refused(admin.subscriptions("CreateSubscription", wanted))
    assert (of_call.reason, of_call.fields) == ("EXTERNAL_ID_TAKEN", ("external_id",))
