"""What a subscription has of its own comes along in an import: add-ons, prices, coupons, currency, anchor, ends."""

import catalog_requests as catalog
import pytest
import subscriptions_requests as requests
from billing.subscriptions.v1 import (
    add_on_pb2,
    add_ons_service_pb2,
    coupon_pb2,
    coupons_service_pb2,
    events_pb2,
    imports_service_pb2,
    policy_pb2,
    subscription_pb2,
)
from imports_requests import NOW, bill, got, imported, item, one

pb = imports_service_pb2


@pytest.fixture
async def version(admin, peer):
    await requests.set_clock(peer, NOW)
    return await requests.make_version(admin, requests.BASE, requests.SEATS)


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
