"""Codes by which add-ons and coupons name plans, add-ons and items: those must exist, archived ones too.

What an add-on excludes is not looked up: two that exclude each other are made one after the other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from billing_kernel.errors import Violation

from billing_subscriptions.domain.add_on import NewAddOn
from billing_subscriptions.domain.catalog_errors import InvalidAddOn, InvalidCoupon
from billing_subscriptions.domain.coupon import CouponTerms


@dataclass(frozen=True, slots=True)
class Codes:
    """What exists of the codes that are named; `items` of plan versions, drafts too, and add-ons."""

    plans: frozenset[str] = frozenset()
    add_ons: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()

    def __or__(self, other: "Codes") -> "Codes":
        return Codes(self.plans | other.plans, self.add_ons | other.add_ons, self.items | other.items)


def refuse_unknown_of_add_on(wanted: NewAddOn, codes: Codes) -> None:
    """Raises InvalidAddOn that names every code."""
    broken = [
        *_unknown("content.requires", "add-on", wanted.requires, codes.add_ons),
        *_unknown("content.plan_codes", "plan", wanted.plan_codes, codes.plans),
    ]
    if broken:
        raise InvalidAddOn(f"{broken[0].field}: {broken[0].description}", violations=broken)


def refuse_unknown_of_coupon(terms: CouponTerms, codes: Codes) -> None:
    """Raises InvalidCoupon that names every code."""
    broken = [
        *_unknown("terms.plan_codes", "plan", terms.plan_codes, codes.plans),
        *_unknown("terms.item_codes", "item or add-on", terms.item_codes, codes.items),
    ]
    if broken:
        raise InvalidCoupon(f"{broken[0].field}: {broken[0].description}", violations=broken)


def _unknown(field: str, kind: str, named: Sequence[str], there: Collection[str]) -> list[Violation]:
    return [
        Violation(f"{field}[{index}]", f"there is no {kind} {code!r}", "code.known")
        for index, code in enumerate(named)
        if code not in there
    ]
