"""What applying a catalogue does to each thing: the same decisions for a dry run and for the call itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from billing_kernel.errors import DomainError, Violation
from billing_kernel.money import CurrencyMismatch

from billing_subscriptions.domain import add_on as add_ons
from billing_subscriptions.domain import coupon as coupons
from billing_subscriptions.domain import named as nameds
from billing_subscriptions.domain import plan as plans
from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.catalog import (
    Action,
    AddOnEntry,
    Catalog,
    CatalogKind,
    CatalogVerb,
    CouponEntry,
    Frame,
    NamedEntry,
    PlanEntry,
    Present,
    PriceClaim,
    at,
    check_codes,
    differences,
)
from billing_subscriptions.domain.catalog_errors import AddOnArchived, CouponArchived, PlanArchived, PriceInUse
from billing_subscriptions.domain.coupon import Coupon
from billing_subscriptions.domain.known import Known
from billing_subscriptions.domain.named import Feature, N, Product
from billing_subscriptions.domain.named_codes import Codes, refuse_unknown_of_add_on, refuse_unknown_of_coupon
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.domain.plan_item import PlanItem

SAME, CREATE, ARCHIVE = CatalogVerb.UNCHANGED, CatalogVerb.CREATE, CatalogVerb.ARCHIVE


def decide(catalog: Catalog, present: Present, frame: Frame) -> tuple[Action, ...]:
    """One action for each entry, in the order of the file.

    Raises InvalidCatalog, PriceInUse and what making or changing the things raises, with the path of the field.
    """
    check_codes(catalog)
    return tuple(_actions(catalog, present, frame))


def _actions(catalog: Catalog, present: Present, frame: Frame) -> Iterator[Action]:
    known, codes = _known(catalog, present), present.codes | _made(catalog)
    for index, entry in enumerate(catalog.products):
        with at(f"products[{index}]"):
            yield _named(Product, CatalogKind.PRODUCT, entry, present.products.get(entry.code), frame)
    for index, entry in enumerate(catalog.features):
        with at(f"features[{index}]"):
            yield _named(Feature, CatalogKind.FEATURE, entry, present.features.get(entry.code), frame)
    for index, plan in enumerate(catalog.plans):
        with at(f"plans[{index}]"):
            yield _plan(plan, present, known, frame)
    for index, add_on in enumerate(catalog.add_ons):
        with at(f"add_ons[{index}]"):
            yield _add_on(add_on, present.add_ons.get(add_on.code), known, frame)
            if not add_on.archived:
                refuse_unknown_of_add_on(add_on.content, codes)
    for index, coupon in enumerate(catalog.coupons):
        with at(f"coupons[{index}]"):
            yield _coupon(coupon, present.coupons.get(coupon.code), frame)
            if not coupon.archived:
                refuse_unknown_of_coupon(coupon.terms, codes)


def _known(catalog: Catalog, present: Present) -> Known:
    """What may be named: what is, and what the file makes."""
    return Known(present.meters, _there(catalog.features, present.features), _there(catalog.products, present.products))


def _made(catalog: Catalog) -> Codes:
    """Codes that exist once the file is applied."""
    sold = [plan for plan in catalog.plans if not plan.archived]
    add_ons = frozenset(each.code for each in catalog.add_ons if not each.archived)
    items = frozenset(item.code for plan in sold if plan.version for item in plan.version.items)
    return Codes(frozenset(plan.code for plan in sold), add_ons, items | add_ons)


def _there(entries: Sequence[NamedEntry], present: Mapping[str, Product] | Mapping[str, Feature]) -> frozenset[str]:
    there = {code for code, each in present.items() if each.archived_at is None}
    made = {entry.code for entry in entries if not entry.archived and entry.code not in present}
    return frozenset((there | made) - {entry.code for entry in entries if entry.archived})


def _named(kind: type[N], of: CatalogKind, entry: NamedEntry, before: N | None, frame: Frame) -> Action:
    if before is None:
        if entry.archived:
            return Action(of, entry.code, SAME)
        made = nameds.create(kind, entry.code, entry.words, new_id=frame.new_id(), now=frame.now)
        return Action(of, entry.code, CREATE, after=made)
    if entry.archived:
        return _archived(of, before, nameds.archive(before, now=frame.now))
    after = nameds.describe(before, entry.words, now=frame.now)
    return _changed(of, before, after, frame.describe.named(before), frame.describe.named(after))


def _coupon(entry: CouponEntry, before: Coupon | None, frame: Frame) -> Action:
    of = CatalogKind.COUPON
    if before is None:
        if entry.archived:
            return Action(of, entry.code, SAME)
        made = coupons.create(entry.code, entry.terms, entry.metadata, new_id=frame.new_id(), now=frame.now)
        return Action(of, entry.code, CREATE, after=made)
    if entry.archived:
        return _archived(of, before, coupons.archive(before, now=frame.now))
    _refuse(before.archived_at is not None, CouponArchived("the coupon is archived"))
    after = coupons.change(before, entry.terms, entry.metadata, now=frame.now)
    return _changed(of, before, after, frame.describe.coupon(before), frame.describe.coupon(after))


def _add_on(entry: AddOnEntry, before: AddOn | None, known: Known, frame: Frame) -> Action:
    of, new_id, now = CatalogKind.ADD_ON, frame.new_id, frame.now
    if before is None:
        if entry.archived:
            return Action(of, entry.code, SAME)
        _check_claims(entry.claims, ())
        made = add_ons.create(entry.code, entry.content, entry.metadata, known=known, new_id=new_id, now=now)
        return Action(of, entry.code, CREATE, after=made)
    if entry.archived:
        return _archived(of, before, add_ons.archive(before, now=now))
    _refuse(before.archived_at is not None, AddOnArchived("the add-on is archived"))
    after = add_ons.change(before, entry.content, entry.metadata, known=known, new_id=new_id, now=now)
    _check_claims(entry.claims, [before.item], [after.item])
    changed = _changed(of, before, after, frame.describe.add_on(before), frame.describe.add_on(after))
    return replace(changed, verb=CatalogVerb.NEW_VERSION) if after.number > before.number else changed


def _plan(entry: PlanEntry, present: Present, known: Known, frame: Frame) -> Action:
    of, before = CatalogKind.PLAN, present.plans.get(entry.code)
    if before is None:
        if entry.archived:
            return Action(of, entry.code, SAME)
        _check_claims(entry.claims, ())
        made = plans.create(entry.code, entry.name, entry.metadata, plan_id=frame.new_id(), now=frame.now)
        selling, version = _published(made, entry, 1, known, frame)
        return Action(of, entry.code, CREATE, after=replace(selling, version=1), version=version)
    if entry.archived:
        return _archived(of, before, plans.archive(before, now=frame.now))
    _refuse(before.archived_at is not None, PlanArchived("the plan is archived"))
    return _changed_plan(entry, before, present, known, frame)


def _changed_plan(entry: PlanEntry, before: Plan, present: Present, known: Known, frame: Frame) -> Action:
    sold = present.versions.get(before.id)
    named = (before.name, dict(before.metadata)) == (entry.name, dict(entry.metadata))
    after = before if named else plans.rename(before, entry.name, entry.metadata, now=frame.now)
    number = present.numbers.get(before.id, 0) + 1
    selling, version = _published(after, entry, number, known, frame)
    if version is not None:
        _check_claims(entry.claims, sold.items if sold else (), version.items)
    was = frame.describe.plan(before, sold)
    found = tuple(differences(was, frame.describe.plan(after, version or sold)))
    if version is not None and any(each.path.startswith("version") for each in found):
        after = replace(selling, version=before.version + 1)
        return Action(CatalogKind.PLAN, entry.code, CatalogVerb.NEW_VERSION, found, after, version)
    return _changed(CatalogKind.PLAN, before, after, was, frame.describe.plan(after, sold))


def _published(
    plan: Plan, entry: PlanEntry, number: int, known: Known, frame: Frame
) -> tuple[Plan, PlanVersion | None]:
    if entry.version is None:
        return plan, None
    with at("version"):
        draft = plans.draft(plan, entry.version, number=number, new_id=frame.new_id, now=frame.now)
        return plans.publish(plan, draft, known=known, now=frame.now)


def _check_claims(claims: Sequence[PriceClaim], sold: Sequence[PlanItem], wanted: Sequence[PlanItem] = ()) -> None:
    """Raises PriceInUse where a price is not the one that its id says."""
    for claim in claims:
        before = _price_of(sold, claim)
        if before is None or before.price_id != claim.price_id:
            raise _in_use(claim, "is not the id of this item's price: leave it out")
        after = _price_of(wanted, claim)
        if after is None or after.price != before.price:
            raise _in_use(claim, "is the id of another price, and a price never changes: leave the id out")


def _price_of(items: Sequence[PlanItem], claim: PriceClaim) -> PlanItem | None:
    try:
        return next((each.in_currency(claim.currency) for each in items if each.code == claim.item_code), None)
    except CurrencyMismatch:
        return None


def _in_use(claim: PriceClaim, text: str) -> PriceInUse:
    facts = {"price_id": str(claim.price_id), "item": claim.item_code}
    return PriceInUse(f"price_id {text}", facts=facts, violations=[Violation(claim.path, text, "price.in_use")])


def _archived(of: CatalogKind, before: Product | Feature | Plan | AddOn | Coupon, after: object) -> Action:
    if after is before:
        return Action(of, before.code, SAME)
    assert isinstance(after, Product | Feature | Plan | AddOn | Coupon)
    return Action(of, before.code, ARCHIVE, after=after)


def _changed(
    of: CatalogKind,
    before: Product | Feature | Plan | AddOn | Coupon,
    after: Product | Feature | Plan | AddOn | Coupon,
    was: Mapping[str, object],
    becomes: Mapping[str, object],
) -> Action:
    found = tuple(differences(was, becomes))
    if after is before:
        return Action(of, before.code, SAME)
    return Action(of, before.code, CatalogVerb.UPDATE, found, after)


def _refuse(broken: bool, refusal: DomainError) -> None:
    if broken:
        raise refusal
