"""PlansService over gRPC: every method, good and bad."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import period_pb2
from billing.subscriptions.v1 import plan_pb2
from billing.subscriptions.v1 import plans_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask


async def make_plan(client, code="pro", **fields):
    return (await client.plans("CreatePlan", pb.CreatePlanRequest(code=code, name="Pro", **fields))).plan


async def make_draft(client, *items, **changes):
    plan = await make_plan(client)
    return (await client.plans("CreatePlanVersion", ask.create_version(plan.plan_id, *items, **changes))).plan_version


async def test_plans_are_created_read_and_listed(admin, refused):
    made = [await make_plan(admin, code, metadata={"a": "1"}) for code in ("one", "two", "three")]
    assert (made[0].code, made[0].etag, made[0].current_version_id) == ("one", "v1", "")
    assert (await admin.plans("GetPlan", pb.GetPlanRequest(plan_id=made[0].plan_id))).plan == made[0]
    seen, token = [], ""
    for _ in range(2):
        page = await admin.plans("ListPlans", pb.ListPlansRequest(page_size=2, page_token=token))
        seen, token = seen + list(page.plans), page.next_page_token
    assert ({plan.code for plan in seen}, token) == ({"one", "two", "three"}, "")
    (two,) = (await admin.plans("ListPlans", pb.ListPlansRequest(code="two"))).plans
    assert two == made[1]
    refusal = await refused(admin.plans("CreatePlan", pb.CreatePlanRequest(code="one", name="x")))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "PLAN_CODE_TAKEN")
    for fields in ({"code": "One", "name": "x"}, {"code": "x", "name": ""}, {"code": "", "name": "x"}):
        assert (await refused(admin.plans("CreatePlan", pb.CreatePlanRequest(**fields)))).reason == "VALIDATION_FAILED"


async def test_plans_change_what_the_mask_names(admin, refused):
    made = await make_plan(admin, metadata={"a": "1"})

    def update(*paths, etag="", **fields):
        return pb.UpdatePlanRequest(plan_id=made.plan_id, update_mask=FieldMask(paths=paths), etag=etag, **fields)

    after = (await admin.plans("UpdatePlan", update("name", etag="v1", name="New", metadata={"b": "2"}))).plan
    assert (after.name, dict(after.metadata), after.etag) == ("New", {"a": "1"}, "v2")
    for request, reason in (
        (update("name", etag="v1", name="x"), "ETAG_MISMATCH"),
        (update("code"), "INVALID_UPDATE_MASK"),
        (update(), "INVALID_UPDATE_MASK"),
        (update("name"), "INVALID_NAME"),
    ):
        assert (await refused(admin.plans("UpdatePlan", request))).reason == reason


async def test_a_version_is_drafted_published_and_never_changes(admin, refused, meters):
    draft = await make_draft(admin)
    assert (draft.number, draft.state) == (1, plan_pb2.PLAN_VERSION_STATE_DRAFT)
    assert draft.items[0].price.flat.amount == "49"
    assert [tier.up_to for tier in draft.items[2].price.graduated.tiers] == ["10000", ""]
    assert all(item.plan_item_id and item.price_id for item in draft.items)
    publish = pb.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    published = (await admin.plans("PublishPlanVersion", publish, key="p")).plan_version
    assert published.state == plan_pb2.PLAN_VERSION_STATE_PUBLISHED
    assert published.HasField("publish_time")
    assert meters.asked[-1] == {"api_calls"}
    assert (await admin.plans("PublishPlanVersion", publish, key="p")).plan_version == published
    refusal = await refused(admin.plans("PublishPlanVersion", publish))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PLAN_VERSION_PUBLISHED")
    get = pb.GetPlanVersionRequest(plan_version_id=draft.plan_version_id)
    assert (await admin.plans("GetPlanVersion", get)).plan_version == published
    plan = (await admin.plans("GetPlan", pb.GetPlanRequest(plan_id=draft.plan_id))).plan
    assert plan.current_version_id == draft.plan_version_id


async def test_an_unknown_meter_is_refused(admin, refused):
    item = ask.item("x", "METERED", {"per_unit": {"unit_amount": "1"}}, "ARREARS", meter_code="nope")
    draft = await make_draft(admin, item)
    publish = pb.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    refusal = await refused(admin.plans("PublishPlanVersion", publish))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "METER_NOT_FOUND")


FLAT = {"flat": {"amount": "1"}}
TIERS = [{"up_to": "10", "unit_amount": "1"}]


@pytest.mark.parametrize(
    ("items", "changes", "reason"),
    [
        ((), {"currency_code": "XXX"}, "UNKNOWN_CURRENCY"),
        ((), {"interval": period_pb2.Interval(unit=9, count=1)}, "VALIDATION_FAILED"),
        ((), {"interval": period_pb2.Interval(unit=3, count=0)}, "VALIDATION_FAILED"),
        ((), {"interval": None}, "VALIDATION_FAILED"),
        ((), {"trial_days": -1}, "VALIDATION_FAILED"),
        ((ask.item("a", "FLAT", {"flat": {"amount": "-1"}}),), {}, "VALIDATION_FAILED"),
        ((ask.item("a", "FLAT", {"flat": {"amount": "1e3"}}),), {}, "VALIDATION_FAILED"),
        ((ask.item("a", "FLAT", {"flat": {"amount": "007"}}),), {}, "INVALID_PRICE"),
        ((ask.item("a", "FLAT", {"flat": {"amount": "999999999999999999"}}),), {}, "INVALID_PRICE"),
        ((ask.item("a", "FLAT", {}),), {}, "VALIDATION_FAILED"),
        ((ask.item("a", "UNSPECIFIED", FLAT),), {}, "VALIDATION_FAILED"),
        ((ask.item("a", "SEAT", {"graduated": {"tiers": TIERS}}),), {}, "INVALID_PRICE"),
        ((ask.item("a", "SEAT", FLAT),), {}, "INVALID_PLAN_ITEM"),
        ((ask.item("a", "METERED", {"per_unit": {"unit_amount": "1"}}, meter_code="m"),), {}, "INVALID_PLAN_ITEM"),
        ((ask.item("a", "FLAT", FLAT), ask.item("a", "FLAT", FLAT)), {}, "INVALID_PLAN_ITEM"),
    ],
)
async def test_versions_that_are_refused(admin, refused, items, changes, reason):
    plan = await make_plan(admin)
    refusal = await refused(admin.plans("CreatePlanVersion", ask.create_version(plan.plan_id, *items, **changes)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    versions = await admin.plans("ListPlanVersions", pb.ListPlanVersionsRequest(plan_id=plan.plan_id))
    assert not versions.plan_versions


async def test_versions_are_listed_by_number(admin, refused):
    plan = await make_plan(admin)
    for _ in range(3):
        await admin.plans("CreatePlanVersion", ask.create_version(plan.plan_id))
    first = await admin.plans("ListPlanVersions", pb.ListPlanVersionsRequest(plan_id=plan.plan_id, page_size=2))
    assert [version.number for version in first.plan_versions] == [1, 2]
    rest = pb.ListPlanVersionsRequest(plan_id=plan.plan_id, page_token=first.next_page_token)
    rest.read_mask.paths.append("number")
    rest_page = await admin.plans("ListPlanVersions", rest)
    assert list(rest_page.plan_versions) == [plan_pb2.PlanVersion(number=3)]
    assert rest_page.next_page_token == ""
    rest.page_token = "WyJ4Il0"
    assert (await refused(admin.plans("ListPlanVersions", rest))).reason == "INVALID_PAGE_TOKEN"


async def test_unknown_and_foreign_plans_are_not_found(admin, client_of, refused):
    foreign = await make_draft(client_of(uuid7()))
    plans = (encode("plan", uuid7()), foreign.plan_id)
    versions = (encode("pv", uuid7()), foreign.plan_version_id)
    calls = [("GetPlan", pb.GetPlanRequest(plan_id=each), "PLAN_NOT_FOUND") for each in plans]
    calls += [("CreatePlanVersion", ask.create_version(each), "PLAN_NOT_FOUND") for each in plans]
    calls += [("ListPlanVersions", pb.ListPlanVersionsRequest(plan_id=each), "PLAN_NOT_FOUND") for each in plans]
    mask = FieldMask(paths=["name"])
    calls += [
        ("UpdatePlan", pb.UpdatePlanRequest(plan_id=e, name="x", update_mask=mask), "PLAN_NOT_FOUND") for e in plans
    ]
    for each in versions:
        calls.append(("GetPlanVersion", pb.GetPlanVersionRequest(plan_version_id=each), "PLAN_VERSION_NOT_FOUND"))
        calls.append(
            ("PublishPlanVersion", pb.PublishPlanVersionRequest(plan_version_id=each), "PLAN_VERSION_NOT_FOUND")
        )
    for method, request, reason in calls:
        refusal = await refused(admin.plans(method, request))
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", reason)


async def test_customers_read_plans_and_change_none(admin, client_of, refused, tenant_id):
    plan = await make_plan(admin)
    customer = client_of(tenant_id, "customer", uuid7())
    assert (await customer.plans("GetPlan", pb.GetPlanRequest(plan_id=plan.plan_id))).plan == plan
    refusal = await refused(customer.plans("CreatePlan", pb.CreatePlanRequest(code="x", name="x")))
    assert refusal.code == "PERMISSION_DENIED"


async def test_a_customer_sees_published_versions_alone(admin, client_of, refused, tenant_id):
    draft = await make_draft(admin)
    customer = client_of(tenant_id, "customer", uuid7())
    get = pb.GetPlanVersionRequest(plan_version_id=draft.plan_version_id)
    of_plan = pb.ListPlanVersionsRequest(plan_id=draft.plan_id)
    assert (await refused(customer.plans("GetPlanVersion", get))).reason == "PLAN_VERSION_NOT_FOUND"
    assert list((await customer.plans("ListPlanVersions", of_plan)).plan_versions) == []
    publish = pb.PublishPlanVersionRequest(plan_version_id=draft.plan_version_id)
    published = (await admin.plans("PublishPlanVersion", publish)).plan_version
    assert (await customer.plans("GetPlanVersion", get)).plan_version == published
    assert list((await customer.plans("ListPlanVersions", of_plan)).plan_versions) == [published]
