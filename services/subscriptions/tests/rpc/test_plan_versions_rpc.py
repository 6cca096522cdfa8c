"""Plan versions over gRPC: terms, currencies, states, and what is refused with the path of the field."""

import catalog_requests as ask
import pytest
from billing.common.v1 import price_model_pb2, tax_facts_pb2
from billing.subscriptions.v1 import features_service_pb2, plan_pb2, products_service_pb2
from billing.subscriptions.v1 import plans_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp


async def make_plan(client, code="pro"):
    return (await client.plans("CreatePlan", pb.CreatePlanRequest(code=code, name="Pro"))).plan


async def draft(client, *items, plan=None, **more):
    owner = plan or await make_plan(client)
    request = pb.CreatePlanVersionRequest(plan_id=owner.plan_id, **ask.version(*items, **more))
    return (await client.plans("CreatePlanVersion", request)).plan_version


async def publish(client, version):
    request = pb.PublishPlanVersionRequest(plan_version_id=version.plan_version_id)
    return (await client.plans("PublishPlanVersion", request)).plan_version


async def current(client, plan_id):
    return (await client.plans("GetPlan", pb.GetPlanRequest(plan_id=plan_id))).plan.current_version_id


def stamp(text):
    made = Timestamp()
    made.FromJsonString(text)
    return made


EVERYTHING = {
    "effective_time": "2020-01-01T00:00:00Z",
    "running_subscriptions": "RUNNING_SUBSCRIPTIONS_MOVE_AT_RENEWAL",
    "change_rules": [
        {
            "kind": "CHANGE_KIND_UPGRADE",
            "when": "CHANGE_WHEN_PERIOD_END",
            "proration": {
                "basis": "PRORATION_BASIS_BY_DAYS",
                "denominator": "PRORATION_DENOMINATOR_NOMINAL_DAYS",
                "nominal_days": 32,
            },
            "settlement": "SETTLEMENT_AT_ONCE",
        }
    ],
    "proration": {"basis": "PRORATION_BASIS_BY_DAYS_INCLUSIVE"},
    "alignment": {
        "kind": "ALIGNMENT_KIND_ANCHOR_DAY",
        "anchor_day": 31,
        "first_stub": "FIRST_STUB_LONG",
    },
    "trial_needs_payment_method": True,
    "trial_end": "TRIAL_END_PAUSE",
    "phases": [{"code": "intro", "periods": 3, "discount_percent": "12.5"}],
    "term_periods": 12,
    "term_end": "TERM_END_EXPIRE",
    "past_due_access": "PAST_DUE_ACCESS_ESSENTIAL",
    "minimum_commitments": [
        {"amount": {"currency_code": "EUR", "amount_minor": "10000"}, "rounding": "ROUNDING_MODE_DOWN"}
    ],
    "tier_windows": "TIER_WINDOWS_RESTART",
    "entitlements": [
        {"feature_code": "sso", "essential": True},
        {"feature_code": "support", "value": "gold"},
        {"feature_code": "calls", "metered": {"meter_code": "api_calls", "limit": "100.5", "soft": True}},
    ],
}


async def test_terms_and_currencies_come_back_as_they_were_written(admin):
    seats = ask.item(
        "seats",
        "SEAT",
        ask.per_unit("10"),
        min_quantity="2",
        max_quantity="50.5",
        currency_prices=[ask.in_currency("USD", ask.per_unit("11.5")), ask.in_currency("JPY", ask.per_unit("1500"))],
    )
    made = await draft(admin, seats, terms=ask.terms(**EVERYTHING))
    read = pb.GetPlanVersionRequest(plan_version_id=made.plan_version_id)
    assert (await admin.plans("GetPlanVersion", read)).plan_version == made
    (item,) = made.items
    assert (item.min_quantity, item.max_quantity) == ("2", "50.5")
    assert [each.currency_code for each in item.currency_prices] == ["JPY", "USD"]
    assert len({item.price_id, *(each.price_id for each in item.currency_prices)}) == 3
    wanted = ask.terms(**EVERYTHING)
    assert made.terms.change_rules[0] == wanted.change_rules[0]
    assert (made.terms.alignment, made.terms.phases[0]) == (wanted.alignment, wanted.phases[0])
    assert made.terms.effective_time == wanted.effective_time
    assert [each.WhichOneof("grant") for each in made.terms.entitlements] == [None, "value", "metered"]
    commitment = made.terms.minimum_commitments[0]
    assert (commitment.amount.amount_minor, commitment.rounding) == (10000, price_model_pb2.ROUNDING_MODE_DOWN)
    assert (commitment.tax_category, commitment.tax_behavior) == (
        "digital_service",
        tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
    )
    for name in ("running_subscriptions", "trial_end", "term_periods", "term_end", "past_due_access", "tier_windows"):
        assert getattr(made.terms, name) == getattr(wanted, name)


PRICES = {
    "percentage": {"rate_percent": "2.9", "fixed_amount": "0.3", "free_events": "3", "event_maximum": "12"},
    "graduated_percentage": {"tiers": [{"up_to": "10", "rate_percent": "1"}, {"rate_percent": "2"}]},
    "dynamic": {"multiplier": "1.2"},
    "matrix": {"dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "2"}]},
    "time_weighted": {"tiers": [{"up_to": "10", "unit_amount": "10"}, {"unit_amount": "5"}]},
    "package": {"size": "10", "package_amount": "15"},
    "volume": {"tiers": [{"up_to": "5", "unit_amount": "7"}, {"unit_amount": "6"}]},
    "flat": {"amount": "5"},
}


@pytest.mark.parametrize("model", PRICES)
async def test_metered_items_take_every_model(admin, model):
    adjustments = {"free_units": "10", "minimum_amount": "1", "discount_percent": "5"}
    of = ask.price(**{model: PRICES[model]}, adjustments=adjustments)
    made = await draft(admin, ask.item("calls", "METERED", of, "ARREARS", meter_code="api_calls"))
    assert made.items[0].price == of


async def test_products_and_features_must_be_there_at_publication(admin, refused):
    item = ask.item("base", "FLAT", ask.flat(), product_code="suite")
    made = await draft(admin, item, terms=ask.terms(entitlements=[{"feature_code": "sso"}]))
    refusal = await refused(publish(admin, made))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "FEATURE_NOT_FOUND")
    assert set(refusal.fields) == {"terms.entitlements[0].feature_code"}
    await admin.features("CreateFeature", features_service_pb2.CreateFeatureRequest(code="sso", name="SSO"))
    refusal = await refused(publish(admin, made))
    assert (refusal.reason, set(refusal.fields)) == ("PRODUCT_NOT_FOUND", {"items[0].product_code"})
    created = products_service_pb2.CreateProductRequest(code="suite", name="Suite")
    product = (await admin.products("CreateProduct", created)).product
    archive = products_service_pb2.ArchiveProductRequest(product_id=product.product_id)
    other = await draft(admin, item, plan=await make_plan(admin, "other"))
    assert (await publish(admin, made)).state == plan_pb2.PLAN_VERSION_STATE_PUBLISHED
    await admin.products("ArchiveProduct", archive)
    assert (await refused(publish(admin, other))).reason == "PRODUCT_NOT_FOUND"


async def test_a_draft_is_replaced_and_deleted_and_a_published_version_is_not(admin, refused):
    plan = await make_plan(admin)
    made = await draft(admin, plan=plan)

    def replaced(amount):
        fields = ask.version(ask.item("base", "FLAT", ask.flat(amount)), trial_days=7)
        request = pb.UpdatePlanVersionRequest(plan_version_id=made.plan_version_id, **fields)
        return admin.plans("UpdatePlanVersion", request)

    changed = (await replaced("59")).plan_version
    assert (changed.plan_version_id, changed.number, changed.trial_days) == (made.plan_version_id, 1, 7)
    assert changed.items[0].price.flat.amount == "59"
    assert changed.items[0].price_id != made.items[0].price_id
    published = await publish(admin, made)
    assert published.items == changed.items
    delete = pb.DeletePlanVersionRequest(plan_version_id=made.plan_version_id)
    for call in (replaced("69"), admin.plans("DeletePlanVersion", delete)):
        assert (await refused(call)).reason == "PLAN_VERSION_PUBLISHED"
    other = await draft(admin, plan=plan)
    delete = pb.DeletePlanVersionRequest(plan_version_id=other.plan_version_id)
    await admin.plans("DeletePlanVersion", delete)
    assert (await refused(admin.plans("DeletePlanVersion", delete))).reason == "PLAN_VERSION_NOT_FOUND"


async def test_the_current_version_is_the_newest_that_is_effective(admin, refused):
    plan = await make_plan(admin)
    first = await publish(admin, await draft(admin, plan=plan))
    later = ask.terms(effective_time="2999-01-01T00:00:00Z")
    second = await publish(admin, await draft(admin, plan=plan, terms=later))
    assert second.terms.effective_time == stamp("2999-01-01T00:00:00Z")
    assert await current(admin, plan.plan_id) == first.plan_version_id
    third = await publish(admin, await draft(admin, plan=plan))
    assert await current(admin, plan.plan_id) == third.plan_version_id
    (listed,) = (await admin.plans("ListPlans", pb.ListPlansRequest(code="pro"))).plans
    assert listed.current_version_id == third.plan_version_id
    archive = pb.ArchivePlanVersionRequest(plan_version_id=third.plan_version_id)
    archived = (await admin.plans("ArchivePlanVersion", archive)).plan_version
    assert (archived.state, archived.HasField("archive_time")) == (plan_pb2.PLAN_VERSION_STATE_ARCHIVED, True)
    assert (await admin.plans("ArchivePlanVersion", archive)).plan_version == archived
    assert await current(admin, plan.plan_id) == first.plan_version_id
    assert (await refused(publish(admin, third))).reason == "PLAN_VERSION_ARCHIVED"
    open_draft = await draft(admin, plan=plan)
    archive = pb.ArchivePlanVersionRequest(plan_version_id=open_draft.plan_version_id)
    assert (await refused(admin.plans("ArchivePlanVersion", archive))).reason == "PLAN_VERSION_NOT_PUBLISHED"


async def test_an_archived_plan_takes_nothing_new(admin, refused):
    plan = await make_plan(admin)
    open_draft = await draft(admin, plan=plan)
    await publish(admin, await draft(admin, plan=plan))
    request = pb.ArchivePlanRequest(plan_id=plan.plan_id, etag="v1")
    assert (await refused(admin.plans("ArchivePlan", request))).reason == "ETAG_MISMATCH"
    archived = (await admin.plans("ArchivePlan", pb.ArchivePlanRequest(plan_id=plan.plan_id))).plan
    assert (archived.current_version_id, archived.HasField("archive_time")) == ("", True)
    assert await current(admin, plan.plan_id) == ""
    for call in (draft(admin, plan=plan), publish(admin, open_draft)):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PLAN_ARCHIVED")
