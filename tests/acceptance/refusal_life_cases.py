"""Bad input to the life of subscriptions: starts, changes, ends, coupons and schedules that cannot be."""

from __future__ import annotations

from tests.acceptance.prices import graduated, per_unit
from tests.acceptance.refusals import NOWHERE, ahead, call, change, create, on_date, redeem, schedule, seats

STARTS = (
    create("draft", "PLAN_VERSION_NOT_PUBLISHED", "plan_version_id", lambda of: {"plan_version_id": of.draft}),
    create("archived", "PLAN_VERSION_ARCHIVED", "plan_version_id", lambda of: {"plan_version_id": of.archived}),
    create("dollars", "CURRENCY_MISMATCH", "currency_code", lambda of: {"plan_version_id": of.dollars}),
    create("currency", "CURRENCY_MISMATCH", "currency_code", currency_code="QQQ"),
    create("below", "INVALID_QUANTITY", "quantities[0]", **seats("1")),
    create("above", "INVALID_QUANTITY", "quantities[0]", **seats("51")),
    create("item", "INVALID_QUANTITY", "quantities[0].code", quantities=[{"code": "nope", "quantity": "1"}]),
    create(
        "end", "INVALID_CHANGE_TIME", "end_time", start_time="2026-01-02T00:00:00Z", end_time="2026-01-01T00:00:00Z"
    ),
    create("too-old", "START_TOO_OLD", "start_time", start_time="1000-01-01T00:00:00Z"),
    create("beyond", "INVALID_PERIOD", "start_time", start_time="9999-12-31T00:00:00Z"),
    create("no-plan", "INVALID_CHANGE", "plan_version_id", plan_version_id=""),
    create("anchor", "INVALID_ANCHOR", "alignment.anchor_day", alignment={"kind": "ALIGNMENT_KIND_ANCHOR_DAY"}),
    create("add-on", "ADD_ON_NOT_FOUND", "add_ons[0].add_on_code", add_ons=[{"add_on_code": "nope"}], status=404),
    create("coupon", "COUPON_NOT_FOUND", "coupon_codes", coupon_codes=["nope"], status=404),
    create("expired", "COUPON_EXPIRED", "coupon_codes", lambda of: {"coupon_codes": [of.coupons["expired"]]}),
    create("exhausted", "COUPON_EXHAUSTED", "coupon_codes", lambda of: {"coupon_codes": [of.coupons["exhausted"]]}),
    create(
        "override",
        "INVALID_PRICE",
        "price_overrides[0].price.tiers[1].up_to",
        price_overrides=[{"code": "seats", "price": graduated(("9", "1", ""), ("8", "1", ""), ("", "1", ""))}],
    ),
)
CHANGES = (
    *change(
        "archived",
        "PLAN_VERSION_ARCHIVED",
        "change.plan_version_id",
        lambda of: {"change": {"plan_version_id": of.archived}},
    ),
    *change(
        "draft",
        "PLAN_VERSION_NOT_PUBLISHED",
        "change.plan_version_id",
        lambda of: {"change": {"plan_version_id": of.draft}},
    ),
    *change(
        "currency",
        "CURRENCY_MISMATCH",
        "change.plan_version_id",
        lambda of: {"change": {"plan_version_id": of.dollars}},
    ),
    *change(
        "unknown",
        "PLAN_VERSION_NOT_FOUND",
        "change.plan_version_id",
        lambda _: {"change": {"plan_version_id": f"pv_{NOWHERE}"}},
        404,
    ),
    *change("nothing", "INVALID_CHANGE", "change", lambda _: {"change": {}}),
    *change("the-same", "INVALID_CHANGE", "change", lambda _: {"change": seats("3")}),
    *change("below", "INVALID_QUANTITY", "change.quantities[0]", lambda _: {"change": seats("1")}),
    *change(
        "item",
        "SUBSCRIPTION_ITEM_NOT_FOUND",
        "change.quantities[0].code",
        lambda _: {"change": {"quantities": [{"code": "nope", "quantity": "1"}]}},
        404,
    ),
    *change(
        "removed",
        "SUBSCRIPTION_ITEM_NOT_FOUND",
        "change.remove_codes[0]",
        lambda _: {"change": {"remove_codes": ["nope"]}},
        404,
    ),
    *change(
        "two-ways",
        "INVALID_CHANGE",
        "change.quantities[0]",
        lambda _: {"change": {**seats("4"), "remove_codes": ["seats"]}},
    ),
    *change(
        "no-date",
        "INVALID_CHANGE_TIME",
        "effective_time",
        lambda _: {"change": seats("4"), "when": "CHANGE_WHEN_ON_DATE"},
    ),
    *change(
        "stray-date",
        "INVALID_CHANGE_TIME",
        "effective_time",
        lambda _: {"change": seats("4"), "effective_time": ahead(3)},
    ),
    *change("past", "INVALID_CHANGE_TIME", "effective_time", on_date(lambda: ahead(-1))),
    *change("contradiction", "SCHEDULED_CHANGE_CONFLICT", "effective_time", on_date(lambda: ahead(10))),
    *change("behind-the-end", "SCHEDULED_CHANGE_CONFLICT", "effective_time", on_date(lambda: ahead(25))),
    *change(
        "proration",
        "INVALID_PRORATION",
        "proration.nominal_days",
        lambda _: {"change": seats("4"), "proration": {"basis": "PRORATION_BASIS_BY_DAYS", "nominal_days": 30}},
    ),
    *change(
        "override",
        "INVALID_PRICE",
        "change.price_overrides[0].price",
        lambda _: {"change": {"price_overrides": [{"code": "fee", "price": per_unit("1")}]}},
    ),
    call(
        "below",
        "change_quantity",
        "INVALID_QUANTITY",
        "item.quantity",
        lambda _: {"item": {"code": "seats", "quantity": "1"}},
    ),
    call(
        "item",
        "change_quantity",
        "SUBSCRIPTION_ITEM_NOT_FOUND",
        "item.code",
        lambda _: {"item": {"code": "nope", "quantity": "1"}},
        404,
    ),
    call(
        "before",
        "preview_change",
        "INVALID_CHANGE_TIME",
        "at_time",
        lambda _: {"change": seats("4"), "at_time": "2020-01-01T00:00:00Z"},
    ),
)
CALLS = (
    call(
        "past",
        "cancel",
        "INVALID_CHANGE_TIME",
        "effective_time",
        lambda _: {"cancel_at": "CANCEL_AT_ON_DATE", "effective_time": ahead(-1)},
    ),
    call("no-date", "cancel", "INVALID_CHANGE_TIME", "effective_time", lambda _: {"cancel_at": "CANCEL_AT_ON_DATE"}),
    call("unspecified", "cancel", "VALIDATION_FAILED", "cancel_at", lambda _: {}),
    call(
        "before",
        "preview_cancelation",
        "INVALID_CHANGE_TIME",
        "at_time",
        lambda _: {"cancel_at": "CANCEL_AT_NOW", "at_time": "2020-01-01T00:00:00Z"},
    ),
    call(
        "order",
        "pause",
        "INVALID_CHANGE_TIME",
        "resume_time",
        lambda _: {"billing": "PAUSE_BILLING_VOID", "resume_time": ahead(-1)},
    ),
    call(
        "behind-the-end",
        "pause",
        "INVALID_CHANGE_TIME",
        "effective_time",
        lambda _: {"billing": "PAUSE_BILLING_VOID", "when": "CHANGE_WHEN_ON_DATE", "effective_time": ahead(25)},
    ),
    call("running", "resume", "INVALID_TRANSITION", "", lambda _: {}),
    call("unknown", "redeem_coupon", "COUPON_NOT_FOUND", "coupon_code", lambda _: {"coupon_code": "nope"}, 404),
    *(
        redeem(name, reason)
        for name, reason in (
            ("expired", "COUPON_EXPIRED"),
            ("exhausted", "COUPON_EXHAUSTED"),
            ("dollars", "CURRENCY_MISMATCH"),
            ("another-plan", "COUPON_NOT_APPLICABLE"),
            ("another-item", "COUPON_NOT_APPLICABLE"),
            ("redeemed", "COUPON_APPLIED"),
        )
    ),
    call("unknown", "remove_coupon", "REDEMPTION_NOT_FOUND", "", lambda _: {"redemption_id": f"red_{NOWHERE}"}, 404),
    schedule(
        "order",
        "INVALID_CHANGE_TIME",
        "phases[1].start_time",
        ("a", 5, lambda _: seats("4")),
        ("b", 4, lambda _: seats("5")),
    ),
    schedule("past", "INVALID_CHANGE_TIME", "phases[0].start_time", ("a", -1, lambda _: seats("4"))),
    schedule(
        "twice", "INVALID_CHANGE", "phases[1].code", ("a", 4, lambda _: seats("4")), ("a", 5, lambda _: seats("5"))
    ),
    schedule("nothing", "INVALID_CHANGE", "phases[0].change", ("a", 4, lambda _: {})),
    schedule(
        "below",
        "INVALID_QUANTITY",
        "phases[1].change.quantities[0]",
        ("a", 4, lambda _: seats("4")),
        ("b", 5, lambda _: seats("1")),
    ),
    schedule(
        "archived",
        "PLAN_VERSION_ARCHIVED",
        "phases[0].change.plan_version_id",
        ("a", 4, lambda of: {"plan_version_id": of.archived}),
    ),
    schedule("contradiction", "SCHEDULED_CHANGE_CONFLICT", "phases[0].start_time", ("a", 10, lambda _: seats("4"))),
    schedule("behind-the-end", "SCHEDULED_CHANGE_CONFLICT", "phases[0].start_time", ("a", 25, lambda _: seats("4"))),
)
CASES = STARTS + CHANGES + CALLS
