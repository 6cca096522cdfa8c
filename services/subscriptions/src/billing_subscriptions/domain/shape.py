"""What a subscription consists of after a change: its plan version and its items, without any money yet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from uuid import UUID, uuid5

from billing_kernel.errors import Violation

from billing_subscriptions.domain.catalog_errors import AddOnNotAllowed, AddOnNotFound
from billing_subscriptions.domain.errors import InvalidChange, InvalidQuantity, SubscriptionItemNotFound
from billing_subscriptions.domain.own_items import carried_quantity, checked_quantity, first_quantity, overridden
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.plan_item import ItemKind, PlanItem
from billing_subscriptions.domain.step import AddOnOffer, Offers
from billing_subscriptions.domain.subscription import Change, OwnItem, Subscription, SubscriptionItem

ITEMS = UUID("a4b0a3f6-5f0b-5c0d-8b63-0f6f4f1f8f52")  # the namespace of subscription item ids, fixed for good
Items = tuple[SubscriptionItem, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    version: PlanVersion
    items: Items


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose change it is. Not `strict`, when its time has come: what cannot be done any more is left out."""

    subscription_id: UUID
    number: int  # the subscription's version with the change
    currency: str
    version: PlanVersion
    strict: bool


def shaped(before: Subscription, version: PlanVersion, change: Change, offers: Offers, *, strict: bool = True) -> Shape:
    """The version and items after the change; an item that stays keeps its id and its window.

    Raises SubscriptionItemNotFound, InvalidQuantity, InvalidChange, InvalidPrice, AddOnNotFound, AddOnNotAllowed.
    """
    target = version
    if change.plan_version_id is not None and change.plan_version_id != version.id:
        target = offers.versions[change.plan_version_id]
    wanted = Wanted(before.id, before.version + 1, before.currency, target, strict)
    items = before.items if target is version else _moved(wanted, before.items, version)
    if strict:
        _refuse_contradictions(change)
    items = _without(wanted, items, change.remove_codes)
    items = with_add_ons(wanted, items, change.add_ons, offers)
    items = with_quantities(wanted, items, change.quantities)
    items = with_overrides(wanted, items, change)
    return Shape(target, items)


def feasible(change: Change, items: Items, version: PlanVersion, offers: Offers) -> Change:
    """The change without what is there no more: its plan version, items, add-ons."""
    codes = {each.code for each in items}
    target = offers.versions.get(change.plan_version_id) if change.plan_version_id else None
    if target is not None and target.id != version.id:
        codes |= {each.code for each in target.items}
    return Change(
        target.id if target is not None else None,
        {code: quantity for code, quantity in change.quantities.items() if code in codes},
        {code: quantity for code, quantity in change.add_ons.items() if code in offers.add_ons},
        tuple(code for code in change.remove_codes if code in codes),
        tuple(each for each in change.overrides if each.code in codes),
    )


def definition_of(item: SubscriptionItem, version: PlanVersion) -> PlanItem:
    """The item's own definition, else that of the plan version."""
    return item.own.item if item.own else next(each for each in version.items if each.id == item.plan_item_id)


def new_item(wanted: Wanted, definition: PlanItem, quantity: Fraction | None) -> SubscriptionItem:
    """An item of the plan version; its id is the same in a preview."""
    made = uuid5(ITEMS, f"{wanted.subscription_id}|{definition.code}|{wanted.number}")
    return SubscriptionItem(made, definition.id, definition.code, quantity)


def with_add_ons(wanted: Wanted, items: Items, add_ons: Mapping[str, Fraction], offers: Offers) -> Items:
    """The items and these add-ons; one that is there already takes the new quantity."""
    for index, (code, quantity) in enumerate(add_ons.items()):
        field = f"add_ons[{index}]"
        there = next((each for each in items if each.code == code), None)
        offer = offers.add_ons.get(code)
        if offer is None or (there is not None and not there.add_on_code):
            if wanted.strict:
                raise _not_sold(code, field, taken=there is not None)
            continue
        definition = there.own.item if there is not None and there.own else offer.item
        number = _quantity(wanted, definition, quantity, f"{field}.quantity")
        if there is not None:
            items = tuple(replace(each, quantity=number) if each is there else each for each in items)
            continue
        _check_conditions(wanted, items, offer, offers, field)
        made = replace(new_item(wanted, offer.item, number), own=OwnItem(offer.item), add_on_code=code, once=offer.once)
        items = (*items, made)
    return items


def with_quantities(wanted: Wanted, items: Items, quantities: Mapping[str, Fraction]) -> Items:
    """Raises SubscriptionItemNotFound, InvalidQuantity."""
    for index, (code, quantity) in enumerate(quantities.items()):
        if not _known(wanted, items, code, f"quantities[{index}].code"):
            continue
        items = tuple(
            replace(
                each, quantity=_quantity(wanted, definition_of(each, wanted.version), quantity, f"quantities[{index}]")
            )
            if each.code == code
            else each
            for each in items
        )
    return items


def with_overrides(wanted: Wanted, items: Items, change: Change) -> Items:
    """Raises SubscriptionItemNotFound, InvalidPrice."""
    for index, override in enumerate(change.overrides):
        field = f"price_overrides[{index}]"
        if not _known(wanted, items, override.code, f"{field}.code"):
            continue
        items = tuple(
            overridden(
                wanted.subscription_id,
                each,
                definition_of(each, wanted.version),
                override,
                wanted.currency,
                f"{field}.price",
            )
            if each.code == override.code
            else each
            for each in items
        )
    return items


def _moved(wanted: Wanted, items: Items, version: PlanVersion) -> Items:
    """Items of the version go by their code; add-ons stay. Prices of its own stay within one plan."""
    same_plan = version.plan_id == wanted.version.plan_id
    there = {each.code: each for each in items if not each.add_on_code}
    found: list[SubscriptionItem] = []
    for definition in wanted.version.items:
        item = there.get(definition.code)
        if item is None:
            found.append(new_item(wanted, definition, first_quantity(definition)))
            continue
        own = item.own if same_plan else None
        quantity = carried_quantity(definition, item.quantity)
        found.append(replace(item, plan_item_id=definition.id, quantity=quantity, own=own))
    codes = {each.code for each in found}
    return (*found, *(each for each in items if each.add_on_code and each.code not in codes))


def _without(wanted: Wanted, items: Items, codes: tuple[str, ...]) -> Items:
    gone = {code for index, code in enumerate(codes) if _known(wanted, items, code, f"remove_codes[{index}]")}
    return tuple(each for each in items if each.code not in gone) if gone else items


def _known(wanted: Wanted, items: Items, code: str, field: str) -> bool:
    if any(each.code == code for each in items):
        return True
    if wanted.strict:
        text = f"the subscription has no item {code!r}"
        raise SubscriptionItemNotFound(text, facts={"code": code}, violations=[Violation(field, text, "item.known")])
    return False


def _quantity(wanted: Wanted, definition: PlanItem, quantity: Fraction, field: str) -> Fraction | None:
    if definition.kind is ItemKind.METERED and quantity == 1:
        return None
    if wanted.strict:
        return checked_quantity(definition, quantity, wanted.currency, field)
    try:
        return checked_quantity(definition, quantity, wanted.currency, field)
    except InvalidQuantity:
        return carried_quantity(definition, quantity)


def _refuse_contradictions(change: Change) -> None:
    """One change says one thing of an item."""
    gone = set(change.remove_codes)
    named = (
        ("quantities", list(change.quantities)),
        ("add_ons", list(change.add_ons)),
        ("price_overrides", [each.code for each in change.overrides]),
    )
    for field, codes in named:
        for index, code in enumerate(codes):
            if code in gone or code in codes[:index] or (field == "add_ons" and code in change.quantities):
                text = f"{code!r} is changed in two ways at once"
                raise InvalidChange(text, violations=[Violation(f"{field}[{index}]", text, "change.contradiction")])


def _not_sold(code: str, field: str, *, taken: bool) -> Exception:
    text = f"{code!r} is an item of the plan" if taken else f"there is no add-on {code!r}"
    violation = Violation(f"{field}.add_on_code", text, "add_on.known")
    return (InvalidChange if taken else AddOnNotFound)(text, violations=[violation])


def _check_conditions(wanted: Wanted, items: Items, offer: AddOnOffer, offers: Offers, field: str) -> None:
    """Raises AddOnNotAllowed: of the plans it requires one is enough, of the add-ons each; beside none it excludes."""
    if not wanted.strict:
        return
    plan = offers.plan_codes.get(wanted.version.plan_id, "")
    held = {each.add_on_code for each in items if each.add_on_code}
    beside = [code for code in offer.excludes if code in held or code == plan]
    missing = [code for code in offer.requires_add_ons if code not in held]
    if offer.requires_plans and plan not in offer.requires_plans:
        missing.append(" or ".join(offer.requires_plans))
    if beside or missing:
        rule = "excludes" if beside else "requires"
        text = f"{offer.item.code!r} {rule} {', '.join(beside or missing)}"
        raise AddOnNotAllowed(text, facts={"rule": rule}, violations=[Violation(field, text, f"add_on.{rule}")])
