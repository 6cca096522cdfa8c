"""Add-ons and coupons on paper: who may take them, and what they give."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_kernel.money import CurrencyMismatch, Money
from billing_subscriptions.domain import add_on as add_ons
from billing_subscriptions.domain import coupon as coupons
from billing_subscriptions.domain.add_on import Conditions, NewAddOn, Recurrence
from billing_subscriptions.domain.catalog_errors import AddOnArchived, AddOnNotAllowed
from billing_subscriptions.domain.coupon import CouponTerms, Duration, check_applicable, check_open
from billing_subscriptions.domain.known import Known
from billing_subscriptions.domain.plan_item import ItemKind, NewItem, Timing

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SEAT = NewItem("", "Boxes", ItemKind.SEAT, Timing.ADVANCE, {"model": "per_unit", "unit_amount": "5"})
IN_DOLLARS = [("USD", {"model": "per_unit", "unit_amount": "6"})]


def add_on(**more):
    wanted = NewAddOn(replace(SEAT, currency_prices=IN_DOLLARS), "EUR", **more)
    return add_ons.create("boxes", wanted, {}, known=Known(), new_id=uuid7, now=NOW)


RULES = {
    "min_quantity": "2",
    "max_quantity": "5",
    "requires": ("base", "core"),
    "excludes": ("lite", "tiny"),
    "plan_codes": ("pro", "max"),
}


@pytest.mark.parametrize(
    ("plan", "present", "quantity", "rule"),
    [
        ("pro", {"base", "core"}, 2, None),
        ("max", {"base", "core", "more"}, 5, None),
        ("free", {"base", "core"}, 2, "plan_codes"),
        ("pro", {"base"}, 2, "requires"),
        ("pro", {"base", "core", "tiny"}, 2, "excludes"),
        ("pro", {"base", "core"}, 1, "min_quantity"),
        ("pro", {"base", "core"}, 6, "max_quantity"),
        ("pro", {"base", "core"}, Fraction(11, 2), "max_quantity"),
    ],
)
def test_who_may_take_an_add_on(plan, present, quantity, rule):
    asked = (add_on(**RULES), plan, present, Fraction(quantity))
    if rule is None:
        add_ons.check(*asked)
        return
    with pytest.raises(AddOnNotAllowed) as refused:
        add_ons.check(*asked)
    assert (refused.value.reason, refused.value.facts["rule"]) == ("ADD_ON_NOT_ALLOWED", rule)
    assert refused.value.violations[0].rule == f"add_on.{rule}"


def test_an_excluded_plan_counts_too_and_an_archived_add_on_is_sold_no_more():
    with pytest.raises(AddOnNotAllowed):
        add_ons.check(add_on(excludes=("lite",)), "lite", ())
    add_ons.check(add_on(), "any", ())
    with pytest.raises(AddOnArchived):
        add_ons.check(add_ons.archive(add_on(), now=NOW), "any", ())


def test_an_add_on_in_another_currency_has_that_price():
    made = add_on(recurrence=Recurrence.ONCE)
    dollars = made.in_currency("USD")
    assert (dollars.item.price.model.unit_amount, made.item.price.model.unit_amount) == (6, 5)
    assert (dollars.once, dollars.item.code, dollars.item.id) == (True, "boxes", made.item.id)
    with pytest.raises(CurrencyMismatch):
        made.in_currency("GBP")


def test_equal_content_makes_no_version_whatever_its_ids():
    made = add_on()
    again = NewAddOn(replace(SEAT, currency_prices=IN_DOLLARS), "EUR")
    assert add_ons.change(made, again, None, known=Known(), new_id=uuid7, now=NOW) is made
    dearer = NewAddOn(replace(SEAT, price={"model": "per_unit", "unit_amount": "7"}), "EUR")
    changed = add_ons.change(made, dearer, None, known=Known(), new_id=uuid7, now=NOW)
    assert (changed.number, changed.version, changed.conditions) == (2, 2, Conditions())
    assert {changed.version_id, changed.item.price_id} & {made.version_id, made.item.price_id} == set()


def coupon(**terms):
    wanted = CouponTerms(**({"name": "Spring", "percent": Fraction(10)} | terms))
    return coupons.create("spring", wanted, {}, new_id=uuid7(), now=NOW)


@pytest.mark.parametrize(
    ("terms", "periods"),
    [
        ({}, 1),
        ({"duration": Duration.PERIODS, "periods": 3}, 3),
        ({"duration": Duration.FOREVER}, None),
    ],
)
def test_how_long_a_coupon_counts(terms, periods):
    assert coupon(**terms).periods_left == periods


def test_an_amount_is_that_of_the_currency():
    fixed = coupon(percent=None, amounts=(Money("EUR", 500), Money("USD", 600)))
    assert fixed.amount_in("USD") == Money("USD", 600)
    assert coupon().amount_in("USD") is None
    with pytest.raises(CurrencyMismatch):
        fixed.amount_in("GBP")


@pytest.mark.parametrize(
    ("terms", "more", "reason"),
    [
        ({}, {}, None),
        ({"plan_codes": ("pro",), "item_codes": ("seats", "x")}, {}, None),
        ({"plan_codes": ("max",)}, {}, "COUPON_NOT_APPLICABLE"),
        ({"item_codes": ("x",)}, {}, "COUPON_NOT_APPLICABLE"),
        ({"percent": None, "amounts": (Money("USD", 1),)}, {}, "CURRENCY_MISMATCH"),
        ({}, {"applied": True}, "COUPON_APPLIED"),
    ],
)
def test_what_a_coupon_is_for(terms, more, reason):
    of = coupon(**terms)
    applied = {of.id} if more else ()
    asked = {"plan_code": "pro", "item_codes": {"base", "seats"}, "currency": "EUR", "applied": applied}
    if reason is None:
        check_applicable(of, **asked)
        return
    with pytest.raises(DomainError) as refused:
        check_applicable(of, **asked)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("terms", "redeemed", "by_customer", "reason"),
    [
        ({"redeem_by": NOW + timedelta(seconds=1)}, 0, 0, None),
        ({"redeem_by": NOW}, 0, 0, "COUPON_EXPIRED"),
        ({"max_redemptions": 2}, 1, 0, None),
        ({"max_redemptions": 2}, 2, 0, "COUPON_EXHAUSTED"),
        ({"max_per_customer": 1}, 9, 0, None),
        ({"max_per_customer": 1}, 9, 1, "COUPON_EXHAUSTED"),
    ],
)
def test_when_a_coupon_can_be_redeemed(terms, redeemed, by_customer, reason):
    of = replace(coupon(**terms), redeemed=redeemed)
    if reason is None:
        check_open(of, by_customer=by_customer, at=NOW)
        return
    with pytest.raises(DomainError) as refused:
        check_open(of, by_customer=by_customer, at=NOW)
    assert refused.value.reason == reason
