"""PricesService over gRPC: prices by id, and what a price makes of a usage."""

import json
from fractions import Fraction

import catalog_requests as ask
import pytest
from billing.common.v1.ratio_pb2 import Ratio
from billing.subscriptions.v1 import plan_pb2, plans_service_pb2
from billing.subscriptions.v1 import prices_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_pricing import explanation_from_json
from google.protobuf.json_format import ParseDict

GRADUATED = ask.price(
    graduated={"tiers": [{"up_to": "10", "unit_amount": "10", "flat_amount": "2"}, {"unit_amount": "5"}]}
)


async def preview(client, of, currency="EUR", **question):
    request = ParseDict(question, pb.PreviewPriceRequest(price=of, currency_code=currency))
    return await client.prices("PreviewPrice", request)


def exact(found):
    return Fraction(int(found.numerator), int(found.denominator))


async def test_a_quantity_is_priced_and_explained(admin):
    answer = await preview(admin, GRADUATED, quantity="10.5")
    assert (answer.amount.currency_code, answer.amount.amount_minor) == ("EUR", 10450)
    assert (exact(answer.exact_amount), answer.quantity) == (Fraction("104.5"), "10.5")
    explanation = explanation_from_json(answer.explanation)
    assert explanation.exact.value == exact(answer.exact_amount)
    assert (answer.text, answer.sentence) == (explanation.to_text(), explanation.sentence())
    assert answer.sentence.endswith("104.50 EUR")


@pytest.mark.parametrize(
    ("model", "question", "minor"),
    [
        ({"per_unit": {"unit_amount": "1"}, "adjustments": {"free_units": "10"}}, {"quantity": "15"}, 500),
        ({"per_unit": {"unit_amount": "1"}}, {"quantity": "15", "billed_quantity": "5"}, 1500),
        (
            {"graduated": {"tiers": [{"up_to": "10", "unit_amount": "1"}, {"unit_amount": "2"}]}},
            {"quantity": "5", "billed_quantity": "8"},
            800,
        ),
        ({"flat": {"amount": "31"}}, {"share": {"numerator": "16", "denominator": "31"}}, 1600),
        (
            {"per_unit": {"unit_amount": "1"}, "adjustments": {"minimum_amount": "31"}},
            {"quantity": "1", "limits_share": {"numerator": "16", "denominator": "31"}},
            1600,
        ),
        (
            {"per_unit": {"unit_amount": "1"}, "adjustments": {"minimum_amount": "31"}},
            {"quantity": "1", "interim": True},
            100,
        ),
        (
            {"percentage": {"rate_percent": "10", "free_events": "1"}},
            {"events": {"events": [{"value": "100"}, {"value": "50"}]}},
            500,
        ),
        (
            {"percentage": {"rate_percent": "10", "free_events": "1"}},
            {"events": {"events": [{"value": "50"}]}, "billed_events": {"events": [{"value": "100"}]}},
            500,
        ),
        (
            {
                "matrix": {
                    "dimensions": ["region"],
                    "cells": [{"values": ["eu"], "unit_amount": "2"}],
                    "default_unit_amount": "1",
                }
            },
            {"events": {"events": [{"value": "3", "dimensions": {"region": "eu"}}, {"value": "4"}]}},
            1000,
        ),
        (
            {"time_weighted": {"tiers": [{"unit_amount": "31"}]}},
            {"events": {"events": [{"value": "1", "weight": "16/31"}, {"value": "1", "weight": "0.5"}]}},
            3150,
        ),
        (
            {"time_weighted": {"tiers": [{"unit_amount": "31"}]}},
            {
                "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
                "events": {
                    "events": [
                        {"value": "1", "time": "2026-01-16T00:00:00Z"},
                        {"value": "1"},
                        {"value": "1", "time": "2025-12-01T00:00:00Z"},
                        {"value": "1", "time": "2026-03-01T00:00:00Z"},
                    ]
                },
            },
            7800,
        ),
        (
            {
                "per_unit": {"unit_amount": "1"},
                "adjustments": {
                    "pricing_unit": {
                        "code": "token",
                        "rates": [
                            {"from_time": "2025-01-01T00:00:00Z", "amount": "0.5"},
                            {"from_time": "2026-01-01T00:00:00Z", "amount": "2"},
                        ],
                    }
                },
            },
            {"quantity": "10", "at_time": "2025-06-01T00:00:00Z"},
            500,
        ),
        ({"flat": {"amount": "5"}}, {}, 500),
    ],
)
async def test_what_a_question_may_say(admin, model, question, minor):
    answer = await preview(admin, ask.price(**model), **question)
    assert answer.amount.amount_minor == minor
    assert explanation_from_json(answer.explanation).rounded.minor == minor


async def test_components_name_what_was_done_to_the_amount(admin):
    of = ask.price(per_unit={"unit_amount": "1"}, adjustments={"free_units": "5", "maximum_amount": "8"})
    answer = await preview(admin, of, quantity="15")
    assert {each.name: exact(each.exact_amount) for each in answer.components} == {
        "usage": 10,
        "maximum-spend discount": -2,
    }
    assert answer.free_units == "5"


async def test_a_price_is_found_by_its_id(admin, client_of, refused):
    item = ask.item("base", "FLAT", ask.flat("49"), currency_prices=[ask.in_currency("USD", ask.flat("55"))])
    plan = (await admin.plans("CreatePlan", plans_service_pb2.CreatePlanRequest(code="pro", name="Pro"))).plan
    request = plans_service_pb2.CreatePlanVersionRequest(plan_id=plan.plan_id, **ask.version(item))
    version = (await admin.plans("CreatePlanVersion", request)).plan_version
    (made,) = version.items
    dollars = made.currency_prices[0]
    found = (await admin.prices("GetPrice", pb.GetPriceRequest(price_id=dollars.price_id))).price
    assert (found.currency_code, found.price, found.item_code) == ("USD", dollars.price, "base")
    assert (found.kind, found.plan_version_id) == (plan_pb2.PLAN_ITEM_KIND_FLAT, version.plan_version_id)
    answer = await admin.prices("PreviewPrice", pb.PreviewPriceRequest(price_id=dollars.price_id))
    assert (answer.amount.currency_code, answer.amount.amount_minor) == ("USD", 5500)
    assert json.loads(answer.explanation)["references"] == {"price": dollars.price_id}
    wrong = pb.PreviewPriceRequest(price_id=dollars.price_id, currency_code="EUR")
    refusal = await refused(admin.prices("PreviewPrice", wrong))
    assert (refusal.reason, refusal.fields) == ("CURRENCY_MISMATCH", ("currency_code",))
    for client, price_id in ((client_of(uuid7()), dollars.price_id), (admin, encode("price", uuid7()))):
        for method, type_ in (("GetPrice", pb.GetPriceRequest), ("PreviewPrice", pb.PreviewPriceRequest)):
            assert (await refused(client.prices(method, type_(price_id=price_id)))).reason == "PRICE_NOT_FOUND"


BAD = [
    ({"per_unit": {"unit_amount": "007"}}, {}, "EUR", "INVALID_PRICE", "price.per_unit.unit_amount"),
    ({"per_unit": {"unit_amount": "1e3"}}, {}, "EUR", "VALIDATION_FAILED", "price.per_unit.unit_amount"),
    (
        {"volume": {"tiers": [{"up_to": "10", "unit_amount": "1"}, {"up_to": "5", "unit_amount": "1"}]}},
        {},
        "EUR",
        "INVALID_PRICE",
        "price.volume.tiers[1].up_to",
    ),
    (
        {"flat": {"amount": "1"}, "adjustments": {"minimum_amount": "5", "maximum_amount": "4"}},
        {},
        "EUR",
        "INVALID_PRICE",
        "price.adjustments.minimum_amount",
    ),
    ({"flat": {"amount": "1"}}, {}, "ZZZ", "UNKNOWN_CURRENCY", "currency_code"),
    ({"flat": {"amount": "1"}}, {}, "", "UNKNOWN_CURRENCY", "currency_code"),
    ({"flat": {"amount": "1"}}, {"quantity": "x"}, "EUR", "VALIDATION_FAILED", "quantity"),
    ({"flat": {"amount": "1"}}, {"quantity": "007"}, "EUR", "INVALID_USAGE", "quantity"),
    (
        {"flat": {"amount": "1"}},
        {"share": {"numerator": "-1", "denominator": "2"}},
        "EUR",
        "INVALID_USAGE",
        "share",
    ),
    (
        {"dynamic": {}},
        {"events": {"events": [{"value": "1"}, {"value": "007"}]}},
        "EUR",
        "INVALID_USAGE",
        "events.events[1].value",
    ),
]


@pytest.mark.parametrize(
    ("model", "question", "currency", "reason", "field"), BAD, ids=[f"{r}-{f}-{i}" for i, (*_, r, f) in enumerate(BAD)]
)
async def test_bad_questions_name_their_field(admin, refused, model, question, currency, reason, field):
    refusal = await refused(preview(admin, ask.price(**model), currency, **question))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert field in refusal.fields


async def test_a_question_without_a_price_or_with_a_broken_share_is_refused(admin, refused):
    assert (await refused(admin.prices("PreviewPrice", pb.PreviewPriceRequest(currency_code="EUR")))).reason == (
        "VALIDATION_FAILED"
    )
    broken = pb.PreviewPriceRequest(price=ask.flat(), currency_code="EUR", share=Ratio(numerator="1", denominator="0"))
    assert (await refused(admin.prices("PreviewPrice", broken))).reason == "VALIDATION_FAILED"
    of = ask.price(matrix={"dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "2"}]})
    assert (await refused(preview(admin, of, events={"events": [{"value": "1"}]}))).reason == "NO_MATRIX_CELL"
