"""Makes what is sold as a catalogue says, all or nothing, or says what that would do."""

from collections.abc import Sequence

from billing_kernel.ids import uuid7

from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.catalog import Action, Catalog, CatalogVerb, Describe, Frame, Present
from billing_subscriptions.domain.catalog_decisions import decide
from billing_subscriptions.domain.coupon import Coupon
from billing_subscriptions.domain.events import PlanVersionPublished
from billing_subscriptions.domain.named import Feature, Product
from billing_subscriptions.domain.plan import Plan
from billing_subscriptions.operations.known import codes_of
from billing_subscriptions.operations.ports import Meters, UnitOfWork


async def meters_of(meters: Meters, catalog: Catalog) -> frozenset[str]:
    """Which of the meters that it names exist. Raises transient errors of the usage service."""
    items = [item for plan in catalog.plans if plan.version for item in plan.version.items]
    items += [each.content.item for each in catalog.add_ons]
    granted = [each for plan in catalog.plans if plan.version for each in plan.version.terms.entitlements]
    granted += [grant for each in catalog.add_ons for grant in each.content.entitlements]
    named = {item.meter_code for item in items} | {each.metered.meter_code for each in granted if each.metered}
    return await meters.known(frozenset(named - {""})) if named - {""} else frozenset()


async def apply_catalog(
    uow: UnitOfWork, catalog: Catalog, meters: frozenset[str], describe: Describe, *, dry_run: bool
) -> Sequence[Action]:
    """Raises as domain.catalog_decisions.decide."""
    present = await _present(uow, catalog, meters)
    actions = decide(catalog, present, Frame(describe, uuid7, await uow.now()))
    if not dry_run:
        for action in actions:
            await _write(uow, action)
    return actions


async def _present(uow: UnitOfWork, catalog: Catalog, meters: frozenset[str]) -> Present:
    """What the file names, locked, in one order of tables and codes."""
    features = {each.code for each in catalog.features}
    products = {each.code for each in catalog.products}
    for plan in catalog.plans:
        if plan.version:
            features |= {each.feature_code for each in plan.version.terms.entitlements}
            products |= {item.product_code for item in plan.version.items}
    for add_on in catalog.add_ons:
        features |= {each.feature_code for each in add_on.content.entitlements}
        products |= {add_on.content.item.product_code}
    codes = sorted(each.code for each in catalog.plans)
    plans = await uow.plans.lock_by_codes(codes)
    return Present(
        products=await uow.products.by_codes(sorted(products - {""}), lock=True),
        features=await uow.features.by_codes(sorted(features), lock=True),
        plans=plans,
        versions=await uow.plans.latest(codes),
        numbers={plan.id: await uow.plans.last_number(plan.id) for plan in plans.values()},
        add_ons=await uow.add_ons.by_codes(sorted(each.code for each in catalog.add_ons), lock=True),
        coupons=await uow.coupons.by_codes(sorted(each.code for each in catalog.coupons), lock=True),
        meters=meters,
        codes=await codes_of(uow, [each.content for each in catalog.add_ons], [each.terms for each in catalog.coupons]),
    )


async def _write(uow: UnitOfWork, action: Action) -> None:
    """One action; the things of a file do not depend on the order in which they are written."""
    created, after = action.verb is CatalogVerb.CREATE, action.after
    if isinstance(after, Product):
        await (uow.products.add(after) if created else uow.products.save(after))
    elif isinstance(after, Feature):
        await (uow.features.add(after) if created else uow.features.save(after))
    elif isinstance(after, Coupon):
        await (uow.coupons.add(after) if created else uow.coupons.save(after))
    elif isinstance(after, AddOn):
        new_version = action.verb is CatalogVerb.NEW_VERSION
        await (uow.add_ons.add(after) if created else uow.add_ons.save(after, new_version=new_version))
    elif isinstance(after, Plan):
        await _write_plan(uow, action, after)


async def _write_plan(uow: UnitOfWork, action: Action, plan: Plan) -> None:
    if action.verb is CatalogVerb.CREATE:
        await uow.plans.add(plan)
    if action.version is not None:
        await uow.plans.add_version(action.version)
        assert action.version.published_at is not None
        await uow.publish(PlanVersionPublished(action.version, action.version.published_at))
    if action.verb is not CatalogVerb.CREATE:
        await uow.plans.save(plan)
