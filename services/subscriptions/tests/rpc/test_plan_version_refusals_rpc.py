"""Plan versions over gRPC: what contradicts itself is refused with the path of its field, and nothing is kept."""

import catalog_requests as ask
import pytest
from billing.subscriptions.v1 import plans_service_pb2 as pb


async def make_plan(client):
    return (await client.plans("CreatePlan", pb.CreatePlanRequest(code="pro", name="Pro"))).plan


async def draft(client, plan, *items, **more):
    request = pb.CreatePlanVersionRequest(plan_id=plan.plan_id, **ask.version(*items, **more))
    return (await client.plans("CreatePlanVersion", request)).plan_version


def base(**more):
    return ask.item("base", "FLAT", ask.flat(), **more)


def seats(**more):
    return ask.item("seats", "SEAT", ask.per_unit("1"), **more)


def tiers(*rows):
    rows = [dict(zip(("up_to", "unit_amount"), row, strict=True)) for row in rows]
    return ask.item("seats", "SEAT", ask.price(graduated={"tiers": rows}))


GRADUATED = "items[0].price.graduated."
DAYS = "PRORATION_BASIS_BY_DAYS"
HOURLY = {"commitment": {"amount": "5", "window": "COMMITMENT_WINDOW_HOUR"}}
EUROS = {"currency_code": "EUR", "amount_minor": "10000"}
REFUSED = [
    ((tiers(("10", "1"), ("5", "1"), ("", "1")),), {}, "INVALID_PRICE", f"{GRADUATED}tiers[1].up_to"),
    ((tiers(("10", "1"), ("10", "1"), ("", "1")),), {}, "INVALID_PRICE", f"{GRADUATED}tiers[1].up_to"),
    ((tiers(("10", "1"), ("", "1"), ("20", "1")),), {}, "INVALID_PRICE", f"{GRADUATED}tiers[1].up_to"),
    ((tiers(("10", "1")),), {}, "INVALID_PRICE", f"{GRADUATED}tiers[0].up_to"),
    ((base(),), {"currency_code": "XXX"}, "UNKNOWN_CURRENCY", "currency_code"),
    (
        (base(currency_prices=[ask.in_currency("ZZZ", ask.flat())]),),
        {},
        "UNKNOWN_CURRENCY",
        "items[0].currency_prices[0].currency_code",
    ),
    (
        (base(currency_prices=[ask.in_currency("EUR", ask.flat())]),),
        {},
        "INVALID_PRICE",
        "items[0].currency_prices[0].currency_code",
    ),
    (
        (base(currency_prices=[ask.in_currency("USD", ask.per_unit("1"))]),),
        {},
        "INVALID_PLAN_ITEM",
        "items[0].currency_prices[0].price",
    ),
    (
        (ask.item("s", "SEAT", ask.price(per_unit={"unit_amount": "1"}, adjustments=HOURLY)),),
        {},
        "INVALID_PRICE",
        "items[0].price.adjustments.commitment.window",
    ),
    ((seats(min_quantity="5", max_quantity="4"),), {}, "INVALID_PLAN_ITEM", "items[0].max_quantity"),
    ((seats(min_quantity="007"),), {}, "INVALID_PLAN_ITEM", "items[0].min_quantity"),
    ((base(max_quantity="4"),), {}, "INVALID_PLAN_ITEM", "items[0].min_quantity"),
    ((ask.item("s", "SEAT", ask.price(dynamic={})),), {}, "INVALID_PLAN_ITEM", "items[0].price"),
    (
        (),
        {"terms": {"change_rules": [{"kind": "CHANGE_KIND_UPGRADE"}, {"kind": "CHANGE_KIND_UPGRADE"}]}},
        "INVALID_PLAN_TERMS",
        "terms.change_rules[1].kind",
    ),
    (
        (),
        {
            "terms": {
                "change_rules": [{"kind": "CHANGE_KIND_UPGRADE", "proration": {"basis": DAYS, "nominal_days": 30}}]
            }
        },
        "INVALID_PLAN_TERMS",
        "terms.change_rules[0].proration.nominal_days",
    ),
    ((), {"terms": {"proration": {"nominal_days": 30}}}, "INVALID_PLAN_TERMS", "terms.proration.nominal_days"),
    (
        (),
        {"terms": {"phases": [{"code": "a", "periods": 1}, {"code": "a", "periods": 1}]}},
        "INVALID_PLAN_TERMS",
        "terms.phases[1].code",
    ),
    ((), {"terms": {"phases": [{"code": "a", "periods": 5}], "term_periods": 4}}, "INVALID_PLAN_TERMS", "terms.phases"),
    (
        (),
        {"terms": {"entitlements": [{"feature_code": "a"}, {"feature_code": "a"}]}},
        "INVALID_PLAN_TERMS",
        "terms.entitlements[1].feature_code",
    ),
    (
        (),
        {"terms": {"alignment": {"kind": "ALIGNMENT_KIND_ANCHOR_DAY"}}},
        "INVALID_PLAN_TERMS",
        "terms.alignment.anchor_day",
    ),
    ((), {"terms": {"alignment": {"anchor_day": 3}}}, "INVALID_PLAN_TERMS", "terms.alignment.anchor_day"),
    ((), {"terms": {"term_end": "TERM_END_EXPIRE"}}, "INVALID_PLAN_TERMS", "terms.term_end"),
    (
        (),
        {"terms": {"minimum_commitments": [{"amount": {"currency_code": "EUR"}}]}},
        "INVALID_PLAN_TERMS",
        "terms.minimum_commitments[0].amount.amount_minor",
    ),
    (
        (),
        {"terms": {"minimum_commitments": [{"amount": {"currency_code": "ZZZ", "amount_minor": "1"}}]}},
        "UNKNOWN_CURRENCY",
        "terms.minimum_commitments[0].amount.currency_code",
    ),
    (
        (base(),),
        {"terms": {"minimum_commitments": [{"amount": EUROS, "tax_behavior": "TAX_BEHAVIOR_INCLUSIVE"}]}},
        "INVALID_PLAN_TERMS",
        "terms.minimum_commitments[0].tax_behavior",
    ),
]


@pytest.mark.parametrize(("items", "more", "reason", "field"), REFUSED, ids=[f"{r}-{f}" for *_, r, f in REFUSED])
async def test_what_contradicts_itself_is_refused_by_its_field(admin, refused, items, more, reason, field):
    more = {**more, "terms": ask.terms(**more["terms"])} if "terms" in more else more
    plan = await make_plan(admin)
    refusal = await refused(draft(admin, plan, *items, **more))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert field in refusal.fields
    listed = await admin.plans("ListPlanVersions", pb.ListPlanVersionsRequest(plan_id=plan.plan_id))
    assert not listed.plan_versions
