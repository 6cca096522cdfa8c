"""Sections A and B: what a price makes of a usage, asked of POST /v1/prices:preview."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from billing_kernel.money import exponent
from billing_pricing import evaluate, explanation_from_json

from tests.acceptance import ladder_cases, price_cases, slice_cases
from tests.acceptance.api import Api, minor, ratio
from tests.acceptance.price_cases import PriceCase
from tests.acceptance.prices import Json

CASES = price_cases.CASES + ladder_cases.CASES + slice_cases.CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_price(api: Api, case: PriceCase) -> None:
    answer = await api.call("POST", "/v1/prices:preview", _request(case))
    if case.amount is not None:
        assert Fraction(minor(answer["amount"]), 10 ** exponent(case.currency)) == Fraction(case.amount)
    if case.exact is not None:
        assert ratio(answer["exact_amount"]) == Fraction(case.exact)
    if case.quantity is not None:
        assert Fraction(answer["quantity"]) == Fraction(case.quantity)
    parts = {each["name"]: ratio(each["exact_amount"]) for each in answer.get("components", [])}
    for name, amount in case.components:
        assert parts[name] == Fraction(amount)
    _explains_itself(answer)


def _request(case: PriceCase) -> Json:
    request: Json = {"price": case.price, "currency_code": case.currency}
    if isinstance(case.usage, str):
        request["quantity"] = case.usage
    else:
        request["events"] = {"events": [each if isinstance(each, dict) else {"value": each} for each in case.usage]}
    if case.billed is not None:
        request["billed_quantity"] = case.billed
    if case.billed_events:
        request["billed_events"] = {"events": [{"value": each} for each in case.billed_events]}
    if case.interim:
        request["interim"] = True
    return request


def _explains_itself(answer: Json) -> None:
    explanation = explanation_from_json(answer["explanation"])
    assert evaluate(explanation.tree) == ratio(answer["exact_amount"])
    assert explanation.rounded.minor == minor(answer["amount"])
    assert explanation.to_json() == answer["explanation"]
    assert json.loads(answer["explanation"])["version"] >= 1
    assert answer["sentence"] == explanation.sentence()
    assert answer["text"] == explanation.to_text()
