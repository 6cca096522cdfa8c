"""Bad input to the catalogue: prices and plans that contradict themselves."""

from __future__ import annotations

from tests.acceptance import shop
from tests.acceptance.prices import flat, graduated, graduated_percentage, package, per_unit, volume
from tests.acceptance.refusals import price, version

HOLE = "price.graduated.tiers[1].up_to"
PRICES = (
    *price("hole", graduated(("10", "1", ""), ("20", "1", "")), HOLE),
    *price("overlap", graduated(("10", "1", ""), ("10", "2", ""), ("", "1", "")), HOLE),
    *price("descending", graduated(("20", "1", ""), ("10", "2", ""), ("", "1", "")), HOLE),
    *price("open-inside", graduated(("", "1", ""), ("10", "2", ""), ("", "1", "")), "price.graduated.tiers[0].up_to"),
    *price("volume-overlap", volume(("10", "1", ""), ("9", "2", ""), ("", "1", "")), "price.volume.tiers[1].up_to"),
    *price("zero", volume(("0", "1", ""), ("", "2", "")), "price.volume.tiers[0].up_to"),
    *price(
        "percentage-descending",
        graduated_percentage(("20", "1", ""), ("10", "2", ""), ("", "1", "")),
        "price.graduated_percentage.tiers[1].up_to",
    ),
    *price("no-tiers", graduated(), "price.graduated.tiers", "VALIDATION_FAILED"),
    *price("empty-package", package("0", "1"), "price.package.size"),
    *price("minimum-above", per_unit("1", minimum_amount="10", maximum_amount="5"), "price.adjustments.minimum_amount"),
)
EUROS = {"currency_code": "EUR", "amount_minor": 100}
PLANS = (
    version("plan-currency", "UNKNOWN_CURRENCY", "currency_code", currency_code="XXQ"),
    version(
        "item-currency",
        "UNKNOWN_CURRENCY",
        "items[0].currency_prices[0].currency_code",
        items=[shop.item("fee", flat("1"), currency_prices=[{"currency_code": "QQQ", "price": flat("2")}])],
    ),
    version("item-twice", "INVALID_PLAN_ITEM", "items", items=[shop.item("fee", flat("1"))] * 2),
    version(
        "bounds-crossed",
        "INVALID_PLAN_ITEM",
        "items[0].max_quantity",
        items=[shop.item("seats", per_unit("1"), kind="SEAT", min_quantity="5", max_quantity="2")],
    ),
    version(
        "commitment-currency",
        "INVALID_PLAN_TERMS",
        "terms.minimum_commitments[0].amount.currency_code",
        terms={"minimum_commitments": [{"amount": {**EUROS, "currency_code": "USD"}}]},
    ),
    version(
        "commitment-twice",
        "INVALID_PLAN_TERMS",
        "terms.minimum_commitments[1].amount.currency_code",
        terms={"minimum_commitments": [{"amount": EUROS}] * 2},
    ),
    version(
        "rule-twice",
        "INVALID_PLAN_TERMS",
        "terms.change_rules[1].kind",
        terms={"change_rules": [{"kind": "CHANGE_KIND_UPGRADE"}] * 2},
    ),
    version(
        "day-of-weeks",
        "INVALID_PLAN_TERMS",
        "terms.alignment.anchor_day",
        interval=shop.interval(("WEEK", 1)),
        terms={"alignment": {"kind": "ALIGNMENT_KIND_ANCHOR_DAY", "anchor_day": 5}},
    ),
)
CASES = PRICES + PLANS
