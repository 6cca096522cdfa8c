"""SubscriptionsService over gRPC: every method, good and bad."""

import pytest
import subscriptions_requests as ask
from billing.subscriptions.v1 import policy_pb2, subscription_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.ids import decode, encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

ACTIVE = subscription_pb2.SUBSCRIPTION_STATE_ACTIVE


@pytest.fixture
async def shop(admin, peer):
    """(customer, plan version) on 15 March 2026, by a test clock."""
    await ask.set_clock(peer, "2026-03-15")
    return await ask.make_customer(admin, time_zone="Europe/Berlin"), await ask.make_version(admin)


async def make(client, shop, *start, **changes):
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id, *start, **changes)
    return (await client.subscriptions("CreateSubscription", request)).subscription


def get(subscription, *paths):
    mask = FieldMask(paths=paths)
    return pb.GetSubscriptionRequest(subscription_id=subscription.subscription_id, read_mask=mask)


def cancel(subscription, at, etag=""):
    return pb.CancelSubscriptionRequest(subscription_id=subscription.subscription_id, cancel_at=at, etag=etag)


def change(subscription, code, text, etag=""):
    return pb.ChangeSubscriptionQuantityRequest(
        subscription_id=subscription.subscription_id,
        item=ask.quantity(code, text),
        etag=etag,
        when=policy_pb2.CHANGE_WHEN_PERIOD_END,
    )


async def test_a_subscription_starts_now(admin, shop):
    made = await make(admin, shop, quantities=[ask.quantity("seats", "3")], metadata={"a": "1"}, external_id="s1")
    assert (made.state, made.currency_code, made.time_zone) == (ACTIVE, "EUR", "Europe/Berlin")
    assert made.start_time == made.anchor_time == made.next_due_time == ask.stamp("2026-03-15")
    assert made.current_period.end == ask.stamp("2026-04-14T23:00:00Z")  # summer time begins in between
    assert [(item.code, item.quantity) for item in made.items] == [("base", "1"), ("seats", "3"), ("calls", "")]
    assert (made.etag, made.period_index, made.external_id) == ("v1", 0, "s1")
    assert (await admin.subscriptions("GetSubscription", get(made))).subscription == made
    masked = await admin.subscriptions("GetSubscription", get(made, "state"))
    assert masked.subscription == subscription_pb2.Subscription(state=ACTIVE)


async def test_a_trial(admin, shop):
    made = await make(admin, shop, "2026-03-10T23:00:00Z", trial_days=14)
    assert made.state == subscription_pb2.SUBSCRIPTION_STATE_TRIALING
    assert made.trial_end_time == made.anchor_time == made.next_due_time == ask.stamp("2026-03-24T23:00:00Z")
    assert made.period_index == -1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start_time": ask.stamp("1815-12-10")}, "START_TOO_OLD"),
        ({"quantities": [ask.quantity("nope", "1")]}, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("base", "2")]}, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("seats", "1"), ask.quantity("seats", "2")]}, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("seats", "007")]}, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("seats", "99999999999999999999")]}, "INVALID_QUANTITY"),
        ({"quantities": [ask.quantity("seats", "-1")]}, "VALIDATION_FAILED"),
        ({"quantities": [ask.quantity("seats", "1e3")]}, "VALIDATION_FAILED"),
        ({"trial_days": 731}, "VALIDATION_FAILED"),
        ({"customer_id": "cus_x"}, "VALIDATION_FAILED"),
        ({"customer_id": encode("cus", uuid7())}, "CUSTOMER_NOT_FOUND"),
        ({"plan_version_id": encode("pv", uuid7())}, "PLAN_VERSION_NOT_FOUND"),
    ],
)
async def test_starts_that_are_refused(admin, shop, refused, changes, reason):
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id)
    for name, value in changes.items():
        request.ClearField(name)
        request.MergeFrom(pb.CreateSubscriptionRequest(**{name: value}))
    assert (await refused(admin.subscriptions("CreateSubscription", request))).reason == reason
    assert not (await admin.subscriptions("ListSubscriptions", pb.ListSubscriptionsRequest())).subscriptions


async def test_what_is_not_sold_is_refused(admin, shop, refused):
    plan_id = shop[1].plan_id
    draft = (await admin.plans("CreatePlanVersion", ask.create_version(plan_id))).plan_version
    refusal = await refused(
        admin.subscriptions("CreateSubscription", ask.subscribe(shop[0].customer_id, draft.plan_version_id))
    )
    assert refusal.reason == "PLAN_VERSION_NOT_PUBLISHED"
    dollars = await ask.make_version(admin, ask.BASE, code="usd", currency_code="USD")
    refusal = await refused(
        admin.subscriptions("CreateSubscription", ask.subscribe(shop[0].customer_id, dollars.plan_version_id))
    )
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CURRENCY_MISMATCH")


async def test_a_repeated_key_starts_one_subscription(admin, shop):
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id)
    first = await admin.subscriptions("CreateSubscription", request, key="k")
    assert await admin.subscriptions("CreateSubscription", request, key="k") == first
    listed = await admin.subscriptions("ListSubscriptions", pb.ListSubscriptionsRequest())
    assert list(listed.subscriptions) == [first.subscription]


async def test_external_ids_are_taken_once(admin, shop, refused):
    await make(admin, shop, external_id="one")
    two = await make(admin, shop, external_id="two")
    request = ask.subscribe(shop[0].customer_id, shop[1].plan_version_id, external_id="one")
    assert (await refused(admin.subscriptions("CreateSubscription", request))).reason == "EXTERNAL_ID_TAKEN"
    update = pb.UpdateSubscriptionRequest(subscription_id=two.subscription_id, external_id="one")
    update.update_mask.paths.append("external_id")
    assert (await refused(admin.subscriptions("UpdateSubscription", update))).reason == "EXTERNAL_ID_TAKEN"


async def test_updates(admin, shop, refused):
    made = await make(admin, shop, metadata={"a": "1"})
    update = pb.UpdateSubscriptionRequest(subscription_id=made.subscription_id, external_id="x", etag="v1")
    update.update_mask.paths.append("external_id")
    after = (await admin.subscriptions("UpdateSubscription", update)).subscription
    assert (after.external_id, dict(after.metadata), after.etag) == ("x", {"a": "1"}, "v2")
    refusal = await refused(admin.subscriptions("UpdateSubscription", update))
    assert (refusal.code, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")
    update.etag = ""
    update.update_mask.paths[:] = ["state"]
    assert (await refused(admin.subscriptions("UpdateSubscription", update))).reason == "INVALID_UPDATE_MASK"
    update.update_mask.paths[:] = ["metadata"]
    assert not (await admin.subscriptions("UpdateSubscription", update)).subscription.metadata


async def test_lists_are_filtered_and_paged(admin, shop):
    other = await ask.make_customer(admin)
    made = [await make(admin, shop, external_id=f"s{n}") for n in range(3)]
    theirs = await make(admin, (other, shop[1]))

    async def listed(**filters):
        page = await admin.subscriptions("ListSubscriptions", pb.ListSubscriptionsRequest(**filters))
        return {each.subscription_id for each in page.subscriptions}, page.next_page_token

    ids = {each.subscription_id for each in made}
    assert await listed(customer_id=shop[0].customer_id) == (ids, "")
    assert await listed(customer_id=other.customer_id) == ({theirs.subscription_id}, "")
    assert await listed(external_id="s1") == ({made[1].subscription_id}, "")
    assert await listed(state=subscription_pb2.SUBSCRIPTION_STATE_CANCELED) == (set(), "")
    first, token = await listed(page_size=3)
    rest, end = await listed(page_size=3, page_token=token)
    assert (first | rest, end) == (ids | {theirs.subscription_id}, "")


async def test_quantities_change_with_the_next_period(admin, shop, refused):
    made = await make(admin, shop)
    after = (await admin.subscriptions("ChangeSubscriptionQuantity", change(made, "seats", "5", "v1"))).subscription
    assert [(item.quantity, item.next_quantity) for item in after.items] == [("1", ""), ("1", "5"), ("", "")]
    for request, reason in (
        (change(made, "seats", "5", "v1"), "ETAG_MISMATCH"),
        (change(made, "nope", "5"), "SUBSCRIPTION_ITEM_NOT_FOUND"),
        (change(made, "base", "5"), "INVALID_QUANTITY"),
        (change(made, "calls", "5"), "INVALID_QUANTITY"),
        (change(made, "seats", "05"), "INVALID_QUANTITY"),
        (change(made, "seats", ""), "VALIDATION_FAILED"),
        (pb.ChangeSubscriptionQuantityRequest(subscription_id=made.subscription_id), "VALIDATION_FAILED"),
    ):
        assert (await refused(admin.subscriptions("ChangeSubscriptionQuantity", request))).reason == reason


async def test_cancelations(admin, shop, refused):
    made = await make(admin, shop, "2026-03-01")
    planned = (await admin.subscriptions("CancelSubscription", cancel(made, pb.CANCEL_AT_PERIOD_END))).subscription
    assert (planned.state, planned.cancel_at_period_end) == (ACTIVE, True)
    ended = (await admin.subscriptions("CancelSubscription", cancel(made, pb.CANCEL_AT_NOW))).subscription
    assert ended.state == subscription_pb2.SUBSCRIPTION_STATE_CANCELED
    assert ended.cancel_time == ended.current_period.end == ask.stamp("2026-03-15")
    assert not ended.cancel_at_period_end
    for call in (
        admin.subscriptions("CancelSubscription", cancel(made, pb.CANCEL_AT_NOW)),
        admin.subscriptions("ChangeSubscriptionQuantity", change(made, "seats", "5")),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "SUBSCRIPTION_CANCELED")
    other = await make(admin, shop)
    for request, reason in (
        (cancel(other, pb.CANCEL_AT_UNSPECIFIED), "VALIDATION_FAILED"),
        (cancel(other, 9), "VALIDATION_FAILED"),
        (cancel(other, pb.CANCEL_AT_NOW, "v9"), "ETAG_MISMATCH"),
    ):
        assert (await refused(admin.subscriptions("CancelSubscription", request))).reason == reason
    assert (await admin.subscriptions("GetSubscription", get(other))).subscription == other


def touching(subscription):
    """A good request of every method that names a subscription."""
    labels = pb.UpdateSubscriptionRequest(subscription_id=subscription.subscription_id)
    labels.update_mask.paths.append("metadata")
    return {
        "GetSubscription": get(subscription),
        "UpdateSubscription": labels,
        "ChangeSubscriptionQuantity": change(subscription, "seats", "2"),
        "CancelSubscription": cancel(subscription, pb.CANCEL_AT_NOW),
    }


async def test_unknown_and_foreign_subscriptions_are_not_found(admin, client_of, shop, refused):
    stranger = client_of(uuid7())
    foreign = await make(stranger, (await ask.make_customer(stranger), await ask.make_version(stranger)))
    unknown = subscription_pb2.Subscription(subscription_id=encode("sub", uuid7()))
    for subscription in (foreign, unknown):
        for method, request in touching(subscription).items():
            refusal = await refused(admin.subscriptions(method, request))
            assert (refusal.code, refusal.reason) == ("NOT_FOUND", "SUBSCRIPTION_NOT_FOUND")
    request = ask.subscribe(foreign.customer_id, shop[1].plan_version_id)
    assert (await refused(admin.subscriptions("CreateSubscription", request))).reason == "CUSTOMER_NOT_FOUND"


async def test_a_customer_reads_its_own_subscriptions_alone(admin, client_of, shop, refused, tenant_id):
    other = await ask.make_customer(admin)
    mine, theirs = await make(admin, shop), await make(admin, (other, shop[1]))
    owner = client_of(tenant_id, "customer", decode("cus", shop[0].customer_id))
    listed = await owner.subscriptions("ListSubscriptions", pb.ListSubscriptionsRequest())
    assert list(listed.subscriptions) == [mine]
    spying = pb.ListSubscriptionsRequest(customer_id=other.customer_id)
    assert not (await owner.subscriptions("ListSubscriptions", spying)).subscriptions
    assert (await refused(owner.subscriptions("GetSubscription", get(theirs)))).code == "NOT_FOUND"
    for method, request in touching(mine).items():
        if method != "GetSubscription":
            assert (await refused(owner.subscriptions(method, request))).code == "PERMISSION_DENIED"
