"""CheckEntitlement and ListEntitlements through the real server: what they answer, to whom, and how soon."""

from time import monotonic

import pytest
import subscriptions_requests as requests
from billing.subscriptions.v1 import (
    add_on_pb2,
    add_ons_service_pb2,
    customers_service_pb2,
    entitlements_service_pb2,
    features_service_pb2,
    policy_pb2,
    subscription_pb2,
    subscriptions_service_pb2,
)
from billing_kernel.errors import DomainError, Kind
from billing_kernel.ids import decode, encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

STALE_S = 1.0
LIMIT = policy_pb2.MeteredGrant(meter_code="api_calls", limit="100")
GRANTS = (
    policy_pb2.Entitlement(feature_code="sso", essential=True),
    policy_pb2.Entitlement(feature_code="tier", value="gold"),
    policy_pb2.Entitlement(feature_code="api", metered=LIMIT),
)
Reason = entitlements_service_pb2.EntitlementReason


class Unreachable(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "USAGE_GONE"


@pytest.fixture(autouse=True)
def quiet(usage):
    usage.used, usage.refusal = {}, None


async def sold(client, *grants, code="pro", **terms):
    """A published version that grants these."""
    for each in grants:
        request = features_service_pb2.CreateFeatureRequest(code=each.feature_code, name=each.feature_code)
        await client.features("CreateFeature", request)
    return await requests.make_version(
        client, requests.BASE, code=code, terms=policy_pb2.PlanTerms(entitlements=grants, **terms)
    )


@pytest.fixture
async def version(admin):
    return await sold(admin, *GRANTS)


@pytest.fixture
async def customer(admin):
    return await requests.make_customer(admin, external_id="acme")


async def subscribe(client, customer, version, **changes):
    request = requests.subscribe(customer.customer_id, version.plan_version_id, **changes)
    return (await client.subscriptions("CreateSubscription", request)).subscription


async def check(client, feature, amount="", **subject):
    request = entitlements_service_pb2.CheckEntitlementRequest(feature_code=feature, amount=amount, **subject)
    return await client.entitlements("CheckEntitlement", request)


async def soon(client, feature, wanted, **subject):
    """Asks until the answer is `wanted`, which it must be within a second."""
    committed_s = monotonic()
    while (found := await check(client, feature, **subject)).allowed != wanted:
        assert monotonic() - committed_s < STALE_S, "stale"
    return found


async def test_what_a_subscription_grants(admin, version, customer):
    subject = {"customer_id": customer.customer_id}
    assert (await check(admin, "sso", **subject)).reason == Reason.ENTITLEMENT_REASON_NOT_GRANTED
    made = await subscribe(admin, customer, version)
    found = await soon(admin, "sso", True, **subject)
    assert (found.reason, found.subscription_id) == (Reason.ENTITLEMENT_REASON_GRANTED, made.subscription_id)
    assert found.customer_id == customer.customer_id
    assert (await check(admin, "tier", **subject)).value == "gold"
    assert (await check(admin, "audit", **subject)).reason == Reason.ENTITLEMENT_REASON_NOT_GRANTED


async def test_a_limit_is_held_against_the_usage(admin, version, customer, usage):
    made = await subscribe(admin, customer, version)
    subject = {"customer_id": customer.customer_id}
    await soon(admin, "sso", True, **subject)
    usage.used = {"api_calls": 90}
    found = await check(admin, "api", "10", **subject)
    assert (found.allowed, found.limit, found.used, found.remaining) == (True, "100", "90", "10")
    assert found.reset_time == made.current_period.end
    assert usage.asked[-1][0] == [decode("sub", made.subscription_id)]
    found = await check(admin, "api", "10.5", **subject)
    assert (found.allowed, found.reason) == (False, Reason.ENTITLEMENT_REASON_LIMIT_REACHED)


async def test_a_limit_that_cannot_be_held_permits_nothing(admin, version, customer, usage, refused):
    await subscribe(admin, customer, version)
    subject = {"customer_id": customer.customer_id}
    await soon(admin, "sso", True, **subject)
    usage.refusal = Unreachable("gone")
    refusal = await refused(check(admin, "api", **subject))
    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "ENTITLEMENT_USAGE_UNAVAILABLE")
    assert (await check(admin, "sso", **subject)).allowed  # needs no usage


async def test_every_way_to_name_the_subject(admin, version, customer):
    made = await subscribe(admin, customer, version, external_id="contract-1")
    await soon(admin, "sso", True, customer_id=customer.customer_id)
    for subject in (
        {"external_customer_id": "acme"},
        {"subscription_id": made.subscription_id},
        {"external_subscription_id": "contract-1"},
    ):
        found = await check(admin, "sso", **subject)
        assert (found.allowed, found.customer_id) == (True, customer.customer_id)


async def test_a_subscription_alone_does_not_have_what_its_neighbour_grants(admin, version, customer):
    other = await requests.make_version(admin, requests.BASE, code="plain")
    plain, rich = await subscribe(admin, customer, other), await subscribe(admin, customer, version)
    await soon(admin, "sso", True, subscription_id=rich.subscription_id)
    assert not (await check(admin, "sso", subscription_id=plain.subscription_id)).allowed
    assert (await check(admin, "sso", customer_id=customer.customer_id)).allowed


async def test_names_that_nobody_has(admin, client_of, customer, version, refused):
    made = await subscribe(admin, customer, version, external_id="contract-1")
    stranger = client_of(uuid7())
    for client, subject, reason in (
        (admin, {"customer_id": encode("cus", uuid7())}, "CUSTOMER_NOT_FOUND"),
        (admin, {"external_customer_id": "nobody"}, "CUSTOMER_NOT_FOUND"),
        (admin, {"subscription_id": encode("sub", uuid7())}, "SUBSCRIPTION_NOT_FOUND"),
        (admin, {"external_subscription_id": "nobody"}, "SUBSCRIPTION_NOT_FOUND"),
        (stranger, {"customer_id": customer.customer_id}, "CUSTOMER_NOT_FOUND"),
        (stranger, {"external_customer_id": "acme"}, "CUSTOMER_NOT_FOUND"),
        (stranger, {"subscription_id": made.subscription_id}, "SUBSCRIPTION_NOT_FOUND"),
        (stranger, {"external_subscription_id": "contract-1"}, "SUBSCRIPTION_NOT_FOUND"),
    ):
        refusal = await refused(check(client, "sso", **subject))
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", reason)


async def test_a_customer_asks_for_itself_alone(admin, client_of, tenant_id, customer, version, refused):
    made = await subscribe(admin, customer, version, external_id="contract-1")
    await soon(admin, "sso", True, external_subscription_id="contract-1")  # is cached from here on
    me = client_of(tenant_id, "customer", decode("cus", customer.customer_id))
    other = client_of(tenant_id, "customer", uuid7())
    for subject in (
        {"customer_id": customer.customer_id},
        {"external_customer_id": "acme"},
        {"subscription_id": made.subscription_id},
        {"external_subscription_id": "contract-1"},
    ):
        assert (await check(me, "sso", **subject)).allowed
        assert (await refused(check(other, "sso", **subject))).code == "NOT_FOUND"
    listed = entitlements_service_pb2.ListEntitlementsRequest(customer_id=customer.customer_id)
    assert len((await me.entitlements("ListEntitlements", listed)).entitlements) == 3
    assert (await refused(other.entitlements("ListEntitlements", listed))).reason == "CUSTOMER_NOT_FOUND"


async def test_a_rename_moves_the_name_at_once(admin, customer, version, refused):
    await subscribe(admin, customer, version)
    await soon(admin, "sso", True, external_customer_id="acme")
    change = customers_service_pb2.UpdateCustomerRequest(
        customer_id=customer.customer_id,
        customer=customers_service_pb2.CustomerChange(external_id="acme-2"),
        update_mask=FieldMask(paths=["external_id"]),
    )
    await admin.customers("UpdateCustomer", change)
    heir = await requests.make_customer(admin, external_id="acme")
    committed_s = monotonic()
    while (await check(admin, "sso", external_customer_id="acme")).customer_id != heir.customer_id:
        assert monotonic() - committed_s < STALE_S
    assert (await check(admin, "sso", external_customer_id="acme-2")).customer_id == customer.customer_id


async def test_changes_are_seen_within_a_second(admin, customer, version):
    subject = {"customer_id": customer.customer_id}
    made = await subscribe(admin, customer, version)
    await soon(admin, "sso", True, **subject)
    pause = subscriptions_service_pb2.PauseSubscriptionRequest(
        subscription_id=made.subscription_id, when="CHANGE_WHEN_NOW", billing="PAUSE_BILLING_VOID"
    )
    await admin.subscriptions("PauseSubscription", pause)
    found = await soon(admin, "sso", False, **subject)
    assert found.reason == Reason.ENTITLEMENT_REASON_SUBSCRIPTION_NOT_RUNNING
    resume = subscriptions_service_pb2.ResumeSubscriptionRequest(subscription_id=made.subscription_id)
    await admin.subscriptions("ResumeSubscription", resume)
    await soon(admin, "sso", True, **subject)
    cancel = subscriptions_service_pb2.CancelSubscriptionRequest(
        subscription_id=made.subscription_id, cancel_at="CANCEL_AT_NOW"
    )
    await admin.subscriptions("CancelSubscription", cancel)
    assert (await soon(admin, "sso", False, **subject)).reason == Reason.ENTITLEMENT_REASON_NOT_GRANTED


async def test_an_add_on_grants_as_often_as_it_is_taken(admin, version, customer, usage):
    feature = features_service_pb2.CreateFeatureRequest(code="support", name="Support")
    await admin.features("CreateFeature", feature)
    more = policy_pb2.MeteredGrant(meter_code="api_calls", limit="50")
    content = add_on_pb2.AddOnContent(
        name="More calls",
        kind="PLAN_ITEM_KIND_SEAT",
        timing="CHARGE_TIMING_ADVANCE",
        currency_code="EUR",
        price={"per_unit": {"unit_amount": "5"}},
        tax_category="digital_service",
        tax_behavior="TAX_BEHAVIOR_EXCLUSIVE",
        entitlements=[
            policy_pb2.Entitlement(feature_code="api", metered=more),
            policy_pb2.Entitlement(feature_code="support"),
        ],
    )
    request = add_ons_service_pb2.CreateAddOnRequest(code="more_calls", content=content)
    await admin.call("add_ons", "CreateAddOn", request)
    taken = subscription_pb2.AddOnQuantity(add_on_code="more_calls", quantity="3")
    made = await subscribe(admin, customer, version, add_ons=[taken])
    subject = {"customer_id": customer.customer_id}
    await soon(admin, "support", True, **subject)
    usage.used = {"api_calls": 100}
    found = await check(admin, "api", **subject)
    assert (found.allowed, found.limit, found.remaining) == (True, "250", "150")
    removal = subscriptions_service_pb2.ChangeSubscriptionRequest(
        subscription_id=made.subscription_id,
        change=subscription_pb2.SubscriptionChange(remove_codes=["more_calls"]),
        when="CHANGE_WHEN_NOW",
    )
    await admin.subscriptions("ChangeSubscription", removal)
    await soon(admin, "support", False, **subject)
    assert (await check(admin, "api", **subject)).limit == "100"


async def test_canceled_at_the_end_of_the_period_grants_until_then(admin, peer):
    await requests.set_clock(peer, "2026-01-01")
    customer, version = await requests.make_customer(admin), await sold(admin, *GRANTS)
    subject = {"customer_id": customer.customer_id}
    made = await subscribe(admin, customer, version)
    cancel = subscriptions_service_pb2.CancelSubscriptionRequest(
        subscription_id=made.subscription_id, cancel_at="CANCEL_AT_PERIOD_END"
    )
    await admin.subscriptions("CancelSubscription", cancel)
    await requests.set_clock(peer, "2026-01-31T23:59:59Z")
    await soon(admin, "sso", True, **subject)
    await requests.set_clock(peer, "2026-02-01")  # and no renewal has run
    found = await soon(admin, "sso", False, **subject)
    assert found.reason == Reason.ENTITLEMENT_REASON_SUBSCRIPTION_NOT_RUNNING


async def test_the_list_is_paged_by_code(admin, customer, version, refused):
    made = await subscribe(admin, customer, version)
    await soon(admin, "sso", True, customer_id=customer.customer_id)
    request = entitlements_service_pb2.ListEntitlementsRequest(customer_id=customer.customer_id, page_size=2)
    first = await admin.entitlements("ListEntitlements", request)
    request.page_token = first.next_page_token
    second = await admin.entitlements("ListEntitlements", request)
    found = [*first.entitlements, *second.entitlements]
    assert [each.feature_code for each in found] == ["api", "sso", "tier"]
    assert (found[0].limit, found[0].meter_code, found[0].soft) == ("100", "api_calls", False)
    assert found[2].value == "gold"
    assert {each.customer_id for each in found} == {customer.customer_id}
    assert list(found[1].subscription_ids) == [made.subscription_id]
    assert second.next_page_token == ""
    request.page_token = "nonsense"
    assert (await refused(admin.entitlements("ListEntitlements", request))).reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("wrong", [{"feature": ""}, {"feature": "UPPER"}, {"feature": "sso", "amount": "-1"}, {}])
async def test_questions_that_make_no_sense(admin, customer, refused, wrong):
    if not wrong:
        call = check(admin, "sso")
    else:
        call = check(admin, wrong["feature"], wrong.get("amount", ""), customer_id=customer.customer_id)
    assert (await refused(call)).reason == "VALIDATION_FAILED"
