"""CatalogService over gRPC: one file, all or nothing, and nothing when it is applied twice."""

import catalog_requests as ask
import pytest
from billing.subscriptions.v1 import catalog_pb2, plan_pb2, plans_service_pb2
from billing.subscriptions.v1 import catalog_service_pb2 as pb
from billing_kernel.ids import encode, uuid7

SEATS = ask.item(
    "seats",
    "SEAT",
    ask.per_unit("10"),
    product_code="suite",
    currency_prices=[ask.in_currency("USD", ask.per_unit("11"))],
)
CALLS = ask.item("calls", "METERED", ask.per_unit("0.001"), "ARREARS", meter_code="api_calls")
TERMS = {
    "entitlements": [{"feature_code": "sso"}],
    "change_rules": [{"kind": "CHANGE_KIND_UPGRADE", "settlement": "SETTLEMENT_AT_ONCE"}],
}


def whole(amount="10", **plan):
    """A catalogue with one of everything; `amount` is the price of a seat."""
    seats = plan_pb2.PlanItem()
    seats.CopyFrom(SEATS)
    seats.price.per_unit.unit_amount = amount
    version = catalog_pb2.CatalogPlanVersion(**ask.version(seats, CALLS, terms=ask.terms(**TERMS)))
    return ask.catalog(
        products=[catalog_pb2.CatalogProduct(code="suite", name="Suite")],
        features=[catalog_pb2.CatalogFeature(code="sso", name="Single sign-on")],
        plans=[catalog_pb2.CatalogPlan(**({"code": "pro", "name": "Pro", "version": version} | plan))],
        add_ons=[catalog_pb2.CatalogAddOn(code="support", content=ask.content(product_code="suite"))],
        coupons=[catalog_pb2.CatalogCoupon(code="spring", terms=ask.coupon())],
    )


async def apply(client, catalog, dry_run=False):
    request = pb.ApplyCatalogRequest(catalog=catalog, dry_run=dry_run)
    answer = await client.catalog("ApplyCatalog", request)
    return list(answer.actions)


async def export(client, **fields):
    return (await client.catalog("ExportCatalog", pb.ExportCatalogRequest(**fields))).catalog


def verbs(actions):
    named = catalog_pb2.CatalogVerb.Name
    return {action.code: named(action.verb).removeprefix("CATALOG_VERB_") for action in actions}


def everything(verb):
    return dict.fromkeys(("suite", "sso", "pro", "support", "spring"), verb)


async def versions(client):
    (plan,) = (await client.plans("ListPlans", plans_service_pb2.ListPlansRequest(code="pro"))).plans
    request = plans_service_pb2.ListPlanVersionsRequest(plan_id=plan.plan_id)
    return plan, list((await client.plans("ListPlanVersions", request)).plan_versions)


async def test_applied_twice_the_second_time_changes_nothing(admin):
    assert verbs(await apply(admin, whole(), dry_run=True)) == everything("CREATE")
    assert await export(admin) == ask.catalog()
    assert verbs(await apply(admin, whole())) == everything("CREATE")
    plan, (version,) = await versions(admin)
    assert (plan.current_version_id, version.state) == (version.plan_version_id, plan_pb2.PLAN_VERSION_STATE_PUBLISHED)
    assert (plan.etag, version.number) == ("v1", 1)
    assert verbs(await apply(admin, whole())) == everything("UNCHANGED")
    assert (await versions(admin)) == (plan, [version])


async def test_what_is_exported_can_be_applied_elsewhere_and_is_the_same_there(admin, client_of):
    await apply(admin, whole())
    exported = await export(admin)
    assert [each.code for each in exported.plans] == ["pro"]
    item = exported.plans[0].version.items[0]
    assert (item.plan_item_id, item.price_id, item.currency_prices[0].price_id) == ("", "", "")
    assert verbs(await apply(admin, exported)) == everything("UNCHANGED")
    other = client_of(uuid7())
    assert verbs(await apply(other, exported)) == everything("CREATE")
    assert await export(other) == exported


async def test_a_changed_price_makes_a_new_version_and_leaves_the_old_one(admin):
    await apply(admin, whole())
    _, (before,) = await versions(admin)
    dry = await apply(admin, whole("12"), dry_run=True)
    (action,) = [each for each in dry if each.code == "pro"]
    assert action.verb == catalog_pb2.CATALOG_VERB_NEW_VERSION
    assert [(each.path, each.before, each.after) for each in action.differences] == [
        ("version.items[0].price.per_unit.unit_amount", '"10"', '"12"')
    ]
    assert (await versions(admin))[1] == [before]
    assert await apply(admin, whole("12")) == dry
    plan, (old, new) = await versions(admin)
    assert (old, plan.current_version_id) == (before, new.plan_version_id)
    assert new.items[0].price.per_unit.unit_amount == "12"


async def test_names_are_changed_in_place_and_what_is_left_out_is_left_alone(admin):
    await apply(admin, whole())
    renamed = catalog_pb2.CatalogPlan(code="pro", name="Professional", metadata={"a": "1"})
    (action,) = await apply(admin, ask.catalog(plans=[renamed]))
    assert action.verb == catalog_pb2.CATALOG_VERB_UPDATE
    assert [(each.path, each.before, each.after) for each in action.differences] == [
        ("metadata", "", '{"a": "1"}'),
        ("name", '"Pro"', '"Professional"'),
    ]
    plan, (version,) = await versions(admin)
    assert (plan.name, plan.etag, version.number) == ("Professional", "v2", 1)
    coupon = catalog_pb2.CatalogCoupon(code="spring", terms=ask.coupon(percent="20"))
    add_on = catalog_pb2.CatalogAddOn(code="support", content=ask.content(price=ask.flat("6"), product_code="suite"))
    product = catalog_pb2.CatalogProduct(code="suite", name="Suite", description="All of it")
    changed = await apply(admin, ask.catalog(coupons=[coupon], add_ons=[add_on], products=[product]))
    assert verbs(changed) == {"spring": "UPDATE", "support": "NEW_VERSION", "suite": "UPDATE"}


async def test_what_is_archived_stays_so(admin, refused):
    await apply(admin, whole())
    archived = whole(archived=True)
    for each in (*archived.features, *archived.add_ons, *archived.coupons):
        each.archived = True
    found = verbs(await apply(admin, archived))
    assert found == everything("ARCHIVE") | {"suite": "UNCHANGED"}
    assert verbs(await apply(admin, archived)) == everything("UNCHANGED")
    assert [each.code for each in (await export(admin)).plans] == []
    assert [each.archived for each in (await export(admin, include_archived=True)).plans] == [True]
    refusal = await refused(apply(admin, ask.catalog(coupons=whole().coupons)))
    assert (refusal.code, refusal.reason, refusal.fields) == ("FAILED_PRECONDITION", "COUPON_ARCHIVED", ("coupons[0]",))


async def test_a_price_keeps_its_id_or_leaves_it_out(admin, refused):
    await apply(admin, whole())
    _, (version,) = await versions(admin)
    claimed = whole()
    claimed.plans[0].version.items[0].price_id = version.items[0].price_id
    assert verbs(await apply(admin, claimed)) == everything("UNCHANGED")
    changed = whole("12")
    changed.plans[0].version.items[0].price_id = version.items[0].price_id
    foreign = whole()
    foreign.plans[0].version.items[0].currency_prices[0].price_id = encode("price", uuid7())
    for catalog, field in (
        (changed, "plans[0].version.items[0].price_id"),
        (foreign, "plans[0].version.items[0].currency_prices[0].price_id"),
    ):
        refusal = await refused(apply(admin, catalog))
        assert (refusal.code, refusal.reason, refusal.fields) == ("FAILED_PRECONDITION", "PRICE_IN_USE", (field,))
    assert (await versions(admin))[1] == [version]


def spoiled(change):
    catalog = whole()
    change(catalog)
    return catalog


def twice(catalog):
    catalog.plans.append(catalog.plans[0])


def unknown_meter(catalog):
    catalog.plans[0].version.items[1].meter_code = "nope"


def unknown_feature(catalog):
    del catalog.features[:]


def unknown_product(catalog):
    del catalog.products[:]


def holes(catalog):
    tiers = {"tiers": [{"up_to": "10", "unit_amount": "1"}, {"up_to": "5", "unit_amount": "1"}]}
    catalog.plans[0].version.items[0].price.CopyFrom(ask.price(graduated=tiers))


def contradiction(catalog):
    catalog.plans[0].version.terms.proration.nominal_days = 30


def two_rules(catalog):
    catalog.plans[0].version.terms.change_rules.append(catalog.plans[0].version.terms.change_rules[0])


def bad_coupon(catalog):
    catalog.coupons[0].terms.percent = "0"


def bad_add_on(catalog):
    catalog.add_ons[0].content.requires.append("support")


def bad_form(catalog):
    catalog.version = 2


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        (twice, "INVALID_CATALOG", "plans[1].code"),
        (unknown_meter, "METER_NOT_FOUND", "plans[0].version.items[1].meter_code"),
        (unknown_feature, "FEATURE_NOT_FOUND", "plans[0].version.terms.entitlements[0].feature_code"),
        (unknown_product, "PRODUCT_NOT_FOUND", "plans[0].version.items[0].product_code"),
        (holes, "INVALID_PRICE", "plans[0].version.items[0].price.graduated.tiers[1].up_to"),
        (contradiction, "INVALID_PLAN_TERMS", "plans[0].version.terms.proration.nominal_days"),
        (two_rules, "INVALID_PLAN_TERMS", "plans[0].version.terms.change_rules[1].kind"),
        (bad_coupon, "INVALID_COUPON", "coupons[0].terms.percent"),
        (bad_add_on, "INVALID_ADD_ON", "add_ons[0].content.requires"),
        (bad_form, "VALIDATION_FAILED", "catalog.version"),
    ],
)
async def test_one_thing_wrong_refuses_all_of_it(admin, refused, change, reason, field):
    for dry_run in (True, False):
        refusal = await refused(apply(admin, spoiled(change), dry_run))
        assert refusal.reason == reason
        assert field in refusal.fields
    assert await export(admin) == ask.catalog()


async def test_viewers_read_and_do_not_apply(client_of, refused, tenant_id):
    viewer = client_of(tenant_id, "billing_viewer")
    assert await export(viewer) == ask.catalog()
    assert (await refused(apply(viewer, whole(), dry_run=True))).code == "PERMISSION_DENIED"


def naming(plan="pro", item="seats", add_on="support"):
    """A catalogue whose second add-on and whose coupon name others of it."""
    named = whole()
    second = ask.content(product_code="suite", requires=[add_on], plan_codes=[plan], excludes=["later"])
    named.add_ons.insert(0, catalog_pb2.CatalogAddOn(code="phone", content=second))
    named.coupons[0].terms.plan_codes[:] = [plan]
    named.coupons[0].terms.item_codes[:] = [item, "phone"]
    return named


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("changes", "reason", "fields"),
    [
        ({"add_on": "none"}, "INVALID_ADD_ON", {"add_ons[0].content.requires[0]"}),
        ({"plan": "none"}, "INVALID_ADD_ON", {"add_ons[0].content.plan_codes[0]"}),
        ({"item": "none"}, "INVALID_COUPON", {"coupons[0].terms.item_codes[0]"}),
    ],
)
async def test_a_file_names_what_it_makes_or_what_there_is(admin, refused, changes, reason, fields, dry_run):
    refusal = await refused(apply(admin, naming(**changes), dry_run))
    assert (refusal.reason, set(refusal.fields)) == (reason, fields)
    assert "CREATE" in set(verbs(await apply(admin, naming())).values())
    alone = naming()
    del alone.plans[:], alone.add_ons[1:]
    assert set(verbs(await apply(admin, alone)).values()) == {"UNCHANGED"}
