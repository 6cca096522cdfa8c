"""Over the edge nobody sees or changes a neighbour's: every RPC with every id of the neighbour, and every list."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode

from tests.e2e.contract import Json, Rpc, rpcs
from tests.e2e.rows import Unmoved
from tests.e2e.ways import Caller, Direct, Way, headers
from tests.e2e.world import OTHER, World

# Fields that take an id, and which of the neighbour's things go there.
IDS = {
    "seller_id": ("seller",),
    "registration_id": ("registration",),
    "exemption_id": ("exemption",),
    "meter_id": ("meter",),
    "plan_id": ("plan",),
    "plan_version_id": ("version", "draft"),
    "customer_id": ("customer", "sender"),
    "payment_method_id": ("method",),
    "subscription_id": ("subscription", "sent"),
    "invoice_id": ("invoice", "open"),
    "payment_id": ("payment",),
    "run_id": ("run",),
    "product_id": ("product",),
    "feature_id": ("feature",),
    "add_on_id": ("add_on",),
    "coupon_id": ("coupon",),
}
HARMLESS = (StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT)
LISTS = [rpc.name for rpc in rpcs().values() if rpc.name.startswith("List")]
NEEDED = {
    "ListPlanVersions": {"plan_id": "$plan"},
    "ListRates": {"country_code": "DE"},
    "ListCouponRedemptions": {"coupon_id": "$coupon"},
    "ListEntitlements": {"customer_id": "$customer"},
    "ListSubscriptionChanges": {"subscription_id": "$subscription"},
}
OF_A_MIGRATION = {"ListMigrationResults"}  # nobody migrates here; the service tests ask for a neighbour's
FILTERED = {
    "ListInvoices": "customer_id",
    "ListSubscriptions": "customer_id",
    "ListPayments": "customer_id",
    "ListPaymentMethods": "customer_id",
    "ListExemptions": "customer_id",
    "ListRegistrations": "seller_id",
}
# Names a customer that its service has not heard of yet: nothing of the neighbour's is seen or touched.
TAKES_ANY_CUSTOMER = {"CreatePaymentMethod", "CreateExemption", "CreateCustomer", "CreateRegistration"}


def aimed() -> list[tuple[Rpc, str, str]]:
    """(RPC, field, thing) for every id field at the top of a request that is no list's filter."""
    fields = [(rpc, field.name) for rpc in rpcs().values() for field in rpc.method.descriptor.input_type.fields]
    return [
        (rpc, field, thing)
        for rpc, field in fields
        for thing in IDS.get(field, ())
        if rpc.name not in LISTS and rpc.name not in TAKES_ANY_CUSTOMER
    ]


@pytest.mark.parametrize("way", ["grpc", "rest"])
async def test_ids_of_a_neighbour_open_nothing(way: str, ways: dict[str, Way], world: World, unmoved: Unmoved):
    asked = [
        (rpc, ways[way].answer(rpc.name, {field: world.ids[OTHER + thing]}, headers(world.tokens["admin"], rpc)))
        for rpc, field, thing in aimed()
    ]
    answers = await asyncio.gather(*(answer for _, answer in asked))
    assert len(answers) > 40
    assert {rpc.name: a.code for (rpc, _), a in zip(asked, answers, strict=True) if a.code not in HARMLESS} == {}
    await unmoved.check()


@pytest.mark.parametrize("who", ["admin", "viewer", "customer"])
async def test_lists_hold_nothing_of_a_neighbour(who: str, edge: Direct, world: World):
    theirs = {value for word, value in world.ids.items() if word.startswith(OTHER)}
    for name in set(LISTS) - OF_A_MIGRATION:
        answer = await edge.answer(name, world.fill(NEEDED.get(name, {})), headers(world.tokens[who]))
        assert answer.code is StatusCode.OK or who == "customer", name
        assert not {value for value in theirs if value in str(answer.body)}, name


@pytest.mark.parametrize("name", FILTERED)
async def test_filters_by_a_neighbour_find_nothing(name: str, edge: Direct, world: World):
    field = FILTERED[name]
    wanted = {field: world.ids[OTHER + field.removesuffix("_id")]}
    answer = await edge.answer(name, wanted, headers(world.tokens["admin"]))
    assert (answer.code, answer.body) == (StatusCode.OK, {})


async def test_page_tokens_of_a_neighbour_show_own_rows_alone(edge: Direct, world: World):
    theirs = await edge.answer("ListCustomers", {"page_size": 1}, headers(world.tokens["neighbour"]))
    request: Json = {"page_token": theirs.body["next_page_token"]}
    answer = await edge.answer("ListCustomers", request, headers(world.tokens["admin"]))
    assert {each["customer_id"] for each in answer.body.get("customers", [])} <= set(world.ids.values())
    assert world.ids["other.sender"] not in str(answer.body)


async def test_customers_see_what_is_theirs(edge: Direct, world: World):
    call = Caller(edge, world.tokens["customer"])
    invoices = (await call("ListInvoices"))["invoices"]
    assert {each["customer_id"] for each in invoices} == {world.ids["customer"]}
    assert (await call("GetCustomer", customer_id=world.ids["customer"]))["customer"]["external_id"] == "ada"
    assert (await call.whole("GetInvoicePdf", invoice_id=invoices[0]["invoice_id"])).raw
