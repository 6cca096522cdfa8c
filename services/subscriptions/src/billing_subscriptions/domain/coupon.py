"""Coupons: what is taken off for those who name a code, how long, for whom and how often."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.money import CurrencyMismatch, Money

from billing_subscriptions.domain.catalog_errors import (
    CouponApplied,
    CouponArchived,
    CouponExhausted,
    CouponExpired,
    CouponNotApplicable,
    CouponNotFound,
    InvalidCoupon,
)
from billing_subscriptions.domain.plan import check_name
from billing_subscriptions.domain.plan_item import check_currency

HUNDRED = Fraction(100)


class Duration(StrEnum):
    ONCE = "ONCE"
    PERIODS = "PERIODS"
    FOREVER = "FOREVER"


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """`percent` off, or one of `amounts` by the subscription's currency. `periods` belongs to PERIODS. Limits: None is
    none. Empty `plan_codes` and `item_codes`: all."""

    name: str
    percent: Fraction | None = None
    amounts: tuple[Money, ...] = ()
    duration: Duration = Duration.ONCE
    periods: int = 0
    redeem_by: datetime | None = None
    max_redemptions: int | None = None
    max_per_customer: int | None = None
    plan_codes: tuple[str, ...] = ()
    item_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coupon:
    """`redeemed`: how often so far."""

    id: UUID
    code: str
    terms: CouponTerms
    redeemed: int
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def periods_left(self) -> int | None:
        """For how many periods a redemption counts; None for ever."""
        if self.terms.duration is Duration.FOREVER:
            return None
        return self.terms.periods if self.terms.duration is Duration.PERIODS else 1

    def amount_in(self, currency: str) -> Money | None:
        """The amount off a period, None where a percentage is. Raises CurrencyMismatch."""
        if self.terms.percent is not None:
            return None
        found = next((each for each in self.terms.amounts if each.currency == currency), None)
        if found is None:
            given = ", ".join(each.currency for each in self.terms.amounts)
            facts = {"coupon": self.code, "currency": currency, "coupon_currencies": given}
            raise CurrencyMismatch(f"the coupon takes off {given}, not {currency}", facts=facts)
        return found


@dataclass(frozen=True, slots=True)
class Redemption:
    id: UUID
    coupon_id: UUID
    customer_id: UUID
    subscription_id: UUID
    redeemed_at: datetime


def create(code: str, terms: CouponTerms, metadata: Mapping[str, str], *, new_id: UUID, now: datetime) -> Coupon:
    """Raises InvalidCoupon, InvalidName, UnknownCurrency."""
    return Coupon(new_id, code, checked(terms), 0, dict(metadata), 1, now, now)


def change(before: Coupon, terms: CouponTerms | None, metadata: Mapping[str, str] | None, *, now: datetime) -> Coupon:
    """None leaves a part as it is; itself when nothing differs. What was redeemed keeps its terms.

    Raises CouponArchived and as `create`.
    """
    if before.archived_at is not None:
        raise CouponArchived("the coupon is archived", facts={"coupon": before.code})
    after = before if metadata is None else replace(before, metadata=dict(metadata))
    after = after if terms is None else replace(after, terms=checked(terms))
    return before if after == before else replace(after, version=before.version + 1, updated_at=now)


def archive(before: Coupon, *, now: datetime) -> Coupon:
    """Itself when it is archived already."""
    if before.archived_at is not None:
        return before
    return replace(before, archived_at=now, version=before.version + 1, updated_at=now)


def checked(terms: CouponTerms) -> CouponTerms:
    """The terms themselves. Raises InvalidCoupon that names every field, InvalidName, UnknownCurrency."""
    check_name(terms.name)
    for index, each in enumerate(terms.amounts):
        check_currency(f"terms.amounts[{index}].currency_code", each.currency)
    currencies = [each.currency for each in terms.amounts]
    rules = [
        ((terms.percent is None) == (not terms.amounts), "percent", "either a percentage or amounts, not both"),
        (terms.percent is not None and not 0 < terms.percent <= HUNDRED, "percent", "is more than 0, at most 100"),
        (len(set(currencies)) < len(currencies), "amounts", "name a currency twice"),
        (any(each.minor <= 0 for each in terms.amounts), "amounts", "are more than zero"),
        (
            (terms.duration is Duration.PERIODS) != (terms.periods > 0),
            "duration_periods",
            "is at least 1 with PERIODS, and 0 otherwise",
        ),
    ]
    broken = [Violation(f"terms.{name}", text, "coupon.form") for wrong, name, text in rules if wrong]
    if broken:
        raise InvalidCoupon(f"{broken[0].field}: {broken[0].description}", violations=broken)
    return terms


def check_open(coupon: Coupon, *, by_customer: int, at: datetime) -> None:
    """Whether it can be redeemed once more at `at` by a customer who has redeemed it `by_customer` times.

    Raises CouponNotFound (an archived one is as if it never was), CouponExpired, CouponExhausted.
    """
    terms = coupon.terms
    if coupon.archived_at is not None:
        raise CouponNotFound("there is no such coupon", facts={"coupon": coupon.code})
    if terms.redeem_by is not None and at >= terms.redeem_by:
        facts = {"coupon": coupon.code, "redeem_by_time": terms.redeem_by.isoformat()}
        raise CouponExpired("the coupon has expired", facts=facts)
    for count, limit, whose in (
        (coupon.redeemed, terms.max_redemptions, "in all"),
        (by_customer, terms.max_per_customer, "by this customer"),
    ):
        if limit is not None and count >= limit:
            facts = {"coupon": coupon.code, "limit": str(limit), "whose": whose}
            raise CouponExhausted(f"the coupon was redeemed {limit} times {whose}, as often as it can be", facts=facts)


def check_applicable(
    coupon: Coupon, *, plan_code: str, item_codes: Collection[str], currency: str, applied: Collection[UUID] = ()
) -> None:
    """Whether it takes something off a subscription of this plan with these items; `applied`: coupons it has.

    Raises CouponApplied, CouponNotApplicable, CurrencyMismatch.
    """
    terms = coupon.terms
    if coupon.id in applied:
        raise CouponApplied("the subscription has this coupon already", facts={"coupon": coupon.code})
    if terms.plan_codes and plan_code not in terms.plan_codes:
        facts = {"coupon": coupon.code, "plan": plan_code, "plans": ", ".join(terms.plan_codes)}
        raise CouponNotApplicable(f"the coupon is not for the plan {plan_code!r}", facts=facts)
    if terms.item_codes and not set(terms.item_codes) & set(item_codes):
        facts = {"coupon": coupon.code, "items": ", ".join(terms.item_codes)}
        raise CouponNotApplicable("the subscription has none of the coupon's items", facts=facts)
    coupon.amount_in(currency)
