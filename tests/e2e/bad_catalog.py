"""The table of bad input to the catalogue, in the manner of bad_input."""

from __future__ import annotations

from typing import Any

from tests.e2e.cases import GUARD, bad, denied, invalid, item, lost, stale, taken, tier, tiers, unfit, version
from tests.e2e.contract import Json
from tests.e2e.spine import FEE, METERED, MONTHLY

SEATS: Json = {**FEE, "code": "seats", "kind": "PLAN_ITEM_KIND_SEAT", "price": {"per_unit": {"unit_amount": "1"}}}
UPGRADE: Json = {"kind": "CHANGE_KIND_UPGRADE"}
CONTENT: Json = {
    "name": "Support",
    "kind": FEE["kind"],
    "timing": FEE["timing"],
    "currency_code": "EUR",
    "price": FEE["price"],
    "tax_category": "digital_service",
    "tax_behavior": "TAX_BEHAVIOR_EXCLUSIVE",
}
PAST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
PRICE: Json = {"per_unit": {"unit_amount": "1"}}
MATRIX: Json = {"matrix": {"dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "1"}]}}


def terms(**rules: Any) -> Json:
    return version(terms=rules)


def seat(**changes: Any) -> Json:
    return version(items=[{**SEATS, **changes}])


def add_on(**changes: Any) -> Json:
    return {"code": "fresh", "content": {**CONTENT, **changes}}


def coupon(**changes: Any) -> Json:
    return {"code": "fresh", "terms": {"name": "Fresh", "percent": "10", "duration": "COUPON_DURATION_ONCE", **changes}}


def asked(price: Json | None = None, **question: Any) -> Json:
    return {"price": PRICE if price is None else price, "currency_code": "EUR", **question}


def catalog(**parts: Any) -> Json:
    return {"catalog": {"version": 1, **parts}}


def sold(**changes: Any) -> Json:
    content = {"currency_code": "EUR", "interval": MONTHLY, "items": [FEE], **changes}
    return catalog(plans=[{"code": "fresh", "name": "Fresh", "version": content}])


TIERS = "items[0].price.graduated.tiers"
PLANS = (
    invalid(
        "tiers overlap", "CreatePlanVersion", tiers(tier("9"), tier("8"), tier()), "INVALID_PRICE", f"{TIERS}[1].up_to"
    ),
    invalid(
        "tiers repeat", "CreatePlanVersion", tiers(tier("9"), tier("9"), tier()), "INVALID_PRICE", f"{TIERS}[1].up_to"
    ),
    invalid(
        "open tier inside",
        "CreatePlanVersion",
        tiers(tier("9"), tier(), tier("12")),
        "INVALID_PRICE",
        f"{TIERS}[1].up_to",
    ),
    invalid(
        "second currency unknown",
        "CreatePlanVersion",
        item(currency_prices=[{"currency_code": "QQQ", "price": FEE["price"]}]),
        "UNKNOWN_CURRENCY",
        "items[0].currency_prices[0].currency_code",
    ),
    invalid(
        "currency twice",
        "CreatePlanVersion",
        item(currency_prices=[{"currency_code": "EUR", "price": FEE["price"]}]),
        "INVALID_PRICE",
        "items[0].currency_prices[0].currency_code",
    ),
    invalid(
        "least above greatest",
        "CreatePlanVersion",
        seat(min_quantity="5", max_quantity="4"),
        "INVALID_PLAN_ITEM",
        "items[0].max_quantity",
    ),
    invalid(
        "seats priced by events",
        "CreatePlanVersion",
        seat(price={"dynamic": {}}),
        "INVALID_PLAN_ITEM",
        "items[0].price",
    ),
    invalid(
        "minimum above maximum",
        "CreatePlanVersion",
        seat(price={**PRICE, "adjustments": {"minimum_amount": "5", "maximum_amount": "4"}}),
        "INVALID_PRICE",
        "items[0].price.adjustments.minimum_amount",
    ),
    bad("two models", "CreatePlanVersion", version(items=[{**METERED, "price": {}}]), "items[0].price.model"),
    invalid(
        "two rules of one kind",
        "CreatePlanVersion",
        terms(change_rules=[UPGRADE, UPGRADE]),
        "INVALID_PLAN_TERMS",
        "terms.change_rules[1].kind",
    ),
    bad("rule of no kind", "CreatePlanVersion", terms(change_rules=[{}]), "terms.change_rules[0].kind"),
    bad(
        "rule for a date",
        "CreatePlanVersion",
        terms(change_rules=[{**UPGRADE, "when": "CHANGE_WHEN_ON_DATE"}]),
        "terms.change_rules[0].when",
    ),
    invalid(
        "days without nominal",
        "CreatePlanVersion",
        terms(proration={"nominal_days": 30}),
        "INVALID_PLAN_TERMS",
        "terms.proration.nominal_days",
    ),
    invalid(
        "phase twice",
        "CreatePlanVersion",
        terms(phases=[{"code": "a", "periods": 1}] * 2),
        "INVALID_PLAN_TERMS",
        "terms.phases[1].code",
    ),
    bad("phase of no periods", "CreatePlanVersion", terms(phases=[{"code": "a"}]), "terms.phases[0].periods"),
    invalid(
        "feature granted twice",
        "CreatePlanVersion",
        terms(entitlements=[{"feature_code": "a"}] * 2),
        "INVALID_PLAN_TERMS",
        "terms.entitlements[1].feature_code",
    ),
    invalid(
        "anchor day missing",
        "CreatePlanVersion",
        terms(alignment={"kind": "ALIGNMENT_KIND_ANCHOR_DAY"}),
        "INVALID_PLAN_TERMS",
        "terms.alignment.anchor_day",
    ),
    bad("anchor day 32", "CreatePlanVersion", terms(alignment={"anchor_day": 32}), "terms.alignment.anchor_day"),
    unfit(
        "changes a published version",
        "UpdatePlanVersion",
        {"plan_version_id": "$version", "currency_code": "EUR", "interval": MONTHLY, "items": [FEE]},
        "PLAN_VERSION_PUBLISHED",
    ),
    unfit(
        "deletes a published version", "DeletePlanVersion", {"plan_version_id": "$version"}, "PLAN_VERSION_PUBLISHED"
    ),
    unfit("archives a draft", "ArchivePlanVersion", {"plan_version_id": "$draft"}, "PLAN_VERSION_NOT_PUBLISHED"),
)
SHELF = (
    taken("product code taken", "CreateProduct", {"code": "suite", "name": "x"}, "PRODUCT_CODE_TAKEN"),
    taken("feature code taken", "CreateFeature", {"code": "sso", "name": "x"}, "FEATURE_CODE_TAKEN"),
    taken("add-on code taken", "CreateAddOn", {**add_on(), "code": "support"}, "ADD_ON_CODE_TAKEN"),
    taken("coupon code taken", "CreateCoupon", {**coupon(), "code": "spring"}, "COUPON_CODE_TAKEN"),
    invalid(
        "product without a name",
        "UpdateProduct",
        {"product_id": "$product", "name": " ", "update_mask": "name"},
        "INVALID_NAME",
    ),
    stale(
        "feature etag stale",
        "UpdateFeature",
        {"feature_id": "$feature", "name": "x", "update_mask": "name", "etag": "v9"},
    ),
    invalid(
        "add-on code changed", "UpdateAddOn", {"add_on_id": "$add_on", "update_mask": "code"}, "INVALID_UPDATE_MASK"
    ),
    invalid("add-on needs itself", "CreateAddOn", add_on(requires=["fresh"]), "INVALID_ADD_ON", "content.requires"),
    invalid(
        "add-on needs what it excludes",
        "CreateAddOn",
        add_on(requires=["a"], excludes=["a"]),
        "INVALID_ADD_ON",
        "content.excludes",
    ),
    bad("add-on excludes twice", "CreateAddOn", add_on(excludes=["a", "a"]), "content.excludes"),
    unfit("add-on of no product", "CreateAddOn", add_on(product_code="nope"), "PRODUCT_NOT_FOUND"),
    unfit(
        "add-on grants no feature", "CreateAddOn", add_on(entitlements=[{"feature_code": "nope"}]), "FEATURE_NOT_FOUND"
    ),
    invalid("coupon gives nothing", "CreateCoupon", coupon(percent=""), "INVALID_COUPON", "terms.percent"),
    bad("coupon gives 101 percent", "CreateCoupon", coupon(percent="101"), "terms.percent"),
    invalid(
        "coupon in no currency",
        "CreateCoupon",
        coupon(percent="", amounts=[{"currency_code": "QQQ", "amount_minor": 1}]),
        "UNKNOWN_CURRENCY",
        "terms.amounts[0].currency_code",
    ),
    invalid(
        "coupon for no periods",
        "CreateCoupon",
        coupon(duration="COUPON_DURATION_PERIODS"),
        "INVALID_COUPON",
        "terms.duration_periods",
    ),
    bad("coupon of no duration", "CreateCoupon", coupon(duration=0), "terms.duration"),
    bad("coupon of unknown duration", "CreateCoupon", coupon(duration=77), "terms.duration", rest=GUARD),
    lost("coupon unknown", "GetCoupon", {"coupon_id": "cpn_01h455vb4pex5vsknk084sn02q"}, "COUPON"),
    lost("coupon of a neighbour", "ListCouponRedemptions", {"coupon_id": "$other.coupon"}, "COUPON"),
    denied("customer reads a coupon", "GetCoupon", {"coupon_id": "$coupon"}, "customer"),
    denied("viewer makes a coupon", "CreateCoupon", coupon(), "viewer"),
)
PRICES = (
    lost("price unknown", "GetPrice", {"price_id": "price_01h455vb4pex5vsknk084sn02q"}, "PRICE"),
    invalid(
        "preview with a leading zero",
        "PreviewPrice",
        asked({"per_unit": {"unit_amount": "007"}}),
        "INVALID_PRICE",
        "price.per_unit.unit_amount",
    ),
    bad(
        "preview with an exponent",
        "PreviewPrice",
        asked({"per_unit": {"unit_amount": "1e3"}}),
        "price.per_unit.unit_amount",
    ),
    bad("preview of nothing", "PreviewPrice", {"currency_code": "EUR"}, "of"),
    bad("preview of no model", "PreviewPrice", asked({}), "price.model"),
    invalid("preview in no currency", "PreviewPrice", {"price": PRICE}, "UNKNOWN_CURRENCY", "currency_code"),
    bad("quantity NaN", "PreviewPrice", asked(quantity="NaN"), "quantity"),
    bad("share of zero", "PreviewPrice", asked(share={"numerator": "1", "denominator": "0"}), "share.denominator"),
    invalid(
        "share negative", "PreviewPrice", asked(share={"numerator": "-1", "denominator": "2"}), "INVALID_USAGE", "share"
    ),
    invalid(
        "no cell of the matrix", "PreviewPrice", asked(MATRIX, events={"events": [{"value": "1"}]}), "NO_MATRIX_CELL"
    ),
    bad("period ends first", "PreviewPrice", asked(period={"start": LATER, "end": PAST}), "period"),
)
FILES = (
    bad("file of another form", "ApplyCatalog", {"catalog": {"version": 2}}, "catalog.version"),
    bad("no file", "ApplyCatalog", {}, "catalog"),
    invalid(
        "file names a plan twice",
        "ApplyCatalog",
        catalog(plans=[{"code": "a", "name": "A"}] * 2),
        "INVALID_CATALOG",
        "plans[1].code",
    ),
    invalid(
        "file with a bad price",
        "ApplyCatalog",
        sold(items=[{**FEE, "price": {"flat": {"amount": "007"}}}]),
        "INVALID_PRICE",
        "plans[0].version.items[0].price.flat.amount",
    ),
    invalid(
        "file with two rules",
        "ApplyCatalog",
        sold(terms={"change_rules": [UPGRADE, UPGRADE]}),
        "INVALID_PLAN_TERMS",
        "plans[0].version.terms.change_rules[1].kind",
    ),
    unfit(
        "file that names no feature",
        "ApplyCatalog",
        sold(terms={"entitlements": [{"feature_code": "nope"}]}),
        "FEATURE_NOT_FOUND",
    ),
    unfit(
        "file with another price under an id",
        "ApplyCatalog",
        sold(items=[{**FEE, "price_id": "price_01h455vb4pex5vsknk084sn02q"}]),
        "PRICE_IN_USE",
    ),
    denied("viewer applies a file", "ApplyCatalog", catalog(), "viewer"),
)

CASES = (*PLANS, *SHELF, *PRICES, *FILES)
