"""Add-ons: items that a subscription may take beside its plan, in immutable versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.decimals import format_decimal
from billing_kernel.errors import Violation

from billing_subscriptions.domain.catalog_errors import AddOnArchived, AddOnNotAllowed, InvalidAddOn
from billing_subscriptions.domain.known import Known, refuse_unknown
from billing_subscriptions.domain.plan_item import (
    ItemKind,
    NewId,
    NewItem,
    PlanItem,
    check_currency,
    check_items,
    make_item,
    quantity_bounds,
)
from billing_subscriptions.domain.plan_terms import entitlement_violations
from billing_subscriptions.domain.policy import Entitlement

ONE = Fraction(1)


class Recurrence(StrEnum):
    ONCE = "ONCE"  # charged in the period in which it is added, gone with its end
    RECURRING = "RECURRING"  # charged in each period


@dataclass(frozen=True, slots=True)
class Conditions:
    """Who may take an add-on beside what, how often it is charged, and what it permits.

    `requires`: add-ons that must each be there; `excludes`: plans and add-ons of which none may be there; `plan_codes`:
    sold beside these plans alone, empty beside all. `max_quantity` None: without bound.
    """

    recurrence: Recurrence = Recurrence.RECURRING
    min_quantity: Fraction = ONE
    max_quantity: Fraction | None = None
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    plan_codes: tuple[str, ...] = ()
    entitlements: tuple[Entitlement, ...] = ()


@dataclass(frozen=True, slots=True)
class NewAddOn:
    """An add-on as it is asked for. Its item has the add-on's code; quantities are decimal texts, empty for none."""

    item: NewItem
    currency: str
    recurrence: Recurrence = Recurrence.RECURRING
    min_quantity: str = ""
    max_quantity: str = ""
    requires: Sequence[str] = ()
    excludes: Sequence[str] = ()
    plan_codes: Sequence[str] = ()
    entitlements: Sequence[Entitlement] = ()


@dataclass(frozen=True, slots=True)
class AddOn:
    """An add-on with one of its versions, looked at in `currency`; `number` counts versions from 1."""

    id: UUID
    code: str
    version_id: UUID
    number: int
    currency: str
    item: PlanItem
    conditions: Conditions
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.item.name

    @property
    def once(self) -> bool:
        return self.conditions.recurrence is Recurrence.ONCE

    @property
    def feature_codes(self) -> frozenset[str]:
        return frozenset(each.feature_code for each in self.conditions.entitlements)

    @property
    def meter_codes(self) -> frozenset[str]:
        granted = (each.metered.meter_code for each in self.conditions.entitlements if each.metered)
        return frozenset(granted) | ({self.item.meter_code} if self.item.meter_code else set())

    @property
    def product_codes(self) -> frozenset[str]:
        return frozenset({self.item.product_code} if self.item.product_code else ())

    def in_currency(self, currency: str) -> "AddOn":
        """The same with the price of that currency. Raises CurrencyMismatch."""
        return replace(self, currency=currency, item=self.item.in_currency(currency))

    def content(self) -> tuple[object, ...]:
        """Everything a version is made of but its ids: equal contents need no new version."""
        return self.currency, self.item.content(), self.conditions


def create(
    code: str, wanted: NewAddOn, metadata: Mapping[str, str], *, known: Known, new_id: NewId, now: datetime
) -> AddOn:
    """Version 1.

    Raises UnknownCurrency, InvalidPlanItem, InvalidPrice, InvalidAddOn, MeterNotFound, FeatureMissing, ProductMissing.
    """
    conditions = _conditions(code, wanted)
    made = AddOn(
        id=new_id(),
        code=code,
        version_id=new_id(),
        number=1,
        currency=wanted.currency,
        item=make_item(_bounded(code, wanted), wanted.currency, new_id),
        conditions=conditions,
        metadata=dict(metadata),
        version=1,
        created_at=now,
        updated_at=now,
    )
    granted = [(f"content.entitlements[{index}]", each) for index, each in enumerate(conditions.entitlements)]
    refuse_unknown([("content", made.item)], granted, known)
    return made


def change(
    before: AddOn,
    wanted: NewAddOn | None,
    metadata: Mapping[str, str] | None,
    *,
    known: Known,
    new_id: NewId,
    now: datetime,
) -> AddOn:
    """A new version where the content differs; None leaves a part as it is; itself when nothing differs.

    Raises AddOnArchived and as `create`.
    """
    if before.archived_at is not None:
        raise AddOnArchived("the add-on is archived", facts={"add_on": before.code})
    after = before if metadata is None else replace(before, metadata=dict(metadata))
    if wanted is not None:
        made = create(before.code, wanted, {}, known=known, new_id=new_id, now=now)
        if made.content() != before.content():
            after = replace(after, version_id=made.version_id, number=before.number + 1, currency=made.currency)
            after = replace(after, item=made.item, conditions=made.conditions)
    return before if after == before else replace(after, version=before.version + 1, updated_at=now)


def archive(before: AddOn, *, now: datetime) -> AddOn:
    """Itself when it is archived already."""
    if before.archived_at is not None:
        return before
    return replace(before, archived_at=now, version=before.version + 1, updated_at=now)


def check(add_on: AddOn, plan_code: str, present: Iterable[str], quantity: Fraction = ONE) -> None:
    """Whether a subscription of this plan that has the add-ons `present` may take so many of it.

    `present` holds the codes of its other add-ons. Raises AddOnArchived, and AddOnNotAllowed that names the rule.
    """
    if add_on.archived_at is not None:
        raise AddOnArchived("the add-on is archived", facts={"add_on": add_on.code})
    rules, held = add_on.conditions, frozenset(present)
    if rules.plan_codes and plan_code not in rules.plan_codes:
        raise _refused(add_on, "plan_codes", f"is not sold beside the plan {plan_code!r}", plan_code)
    if missing := sorted(set(rules.requires) - held):
        raise _refused(add_on, "requires", f"needs {', '.join(missing)}", ", ".join(missing))
    if clash := sorted(set(rules.excludes) & {*held, plan_code}):
        raise _refused(add_on, "excludes", f"is not sold beside {', '.join(clash)}", ", ".join(clash))
    if quantity < rules.min_quantity:
        text = format_decimal(rules.min_quantity)
        raise _refused(add_on, "min_quantity", f"is sold from {text} on", text)
    if rules.max_quantity is not None and quantity > rules.max_quantity:
        text = format_decimal(rules.max_quantity)
        raise _refused(add_on, "max_quantity", f"is sold up to {text}", text)


def _refused(add_on: AddOn, rule: str, text: str, of: str) -> AddOnNotAllowed:
    violation = Violation("add_ons", f"{add_on.code} {text}", f"add_on.{rule}")
    facts = {"add_on": add_on.code, "rule": rule, "of": of}
    return AddOnNotAllowed(f"the add-on {add_on.code!r} {text}", facts=facts, violations=[violation])


def _bounded(code: str, wanted: NewAddOn) -> NewItem:
    """The item of the subscription that it becomes: seats have the add-on's bounds."""
    seat = wanted.item.kind is ItemKind.SEAT
    least, most = (wanted.min_quantity or "1", wanted.max_quantity) if seat else ("", "")
    return replace(wanted.item, code=code, min_quantity=least, max_quantity=most)


def _conditions(code: str, wanted: NewAddOn) -> Conditions:
    """Checks everything that needs no look at the rest of the catalogue."""
    check_currency("content.currency_code", wanted.currency)
    check_items([("content", wanted.item)], wanted.currency)
    (least, most), broken = quantity_bounds("content", wanted.min_quantity, wanted.max_quantity)
    seat = wanted.item.kind is ItemKind.SEAT
    if (least is not None or most is not None) and not seat:
        broken.append(Violation("content.min_quantity", "only seats have a least or greatest quantity", "item.form"))
    if least is None and most is not None and most < ONE:
        broken.append(Violation("content.max_quantity", "is less than 1", "quantity.bounds"))
    if both := sorted(set(wanted.requires) & set(wanted.excludes)):
        broken.append(Violation("content.excludes", f"{both[0]!r} is required as well", "add_on.contradiction"))
    if code in {*wanted.requires, *wanted.excludes}:
        broken.append(Violation("content.requires", "an add-on names others, not itself", "add_on.itself"))
    broken += entitlement_violations("content.entitlements", wanted.entitlements)
    if broken:
        raise InvalidAddOn(f"{broken[0].field}: {broken[0].description}", violations=broken)
    return Conditions(
        wanted.recurrence,
        ONE if least is None else least,
        most if seat else ONE,
        tuple(wanted.requires),
        tuple(wanted.excludes),
        tuple(wanted.plan_codes),
        tuple(wanted.entitlements),
    )
