"""Import through the real server: what another system has billed is never billed again, and nothing comes in twice."""

import asyncio

import catalog_requests as catalog
import pytest
import subscriptions_requests as requests
from billing.subscriptions.v1 import (
    add_on_pb2,
    add_ons_service_pb2,
    coupon_pb2,
    coupons_service_pb2,
    customers_service_pb2,
    events_pb2,
    imports_service_pb2,
    policy_pb2,
    renewals_service_pb2,
    subscription_pb2,
    subscriptions_service_pb2,
)
from billing_kernel.ids import encode, uuid7

pb = imports_service_pb2
NOW = "2026-03-10T12:00:00Z"


@pytest.fixture
async def version(admin, peer):
    await requests.set_clock(peer, NOW)
    return await requests.make_version(admin, requests.BASE, requests.SEATS)


def item(number=1, start="2026-01-31", **changes):
    times = {name: requests.stamp(changes.pop(name)) for name in list(changes) if name.endswith("_time")}
    fields = {
        "external_customer_id": f"customer-{number}",
        "customer": requests.create_customer(),
        "external_subscription_id": f"contract-{number}",
        "plan_code": "pro",
    }
    if start:
        times["start_time"] = requests.stamp(start)
    return pb.ImportItem(**(fields | changes | times))


async def imported(client, *items, dry_run=False):
    request = pb.ImportSubscriptionsRequest(items=items, dry_run=dry_run)
    return await client.call("imports", "ImportSubscriptions", request)


async def one(client, **changes):
    """The result and the subscription of one item."""
    (result,) = (await imported(client, item(**changes))).results
    assert result.outcome == pb.IMPORT_OUTCOME_IMPORTED, result.error
    return result, await got(client, result.subscription_id)


async def got(client, subscription_id):
    request = subscriptions_service_pb2.GetSubscriptionRequest(subscription_id=subscription_id)
    return (await client.subscriptions("GetSubscription", request)).subscription


async def bill(peer, database, tenant_id, as_of):
    """Moves the clock, runs the renewals, and gives all service periods billed so far."""
    await requests.set_clock(peer, as_of)
    request = renewals_service_pb2.RunRenewalsRequest(
        run_id=encode("run", uuid7()), as_of=requests.stamp(as_of), limit=1000
    )
    await peer.renewals("RunRenewals", request)
    async with database.worker() as conn:
        query = "SELECT payload FROM outbox WHERE tenant_id = %s AND type LIKE '%%BillingDue' ORDER BY id"
        payloads = (await conn.exec_driver_sql(query, (tenant_id,))).scalars().all()
    dues = [events_pb2.BillingDue.FromString(bytes(each)) for each in payloads]
    return [
        (each.code, each.service_period.start.ToJsonString()[:10], each.service_period.end.ToJsonString()[:10])
        for due in dues
        for each in due.charges
    ]


async def test_what_runs_goes_on_where_the_other_system_stopped(admin, peer, version, database, tenant_id):
    result, made = await one(admin, quantities=[requests.quantity("seats", "7")])
    assert made.state == 2  # active
    assert (made.external_id, made.period_index) == ("contract-1", 1)
    assert made.current_period.start == requests.stamp("2026-02-28")
    assert result.next_due_time == made.next_due_time == requests.stamp("2026-03-31")
    assert [each.quantity for each in made.items] == ["1", "7"]
    assert await bill(peer, database, tenant_id, "2026-03-30T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-03-31T00:00:00Z")
    assert billed == [("base", "2026-03-31", "2026-04-30"), ("seats", "2026-03-31", "2026-04-30")]


async def test_what_is_not_billed_yet_is_billed_here(admin, peer, version, database, tenant_id):
    await one(admin, billed_until_time="2026-02-28")
    billed = await bill(peer, database, tenant_id, "2026-03-11T00:00:00Z")
    assert billed == [("base", "2026-02-28", "2026-03-31"), ("seats", "2026-02-28", "2026-03-31")]


async def test_what_was_paid_ahead_is_not_billed(admin, peer, version, database, tenant_id):
    await one(admin, billed_until_time="2026-05-31")
    assert await bill(peer, database, tenant_id, "2026-05-30T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-05-31T00:00:00Z")
    assert {period for _, *period in [(code, start) for code, start, _ in billed] for period in period} == {
        "2026-05-31"
    }


async def test_a_trial_goes_on_and_ends_as_it_would_have(admin, peer, version, database, tenant_id):
    result, made = await one(admin, start="2026-03-01", trial_end_time="2026-03-15T08:00:00Z")
    assert made.state == 1  # trialing
    assert result.next_due_time == made.trial_end_time == requests.stamp("2026-03-15T08:00:00Z")
    assert await bill(peer, database, tenant_id, "2026-03-15T07:59:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-03-15T08:00:00Z")
    assert billed[0] == ("base", "2026-03-15", "2026-04-15")


async def test_a_trial_that_is_over_gives_the_anchor(admin, version):
    _, made = await one(admin, start="2026-01-01", trial_end_time="2026-01-15")
    assert made.state == 2
    assert made.start_time == requests.stamp("2026-01-01")
    assert made.current_period.start == requests.stamp("2026-02-15")
    assert made.next_due_time == requests.stamp("2026-03-15")


async def test_past_due_stays_so(admin, version):
    _, made = await one(admin, state="SUBSCRIPTION_STATE_PAST_DUE")
    assert (made.state, made.unpaid) == (3, True)


async def test_a_pause_goes_on_without_a_line(admin, peer, version, database, tenant_id):
    _, made = await one(admin, state="SUBSCRIPTION_STATE_PAUSED", resume_time="2026-04-30")
    assert made.state == 7
    assert not made.pending_charges
    assert await bill(peer, database, tenant_id, "2026-04-29T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-04-30T00:00:00Z")
    assert ("base", "2026-04-30", "2026-05-31") in billed
    assert all(start >= "2026-04-30" for _, start, _ in billed)
    assert (await got(admin, made.subscription_id)).state == 2


async def test_an_end_that_was_planned_comes(admin, peer, version, database, tenant_id):
    _, made = await one(admin, cancel_at_period_end=True)
    assert made.cancel_at_period_end
    assert await bill(peer, database, tenant_id, "2026-04-15T00:00:00Z") == []
    assert (await got(admin, made.subscription_id)).state == 4


async def test_a_repetition_imports_nothing_twice(admin, version):
    items = [item(number) for number in range(5)]
    first = await imported(admin, *items)
    again = await imported(admin, *items, item(9))
    assert (first.imported, again.imported, again.existing) == (5, 1, 5)
    assert [each.subscription_id for each in again.results[:5]] == [each.subscription_id for each in first.results]


async def test_two_at_once_import_nothing_twice(admin, version):
    items = [item(number) for number in range(8)]
    answers = await asyncio.gather(*(imported(admin, *items) for _ in range(3)))
    assert all(each.refused == 0 for each in answers), [each.results for each in answers]
    assert sum(each.imported for each in answers) == 8
    listed = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(listed.customers) == 8


async def test_a_customer_with_several_subscriptions_and_one_alone(admin, version):
    two = item(2)
    two.external_customer_id = "customer-1"
    two.ClearField("customer")
    alone = item(3, external_subscription_id="", start="")
    alone.ClearField("plan_code")
    answer = await imported(admin, item(1), two, alone)
    assert [each.outcome for each in answer.results] == [pb.IMPORT_OUTCOME_IMPORTED] * 3
    assert answer.results[0].customer_id == answer.results[1].customer_id
    assert (answer.results[2].subscription_id, bool(answer.results[2].customer_id)) == ("", True)


async def test_a_dry_run_says_the_same_and_writes_nothing(admin, version, database, tenant_id):
    two = item(2)
    two.external_customer_id = "customer-1"
    two.ClearField("customer")
    items = [item(1), two, item(3, start="2027-01-01"), item(4, plan_code="none")]
    dry = await imported(admin, *items, dry_run=True)
    listed = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(listed.customers) == 0
    async with database.worker() as conn:
        query = "SELECT count(*) FROM outbox WHERE tenant_id = %s AND type NOT LIKE '%%PlanVersionPublished'"
        assert (await conn.exec_driver_sql(query, (tenant_id,))).scalar_one() == 0
    real = await imported(admin, *items)
    assert [(each.outcome, each.error.reason) for each in dry.results] == [
        (each.outcome, each.error.reason) for each in real.results
    ]
    assert [each.next_due_time for each in dry.results] == [each.next_due_time for each in real.results]
    assert {each.subscription_id for each in dry.results} == {""}
    assert (dry.imported, dry.refused) == (real.imported, real.refused) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"start": ""}, "INVALID_IMPORT", "start_time"),
        ({"start": "2026-04-01"}, "INVALID_IMPORT", "start_time"),
        ({"trial_end_time": "2026-01-30"}, "INVALID_IMPORT", "trial_end_time"),
        ({"trial_end_time": "2026-04-01", "state": "SUBSCRIPTION_STATE_ACTIVE"}, "INVALID_IMPORT", "trial_end_time"),
        ({"state": "SUBSCRIPTION_STATE_TRIALING"}, "INVALID_IMPORT", "trial_end_time"),
        ({"billed_until_time": "2026-01-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"trial_end_time": "2026-04-01", "billed_until_time": "2026-04-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"state": 7, "billed_until_time": "2026-02-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"resume_time": "2026-04-01"}, "INVALID_IMPORT", "resume_time"),
        ({"state": 7, "resume_time": "2026-03-01"}, "INVALID_IMPORT", "resume_time"),
        ({"plan_code": ""}, "INVALID_IMPORT", "plan_code"),
        ({"plan_code": "none"}, "PLAN_NOT_FOUND", ""),
        ({"plan_code": "", "plan_version_id": encode("pv", uuid7())}, "PLAN_VERSION_NOT_FOUND", ""),
        ({"state": 4}, "VALIDATION_FAILED", "state"),
        ({"external_customer_id": ""}, "VALIDATION_FAILED", "external_customer_id"),
        ({"quantities": [requests.quantity("none", "1")]}, "INVALID_QUANTITY", None),
        ({"customer": requests.create_customer(external_id="other")}, "INVALID_IMPORT", "customer.external_id"),
        ({"customer": requests.create_customer(currency_code="XXX")}, "UNKNOWN_CURRENCY", None),
        ({"customer": None}, "CUSTOMER_NOT_FOUND", ""),
    ],
)
async def test_an_item_that_is_wrong_is_refused_and_its_neighbours_are_not(admin, version, changes, reason, field):
    answer = await imported(admin, item(1), item(2, **changes), item(3))
    assert [each.outcome for each in answer.results] == [
        pb.IMPORT_OUTCOME_IMPORTED,
        pb.IMPORT_OUTCOME_REFUSED,
        pb.IMPORT_OUTCOME_IMPORTED,
    ]
    error = answer.results[1].error
    assert error.reason == reason, error
    assert field is None or error.field == field
    assert (answer.imported, answer.refused) == (2, 1)


async def test_an_external_id_of_another_customers_subscription(admin, version):
    await imported(admin, item(1))
    answer = await imported(admin, item(2, external_subscription_id="contract-1"))
    assert answer.results[0].error.reason == "CUSTOMER_MISMATCH"
    found = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(found.customers) == 1  # nothing half done: its customer is not there either


async def test_a_viewer_imports_nothing(client_of, tenant_id, version, refused):
    viewer = client_of(tenant_id, "billing_viewer")
    assert (await refused(imported(viewer, item(1)))).reason == "PERMISSION_DENIED"


@pytest.fixture
async def extras(admin, version):
    """An add-on of 5.00 a month, one that is charged once, coupons of 10 %: for three periods, and for good."""
    once = add_on_pb2.ADD_ON_RECURRENCE_ONCE
    for code, changes in (("support", {}), ("setup", {"recurrence": once})):
        request = add_ons_service_pb2.CreateAddOnRequest(code=code, content=catalog.content(**changes))
        await admin.add_ons("CreateAddOn", request)
    three = {"duration": coupon_pb2.COUPON_DURATION_PERIODS, "duration_periods": 3}
    for code, changes in (("three", three), ("ever", {"duration": coupon_pb2.COUPON_DURATION_FOREVER})):
        request = coupons_service_pb2.CreateCouponRequest(code=code, terms=catalog.coupon(**changes))
        await admin.coupons("CreateCoupon", request)


def add_on(code="support", quantity=""):
    return subscription_pb2.AddOnQuantity(add_on_code=code, quantity=quantity)


def override(code="base", amount="40", periods=0):
    return subscription_pb2.PriceOverride(code=code, price=catalog.flat(amount), periods=periods)


def coupon(code="three", periods_left=0):
    return pb.ImportedCoupon(coupon_code=code, periods_left=periods_left)


async def charges(peer, database, tenant_id, as_of):
    """Code and amount of the last due, and how many coupons it has."""
    await bill(peer, database, tenant_id, as_of)
    async with database.worker() as conn:
        query = "SELECT payload FROM outbox WHERE tenant_id = %s AND type LIKE '%%BillingDue' ORDER BY id"
        payload = (await conn.exec_driver_sql(query, (tenant_id,))).scalars().all()[-1]
    due = events_pb2.BillingDue.FromString(bytes(payload))
    return sorted((each.code, each.amount.amount_minor) for each in due.charges), len(due.discounts)


async def test_what_a_subscription_has_of_its_own_comes_along(admin, peer, extras, database, tenant_id):
    _, made = await one(
        admin,
        add_ons=[add_on()],
        price_overrides=[override(periods=2)],
        coupons=[coupon(periods_left=2), coupon("ever")],
    )
    assert [(each.coupon_code, each.periods_left) for each in made.coupons] == [("three", 2), ("ever", -1)]
    own = [("base", 4000), ("seats", 1000), ("support", 500)]
    assert await charges(peer, database, tenant_id, "2026-03-31T00:00:00Z") == (own, 2)
    await bill(peer, database, tenant_id, "2026-04-30T00:00:00Z")
    assert await charges(peer, database, tenant_id, "2026-05-31T00:00:00Z") == (
        [("base", 4900), ("seats", 1000), ("support", 500)],
        1,
    )


async def test_the_anchor_of_the_other_system_goes_on(admin, peer, version, database, tenant_id):
    day = policy_pb2.Alignment(kind=policy_pb2.ALIGNMENT_KIND_ANCHOR_DAY, anchor_day=15)
    result, made = await one(admin, start="2026-01-20", alignment=day)
    assert made.current_period.start == requests.stamp("2026-02-15")
    assert result.next_due_time == requests.stamp("2026-03-15")
    assert await bill(peer, database, tenant_id, "2026-03-14T00:00:00Z") == []
    assert (await bill(peer, database, tenant_id, "2026-03-15T00:00:00Z"))[0] == ("base", "2026-03-15", "2026-04-15")


async def test_the_currency_of_the_other_system(admin, peer):
    await requests.set_clock(peer, NOW)
    dollars = requests.item("base", "FLAT", {"flat": {"amount": "49.00"}})
    dollars.currency_prices.append(catalog.in_currency("USD", catalog.flat("55")))
    await requests.make_version(admin, dollars)
    _, made = await one(admin, currency_code="USD")
    assert made.currency_code == "USD"
    (refused,) = (await imported(admin, item(2, currency_code="GBP"))).results
    assert refused.error.reason == "CURRENCY_MISMATCH"


@pytest.mark.parametrize(("field", "state"), [("end_time", 8), ("cancel_time", 4)])
async def test_an_end_on_a_date_comes_then(admin, peer, version, database, tenant_id, field, state):
    _, made = await one(admin, **{field: "2026-04-10"})
    assert made.state == 2
    await bill(peer, database, tenant_id, "2026-04-09T00:00:00Z")
    assert (await got(admin, made.subscription_id)).state == 2
    await bill(peer, database, tenant_id, "2026-04-10T00:00:00Z")
    assert (await got(admin, made.subscription_id)).state == state


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"add_ons": [add_on("none")]}, "ADD_ON_NOT_FOUND", "add_ons[0].add_on_code"),
        ({"add_ons": [add_on(), add_on("setup")]}, "INVALID_IMPORT", "add_ons[1]"),
        ({"add_ons": [add_on(quantity="1.5")]}, "INVALID_QUANTITY", "add_ons[0].quantity"),
        ({"price_overrides": [override("none")]}, "INVALID_QUANTITY", "price_overrides[0].code"),
        ({"price_overrides": [override(), override()]}, "INVALID_CHANGE", "price_overrides[1].code"),
        ({"price_overrides": [override(amount="x")]}, "VALIDATION_FAILED", "price_overrides[0].price.flat.amount"),
        ({"coupons": [coupon("none")]}, "COUPON_NOT_FOUND", None),
        ({"coupons": [coupon(), coupon()]}, "INVALID_IMPORT", "coupons[1].coupon_code"),
        ({"coupons": [coupon("ever", 5), coupon(periods_left=4)]}, "INVALID_IMPORT", "coupons[1].periods_left"),
        ({"currency_code": "USD"}, "CURRENCY_MISMATCH", None),
        ({"currency_code": "usd"}, "VALIDATION_FAILED", "currency_code"),
        ({"alignment": policy_pb2.Alignment(kind=3)}, "INVALID_ANCHOR", None),
        ({"end_time": "2026-03-10"}, "INVALID_IMPORT", "end_time"),
        ({"cancel_time": "2026-03-10"}, "INVALID_IMPORT", "cancel_time"),
        ({"cancel_time": "2026-04-10", "end_time": "2026-04-10"}, "INVALID_IMPORT", "cancel_time"),
        ({"cancel_time": "2026-04-10", "cancel_at_period_end": True}, "INVALID_IMPORT", "cancel_time"),
    ],
)
async def test_a_dry_run_finds_what_is_wrong_with_what_is_its_own(admin, extras, changes, reason, field):
    items = [item(1, coupons=[coupon()]), item(2, **changes)]
    answers = [await imported(admin, *items, dry_run=dry_run) for dry_run in (True, False)]
    for answer in answers:
        assert [each.outcome for each in answer.results] == [pb.IMPORT_OUTCOME_IMPORTED, pb.IMPORT_OUTCOME_REFUSED]
        error = answer.results[1].error
        assert error.reason == reason, error
        assert field is None or error.field == field


async def test_an_import_counts_as_a_redemption(admin, version):
    """The limit of a coupon is that of all who have it."""
    request = coupons_service_pb2.CreateCouponRequest(code="one", terms=catalog.coupon(max_redemptions=1))
    await admin.coupons("CreateCoupon", request)
    answer = await imported(admin, item(1, coupons=[coupon("one")]), item(2, coupons=[coupon("one")]))
    assert [each.error.reason for each in answer.results] == ["", "COUPON_EXHAUSTED"]
