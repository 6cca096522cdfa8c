"""AddOnsService over gRPC: versions that never change, and what is refused with the path of the field."""

import catalog_requests as ask
import pytest
from billing.subscriptions.v1 import (
    add_on_pb2,
    features_service_pb2,
    plan_pb2,
    plans_service_pb2,
    prices_service_pb2,
)
from billing.subscriptions.v1 import add_ons_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask


async def create(client, code="support", key=None, metadata=None, **content):
    request = pb.CreateAddOnRequest(code=code, content=ask.content(**content), metadata=metadata or {})
    return (await client.add_ons("CreateAddOn", request, key=key)).add_on


async def update(client, add_on, *paths, etag="", metadata=None, **content):
    request = pb.UpdateAddOnRequest(
        add_on_id=add_on.add_on_id,
        content=ask.content(**content),
        metadata=metadata or {},
        update_mask=FieldMask(paths=paths),
        etag=etag,
    )
    return (await client.add_ons("UpdateAddOn", request)).add_on


async def get(client, add_on):
    return (await client.add_ons("GetAddOn", pb.GetAddOnRequest(add_on_id=add_on.add_on_id))).add_on


async def make_plan(client, code="pro"):
    return (await client.plans("CreatePlan", plans_service_pb2.CreatePlanRequest(code=code, name="Pro"))).plan


async def test_an_add_on_is_made_read_and_listed(admin):
    await make_plan(admin)
    await create(admin, "base")
    await admin.features("CreateFeature", features_service_pb2.CreateFeatureRequest(code="sso", name="SSO"))
    made = await create(
        admin,
        key="k",
        metadata={"a": "1"},
        kind=plan_pb2.PLAN_ITEM_KIND_SEAT,
        price=ask.per_unit("5"),
        currency_prices=[ask.in_currency("USD", ask.per_unit("6"))],
        min_quantity="2",
        max_quantity="20",
        requires=["base"],
        excludes=["lite"],
        plan_codes=["pro"],
        entitlements=ask.terms(entitlements=[{"feature_code": "sso"}]).entitlements,
        recurrence=add_on_pb2.ADD_ON_RECURRENCE_ONCE,
    )
    assert (made.code, made.number, made.etag, dict(made.metadata)) == ("support", 1, "v1", {"a": "1"})
    assert (made.content.min_quantity, made.content.max_quantity) == ("2", "20")
    assert (list(made.content.requires), list(made.content.plan_codes)) == (["base"], ["pro"])
    assert made.content.price_id != made.content.currency_prices[0].price_id
    assert await get(admin, made) == made
    await create(admin, "b")
    first = await admin.add_ons("ListAddOns", pb.ListAddOnsRequest(page_size=2))
    rest = await admin.add_ons("ListAddOns", pb.ListAddOnsRequest(page_size=2, page_token=first.next_page_token))
    assert {each.code for each in (*first.add_ons, *rest.add_ons)} == {"base", "support", "b"}
    (only,) = (await admin.add_ons("ListAddOns", pb.ListAddOnsRequest(code="b"))).add_ons
    assert only.code == "b"


async def test_a_changed_price_makes_a_new_version_and_the_old_price_stays(admin):
    made = await create(admin)
    same = await update(admin, made, "content")
    assert same == made
    labelled = await update(admin, made, "metadata", metadata={"a": "1"}, price=ask.flat("7"))
    assert (labelled.number, labelled.etag, labelled.content) == (1, "v2", made.content)
    changed = await update(admin, made, "content", price=ask.flat("7"), etag="v2")
    assert (changed.number, changed.etag, dict(changed.metadata)) == (2, "v3", {"a": "1"})
    assert changed.add_on_version_id != made.add_on_version_id
    for of, amount in ((made, "5"), (changed, "7")):
        request = prices_service_pb2.GetPriceRequest(price_id=of.content.price_id)
        price = (await admin.prices("GetPrice", request)).price
        assert (price.price.flat.amount, price.add_on_version_id) == (amount, of.add_on_version_id)
    assert await get(admin, made) == changed


async def test_an_archived_add_on_is_changed_no_more(admin, refused):
    made = await create(admin)
    archive = pb.ArchiveAddOnRequest(add_on_id=made.add_on_id)
    archived = (await admin.add_ons("ArchiveAddOn", archive)).add_on
    assert archived.HasField("archive_time")
    assert (await admin.add_ons("ArchiveAddOn", archive)).add_on == archived
    assert (await refused(update(admin, made, "content", price=ask.flat("9")))).reason == "ADD_ON_ARCHIVED"
    assert not (await admin.add_ons("ListAddOns", pb.ListAddOnsRequest())).add_ons
    assert (await admin.add_ons("ListAddOns", pb.ListAddOnsRequest(include_archived=True))).add_ons


METERED = {"kind": plan_pb2.PLAN_ITEM_KIND_METERED, "price": ask.per_unit("1")}
ARREARS = plan_pb2.CHARGE_TIMING_ARREARS
SEATS = {"kind": plan_pb2.PLAN_ITEM_KIND_SEAT, "price": ask.per_unit("1")}
TWICE = ask.terms(entitlements=[{"feature_code": "a"}, {"feature_code": "a"}]).entitlements
REFUSED = [
    ({"currency_code": "ZZZ"}, "UNKNOWN_CURRENCY", "content.currency_code"),
    ({"price": ask.flat("1000000000000000000")}, "VALIDATION_FAILED", "content.price.flat.amount"),
    ({"price": ask.flat("007")}, "INVALID_PRICE", "content.price.flat.amount"),
    ({"price": ask.per_unit("1")}, "INVALID_PLAN_ITEM", "content.price"),
    ({**METERED, "meter_code": "api_calls"}, "INVALID_PLAN_ITEM", "content.timing"),
    ({**METERED, "timing": ARREARS}, "INVALID_PLAN_ITEM", "content.meter_code"),
    ({**SEATS, "min_quantity": "5", "max_quantity": "4"}, "INVALID_ADD_ON", "content.max_quantity"),
    ({"max_quantity": "4"}, "INVALID_ADD_ON", "content.min_quantity"),
    ({"requires": ["a"], "excludes": ["a"]}, "INVALID_ADD_ON", "content.excludes"),
    ({"requires": ["support"]}, "INVALID_ADD_ON", "content.requires"),
    ({"requires": ["none"]}, "INVALID_ADD_ON", "content.requires[0]"),
    ({"plan_codes": ["none", "neither"]}, "INVALID_ADD_ON", "content.plan_codes[1]"),
    ({"entitlements": TWICE}, "INVALID_ADD_ON", "content.entitlements[1].feature_code"),
    ({"name": ""}, "VALIDATION_FAILED", "content.name"),
]


@pytest.mark.parametrize(("content", "reason", "field"), REFUSED, ids=[f"{r}-{f}" for _, r, f in REFUSED])
async def test_what_contradicts_itself_is_refused_by_its_field(admin, refused, content, reason, field):
    refusal = await refused(create(admin, **content))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert field in refusal.fields
    assert not (await admin.add_ons("ListAddOns", pb.ListAddOnsRequest())).add_ons


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"product_code": "nope"}, "PRODUCT_NOT_FOUND"),
        ({"entitlements": ask.terms(entitlements=[{"feature_code": "nope"}]).entitlements}, "FEATURE_NOT_FOUND"),
        ({**METERED, "timing": ARREARS, "meter_code": "nope"}, "METER_NOT_FOUND"),
    ],
)
async def test_what_it_names_must_be_there(admin, refused, content, reason):
    refusal = await refused(create(admin, **content))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", reason)


async def test_unknown_and_foreign_ones_are_not_found_and_codes_are_taken_once(admin, client_of, refused):
    foreign = await create(client_of(uuid7()))
    for add_on in (foreign, add_on_pb2.AddOn(add_on_id=encode("addon", uuid7()))):
        assert (await refused(get(admin, add_on))).reason == "ADD_ON_NOT_FOUND"
        assert (await refused(update(admin, add_on, "content"))).reason == "ADD_ON_NOT_FOUND"
    made = await create(admin)
    assert (await refused(create(admin))).reason == "ADD_ON_CODE_TAKEN"
    assert (await refused(update(admin, made, "content", etag="v9"))).reason == "ETAG_MISMATCH"
    assert (await refused(update(admin, made, "code"))).reason == "INVALID_UPDATE_MASK"


async def test_what_an_add_on_names_exists_but_what_it_excludes_may_come_later(admin, refused):
    plan = await make_plan(admin)
    base = await create(admin, "base", excludes=["support", "lite"])
    made = await create(admin, requires=["base"], plan_codes=["pro"])
    await admin.add_ons("ArchiveAddOn", pb.ArchiveAddOnRequest(add_on_id=base.add_on_id))
    await admin.plans("ArchivePlan", plans_service_pb2.ArchivePlanRequest(plan_id=plan.plan_id))
    changed = await update(admin, made, "content", name="Help", requires=["base"], plan_codes=["pro"])
    assert changed.number == 2
    refusal = await refused(update(admin, made, "content", requires=["base", "gone"], plan_codes=["past"]))
    assert refusal.reason == "INVALID_ADD_ON"
    assert set(refusal.fields) == {"content.requires[1]", "content.plan_codes[0]"}
    assert await get(admin, made) == changed
