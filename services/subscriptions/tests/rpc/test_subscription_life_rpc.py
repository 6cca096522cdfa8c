"""The life of subscriptions over gRPC: changes, pauses, schedules, coupons, previews and the timeline."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import money_pb2, period_pb2, price_model_pb2
from billing.subscriptions.v1 import charge_pb2, coupon_pb2, coupons_service_pb2, plan_pb2, plans_service_pb2
from billing.subscriptions.v1 import policy_pb2 as policy
from billing.subscriptions.v1 import subscription_pb2 as sub
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.ids import encode, uuid7

FEE = {"flat": price_model_pb2.FlatModel(amount="31")}
MORE = {"flat": price_model_pb2.FlatModel(amount="62")}
SEAT = {"per_unit": price_model_pb2.PerUnitModel(unit_amount="10")}


def item(code, kind, price):
    return ask.item(code, kind, price)


@pytest.fixture
async def shop(admin, peer):
    """(customer, cheap version, dear version) on 1 March 2026."""
    await ask.set_clock(peer, "2026-03-01")
    cheap = await ask.make_version(admin, item("fee", "FLAT", FEE), item("seats", "SEAT", SEAT), code="cheap")
    dear = await ask.make_version(admin, item("fee", "FLAT", MORE), item("seats", "SEAT", SEAT), code="dear")
    return await ask.make_customer(admin), cheap, dear


async def subscribed(client, shop, **changes):
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id, **changes)
    return (await client.subscriptions("CreateSubscription", request)).subscription


def minor(charges):
    return [each.amount.amount_minor for each in charges]


def change(subscription, when=policy.CHANGE_WHEN_UNSPECIFIED, **parts):
    wanted = sub.SubscriptionChange(**parts)
    return pb.ChangeSubscriptionRequest(subscription_id=subscription.subscription_id, change=wanted, when=when)


def preview(request):
    return pb.PreviewChangeRequest(subscription_id=request.subscription_id, change=request.change, when=request.when)


async def test_an_upgrade_in_the_middle_of_the_month_and_what_its_preview_said(admin, peer, shop):
    made = await subscribed(admin, shop)
    await ask.set_clock(peer, "2026-03-17")
    request = change(made, plan_version_id=shop[2].plan_version_id)
    request.reason = "asked on the phone"
    said = await admin.subscriptions("PreviewChange", preview(request))
    assert (await admin.subscriptions("GetSubscription", get(made))).subscription == made
    done = await admin.subscriptions("ChangeSubscription", request, key="up")
    assert done == await admin.subscriptions("ChangeSubscription", request, key="up")
    for name in ("subscription", "net", "effective_time", "rules"):
        ours, theirs = getattr(done, name), getattr(said, name)
        if name == "subscription":
            ours.ClearField("update_time")
            theirs.ClearField("update_time")
        assert ours == theirs
    assert list(done.charges) == list(said.charges)
    assert sorted(minor(done.charges)) == [-1500, 3000]
    (credit,) = [each for each in done.charges if each.HasField("credit_of")]
    assert (credit.reason, credit.credit_of.share.numerator, credit.credit_of.share.denominator) == (
        charge_pb2.CHARGE_REASON_UPGRADE,
        "15",
        "31",
    )
    assert (done.net.amount_minor, done.effective_time) == (1500, ask.stamp("2026-03-17"))
    assert [policy.ChangeKind.Name(each.kind) for each in done.rules] == ["CHANGE_KIND_UPGRADE"]
    assert len(done.subscription.pending_charges) == 2
    assert sorted(minor(said.next_charges)) == [-1500, 1000, 3000, 6200]


def get(subscription, **more):
    return pb.GetSubscriptionRequest(subscription_id=subscription.subscription_id, **more)


async def test_a_downgrade_waits_and_can_be_taken_back(admin, peer, shop, refused):
    made = await subscribed(admin, (shop[0], shop[2]))
    done = await admin.subscriptions("ChangeSubscription", change(made, plan_version_id=shop[1].plan_version_id))
    (waiting,) = done.subscription.scheduled_changes
    assert waiting.effective_time == done.effective_time == ask.stamp("2026-04-01")
    again = change(made, policy.CHANGE_WHEN_PERIOD_END, plan_version_id=shop[1].plan_version_id)
    refusal = await refused(admin.subscriptions("ChangeSubscription", again))
    assert refusal.reason == "SCHEDULED_CHANGE_CONFLICT"
    delete = pb.DeleteScheduledChangeRequest(
        subscription_id=made.subscription_id, scheduled_change_id=waiting.scheduled_change_id
    )
    back = (await admin.subscriptions("DeleteScheduledChange", delete)).subscription
    assert not back.scheduled_changes
    assert (await refused(admin.subscriptions("DeleteScheduledChange", delete))).reason == "SCHEDULED_CHANGE_NOT_FOUND"


@pytest.mark.parametrize(
    ("parts", "when", "reason"),
    [
        ({"plan_version_id": encode("pv", uuid7())}, 1, "PLAN_VERSION_NOT_FOUND"),
        ({"plan_version_id": "pv_x"}, 1, "VALIDATION_FAILED"),
        ({}, 1, "INVALID_CHANGE"),
        ({"quantities": [ask.quantity("nope", "1")]}, 1, "SUBSCRIPTION_ITEM_NOT_FOUND"),
        ({"quantities": [ask.quantity("seats", "1"), ask.quantity("seats", "2")]}, 1, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("seats", "5")]}, 3, "INVALID_CHANGE_TIME"),
        ({"add_ons": [sub.AddOnQuantity(add_on_code="nope")]}, 1, "ADD_ON_NOT_FOUND"),
        ({"remove_codes": ["nope"]}, 1, "SUBSCRIPTION_ITEM_NOT_FOUND"),
        (
            {"price_overrides": [sub.PriceOverride(code="fee", price=price_model_pb2.PriceModel(**SEAT))]},
            1,
            "INVALID_PRICE",
        ),
    ],
)
async def test_changes_that_are_refused(admin, shop, refused, parts, when, reason):
    made = await subscribed(admin, shop)
    request = change(made, when, **parts)
    assert (await refused(admin.subscriptions("ChangeSubscription", request))).reason == reason
    assert (await refused(admin.subscriptions("PreviewChange", preview(request)))).reason == reason
    assert (await admin.subscriptions("GetSubscription", get(made))).subscription == made


async def test_a_cancelation_with_credit_and_its_undoing(admin, peer, shop, refused):
    made = await subscribed(admin, shop)
    undo = pb.UndoCancelSubscriptionRequest(subscription_id=made.subscription_id)
    assert (await refused(admin.subscriptions("UndoCancelSubscription", undo))).reason == "NOT_CANCELING"
    later = pb.CancelSubscriptionRequest(
        subscription_id=made.subscription_id, cancel_at=pb.CANCEL_AT_ON_DATE, effective_time=ask.stamp("2026-03-20")
    )
    planned = (await admin.subscriptions("CancelSubscription", later)).subscription
    assert planned.end_time == ask.stamp("2026-03-20")
    assert not (await admin.subscriptions("UndoCancelSubscription", undo)).subscription.HasField("end_time")
    await ask.set_clock(peer, "2026-03-17")
    now = pb.CancelSubscriptionRequest(
        subscription_id=made.subscription_id, cancel_at=pb.CANCEL_AT_NOW, credit=True, reason="moved away"
    )
    ended = await admin.subscriptions("CancelSubscription", now)
    assert ended.subscription.state == sub.SUBSCRIPTION_STATE_CANCELED
    assert sorted(minor(ended.charges)) == [-1500, -484]
    assert (await refused(admin.subscriptions("UndoCancelSubscription", undo))).reason == "SUBSCRIPTION_CANCELED"


async def test_a_pause_and_its_end(admin, peer, shop, refused):
    made = await subscribed(admin, shop)
    await ask.set_clock(peer, "2026-03-17")
    pause = pb.PauseSubscriptionRequest(subscription_id=made.subscription_id, billing=sub.PAUSE_BILLING_VOID)
    paused = await admin.subscriptions("PauseSubscription", pause)
    assert paused.subscription.state == sub.SUBSCRIPTION_STATE_PAUSED
    assert sorted(minor(paused.charges)) == [-1500, -484]
    assert (await refused(admin.subscriptions("PauseSubscription", pause))).reason == "INVALID_TRANSITION"
    await ask.set_clock(peer, "2026-03-24")
    resume = pb.ResumeSubscriptionRequest(subscription_id=made.subscription_id)
    resumed = await admin.subscriptions("ResumeSubscription", resume)
    assert resumed.subscription.state == sub.SUBSCRIPTION_STATE_ACTIVE
    assert sorted(minor(resumed.charges)) == [258, 800]
    assert (await refused(admin.subscriptions("ResumeSubscription", resume))).reason == "INVALID_TRANSITION"


async def test_a_schedule_of_phases(admin, shop, refused):
    made = await subscribed(admin, shop)

    def schedule(*days):
        wanted = [
            pb.SubscriptionPhase(
                code=f"phase-{number}",
                start_time=ask.stamp(day),
                change=sub.SubscriptionChange(quantities=[ask.quantity("seats", str(number + 2))]),
            )
            for number, day in enumerate(days)
        ]
        return pb.SetSubscriptionScheduleRequest(subscription_id=made.subscription_id, phases=wanted)

    done = (await admin.subscriptions("SetSubscriptionSchedule", schedule("2026-05-01", "2026-06-10"))).subscription
    assert [each.phase_code for each in done.scheduled_changes] == ["phase-0", "phase-1"]
    refusal = await refused(admin.subscriptions("SetSubscriptionSchedule", schedule("2026-06-01", "2026-05-10")))
    assert (refusal.reason, refusal.fields) == ("INVALID_CHANGE_TIME", ("phases[1].start_time",))
    cleared = (await admin.subscriptions("SetSubscriptionSchedule", schedule())).subscription
    assert not cleared.scheduled_changes


async def test_coupons(admin, shop, refused):
    terms = coupon_pb2.CouponTerms(name="Ten", percent="10", duration=coupon_pb2.COUPON_DURATION_FOREVER)
    await admin.coupons("CreateCoupon", coupons_service_pb2.CreateCouponRequest(code="ten", terms=terms))
    made = await subscribed(admin, shop, coupon_codes=["ten"])
    (coupon,) = made.coupons
    assert (coupon.coupon_code, coupon.percent, coupon.periods_left) == ("ten", "10", -1)
    redeem = pb.RedeemCouponRequest(subscription_id=made.subscription_id, coupon_code="ten")
    assert (await refused(admin.subscriptions("RedeemCoupon", redeem))).reason == "COUPON_APPLIED"
    remove = pb.RemoveCouponRequest(subscription_id=made.subscription_id, redemption_id=coupon.redemption_id)
    assert not (await admin.subscriptions("RemoveCoupon", remove)).subscription.coupons
    assert (await refused(admin.subscriptions("RemoveCoupon", remove))).reason == "REDEMPTION_NOT_FOUND"
    assert (await admin.subscriptions("RedeemCoupon", redeem)).subscription.coupons
    redeem.coupon_code = "nope"
    assert (await refused(admin.subscriptions("RedeemCoupon", redeem))).reason == "COUPON_NOT_FOUND"


async def test_a_start_is_previewed(admin, shop):
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id, "2026-04-01")
    said = await admin.subscriptions("PreviewSubscription", pb.PreviewSubscriptionRequest(subscription=request))
    assert said.subscription.state == sub.SUBSCRIPTION_STATE_SCHEDULED
    assert (minor(said.charges), said.net.amount_minor) == ([3100, 1000], 4100)
    assert said.first_due_time == ask.stamp("2026-04-01")
    assert not (await admin.subscriptions("ListSubscriptions", pb.ListSubscriptionsRequest())).subscriptions


async def test_a_plan_is_named_by_its_code(admin, shop, refused):
    request = pb.CreateSubscriptionRequest(customer_id=shop[0].customer_id, plan_code="dear")
    made = (await admin.subscriptions("CreateSubscription", request)).subscription
    assert made.plan_version_id == shop[2].plan_version_id
    request.plan_code = "nope"
    assert (await refused(admin.subscriptions("CreateSubscription", request))).reason == "PLAN_NOT_FOUND"
    request.plan_code = ""
    assert (await refused(admin.subscriptions("CreateSubscription", request))).reason == "INVALID_CHANGE"


async def test_the_timeline_and_what_it_was_then(admin, peer, shop, refused):
    made = await subscribed(admin, shop)
    await ask.set_clock(peer, "2026-03-17")
    request = change(made, quantities=[ask.quantity("seats", "3")])
    request.reason = "two more people"
    await admin.subscriptions("ChangeSubscription", request)
    listed = await admin.subscriptions(
        "ListSubscriptionChanges", pb.ListSubscriptionChangesRequest(subscription_id=made.subscription_id)
    )
    assert [each.kind for each in listed.changes] == ["CREATED", "STARTED", "QUANTITY_CHANGED"]
    last = listed.changes[-1]
    assert (last.actor, last.reason, last.version, len(last.charge_ids)) == ("user:alice", "two more people", 3, 2)
    assert last.summary == "Quantity of seats from 1 to 3. 2 charges or credits made."
    page = pb.ListSubscriptionChangesRequest(subscription_id=made.subscription_id, page_size=2)
    first = await admin.subscriptions("ListSubscriptionChanges", page)
    page.page_token = first.next_page_token
    rest = await admin.subscriptions("ListSubscriptionChanges", page)
    assert [*first.changes, *rest.changes] == list(listed.changes)
    assert not rest.next_page_token
    then = (await admin.subscriptions("GetSubscription", get(made, as_of=ask.stamp("2026-03-16")))).subscription
    assert {each.code: each.quantity for each in then.items} == {"fee": "1", "seats": "1"}
    early = get(made, as_of=ask.stamp("2026-02-01"))
    assert (await refused(admin.subscriptions("GetSubscription", early))).reason == "SUBSCRIPTION_NOT_FOUND"
    page.page_token = "nope"
    assert (await refused(admin.subscriptions("ListSubscriptionChanges", page))).reason == "INVALID_PAGE_TOKEN"


async def test_a_billing_schedule(admin, refused):
    request = pb.PreviewBillingScheduleRequest(
        start_time=ask.stamp("2026-03-17"),
        interval=period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1),
        alignment=policy.Alignment(kind=policy.ALIGNMENT_KIND_CALENDAR),
        proration=policy.Proration(basis=policy.PRORATION_BASIS_BY_DAYS),
        amount=money_pb2.Money(currency_code="EUR", amount_minor=3100),
        periods=2,
    )
    found = await admin.subscriptions("PreviewBillingSchedule", request)
    assert [each.amount.amount_minor for each in found.periods] == [1500, 3100]
    assert (found.total_share.numerator, found.total_share.denominator) == ("46", "31")
    request.time_zone = "Mars/Base"
    assert (await refused(admin.subscriptions("PreviewBillingSchedule", request))).code == "INVALID_ARGUMENT"


async def test_a_gated_start_waits_for_its_payment(admin, shop):
    made = await subscribed(admin, shop, payment_gated=True)
    assert made.state == sub.SUBSCRIPTION_STATE_INCOMPLETE
    assert made.incomplete_expire_time == ask.stamp("2026-03-01T23:00:00Z")


async def test_a_plan_with_terms(admin, peer, shop):
    plan = (await admin.plans("CreatePlan", plans_service_pb2.CreatePlanRequest(code="term", name="Term"))).plan
    terms = policy.PlanTerms(term_periods=12, term_end=policy.TERM_END_EXPIRE)
    request = ask.create_version(plan.plan_id, item("fee", "FLAT", FEE), terms=terms)
    draft = (await admin.plans("CreatePlanVersion", request)).plan_version
    publish = plans_service_pb2.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    version = (await admin.plans("PublishPlanVersion", publish)).plan_version
    assert isinstance(version, plan_pb2.PlanVersion)
    made = await subscribed(admin, (shop[0], version))
    assert made.term_end_time == ask.stamp("2027-03-01")
    assert (await admin.subscriptions("GetSubscription", get(made))).subscription.term_end_time == made.term_end_time
