"""The change matrix: what kinds of change a change is, and by which rules its parts go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from billing_kernel.proration import Proration

from billing_subscriptions.domain.charges import WHOLE, PriceBook
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.plan_item import ItemKind
from billing_subscriptions.domain.policy import ChangeKind, ChangeRule, ChangeWhen, PlanTerms, Settlement
from billing_subscriptions.domain.shape import Items, Shape, definition_of, shaped
from billing_subscriptions.domain.step import Offers
from billing_subscriptions.domain.subscription import Change, Subscription


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a call says instead of the plan version's rule; None takes the rule."""

    when: ChangeWhen | None = None
    proration: Proration | None = None
    settlement: Settlement | None = None

    def rule(self, terms: PlanTerms, kind: ChangeKind) -> ChangeRule:
        rule = terms.rule(kind)
        return ChangeRule(
            self.when or rule.when,
            self.proration if self.proration is not None else rule.proration,
            self.settlement or rule.settlement,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a change that is of one kind."""

    kind: ChangeKind
    change: Change
    rule: ChangeRule


def recurring(version: PlanVersion, items: Items, currency: str, prices: PriceBook, at: datetime) -> Fraction:
    """What the fixed items cost a whole period, before rounding; `at` picks the rates of pricing units."""
    total = Fraction(0)
    for item in items:
        definition = definition_of(item, version)
        if definition.kind is not ItemKind.METERED and item.quantity is not None:
            total += prices.price(definition, item.quantity, WHOLE, currency, at=at).exact.value
    return total


def parts_of(
    before: Subscription,
    version: PlanVersion,
    change: Change,
    shape: Shape,
    offers: Offers,
    prices: PriceBook,
    wishes: Wishes,
    at: datetime,
    *,
    strict: bool = True,
) -> tuple[Part, ...]:
    """The parts of a change by kind, the weightiest first; empty when it changes nothing.

    With another plan version all goes along with it. Else quantities, add-ons, removals and prices each have their own
    kind, worked out by comparing what a whole period costs.
    """
    if shape.version is not version:
        kind = plan_kind(before, version, shape, prices, at)
        return (Part(kind, change, wishes.rule(version.terms, kind)),)
    found: dict[ChangeKind, Change] = {}
    own_prices = _overrides(before, version, change, offers, prices, at, strict=strict)
    for kind, each in (*_quantities(before, change), *_removals(change), *own_prices):
        found[kind] = _joined(found[kind], each) if kind in found else each
    return tuple(Part(kind, found[kind], wishes.rule(version.terms, kind)) for kind in ChangeKind if kind in found)


def plan_kind(before: Subscription, version: PlanVersion, shape: Shape, prices: PriceBook, at: datetime) -> ChangeKind:
    """Of a change to another version: another interval, dearer a period, or not."""
    if shape.version.interval != version.interval:
        return ChangeKind.INTERVAL_CHANGE
    return _dearer(
        recurring(version, before.items, before.currency, prices, at),
        recurring(shape.version, shape.items, before.currency, prices, at),
    )


def _dearer(old: Fraction, new: Fraction) -> ChangeKind:
    return ChangeKind.UPGRADE if new > old else ChangeKind.DOWNGRADE


def _quantities(before: Subscription, change: Change) -> list[tuple[ChangeKind, Change]]:
    there: Mapping[str, Fraction | None] = {each.code: each.quantity for each in before.items}
    found = [
        (_more(there[code], quantity), Change(quantities={code: quantity}))
        for code, quantity in change.quantities.items()
        if there[code] != quantity
    ]
    for code, quantity in change.add_ons.items():
        part = Change(add_ons={code: quantity})
        if code not in there:
            found.append((ChangeKind.ITEM_ADDED, part))
        elif there[code] is not None and there[code] != quantity:
            found.append((_more(there[code], quantity), part))
    return found


def _more(old: Fraction | None, new: Fraction) -> ChangeKind:
    return ChangeKind.QUANTITY_UP if old is None or new > old else ChangeKind.QUANTITY_DOWN


def _removals(change: Change) -> list[tuple[ChangeKind, Change]]:
    return [(ChangeKind.ITEM_REMOVED, Change(remove_codes=(code,))) for code in change.remove_codes]


def _overrides(
    before: Subscription,
    version: PlanVersion,
    change: Change,
    offers: Offers,
    prices: PriceBook,
    at: datetime,
    *,
    strict: bool,
) -> list[tuple[ChangeKind, Change]]:
    """A price of its own is compared at the quantity that the item has then."""
    quantities = replace(change, overrides=(), remove_codes=())
    base = replace(before, items=shaped(before, version, quantities, offers, strict=strict).items)
    old = recurring(version, base.items, before.currency, prices, at)
    found = []
    for override in change.overrides:
        part = Change(overrides=(override,))
        new = shaped(base, version, part, offers, strict=strict)
        if new.items != base.items:
            found.append((_dearer(old, recurring(version, new.items, before.currency, prices, at)), part))
    return found


def _joined(one: Change, other: Change) -> Change:
    return Change(
        None,
        {**one.quantities, **other.quantities},
        {**one.add_ons, **other.add_ons},
        one.remove_codes + other.remove_codes,
        one.overrides + other.overrides,
    )
