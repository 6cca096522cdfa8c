import json
from fractions import Fraction
from typing import get_args

import pytest
from billing_kernel.rounding import Rounding
from billing_pricing import (
    Explanation,
    Graduated,
    InvalidExplanation,
    Package,
    PerUnit,
    Tier,
    Volume,
    evaluate,
    explain,
    explanation_from_json,
    progressive,
    rate,
    referring,
)
from billing_pricing.nodes import (
    Add,
    Ceiling,
    Constant,
    Convert,
    Discount,
    Floor,
    InTier,
    Maximum,
    Minimum,
    Multiply,
    Named,
    Node,
    Round,
    Share,
    Subtract,
)

MODEL = Graduated((Tier(Fraction(10), Fraction(10), Fraction(2)), Tier(None, Fraction(5), Fraction(3))))
PACKAGE = Package(Fraction(10), Fraction(100), Fraction(200))


@pytest.mark.parametrize(
    ("model", "quantity", "sentence"),
    [
        (PerUnit(Fraction(5)), "10", "10 units × 5 EUR per unit = 50.00 EUR"),
        (PerUnit(Fraction(1)), "1.996", "1.996 units × 1 EUR per unit = 1.996 EUR, rounded half up to 2.00 EUR"),
        (PerUnit(Fraction(1)), "1/3", "1/3 units × 1 EUR per unit = 1/3 EUR, rounded half up to 0.33 EUR"),
        (
            PerUnit(Fraction(1)),
            "-5",
            "the larger of (0 units) and (-5 units net) × 1 EUR per unit = 0.00 EUR",
        ),
        (
            MODEL,
            "11",
            "tier 1 (up to 10): 10 units × 10 EUR per unit + 2 EUR flat; "
            "tier 2 (above 10): 1 units × 5 EUR per unit + 3 EUR flat = 110.00 EUR",
        ),
        (Volume((Tier(None, Fraction(2)),)), "3", "tier 1 (all): 3 units × 2 EUR per unit = 6.00 EUR"),
        (
            PACKAGE,
            "211",
            "2 (rounded up from the larger of (0 units) and (211 units - 200 free units) × 0.1 packages per unit)"
            " × 100 EUR per package = 200.00 EUR",
        ),
    ],
)
def test_sentences(model, quantity, sentence):
    assert explain(rate(model, Fraction(quantity), "EUR")).sentence() == sentence


def test_a_slice_names_what_is_already_billed():
    cut = explain(progressive(PerUnit(Fraction("0.333")), Fraction(1), Fraction(1), "EUR"))
    assert cut.sentence() == (
        "0.67 EUR (2 units × 0.333 EUR per unit) - 0.33 EUR (1 units × 0.333 EUR per unit) already billed = 0.34 EUR"
    )


def test_text_is_one_line_a_node():
    text = explain(rate(MODEL, Fraction("10.5"), "EUR"), {"price_version": "price_1", "period": "2025-01"}).to_text()
    assert text.splitlines() == [
        "107.50 EUR (round half up)",
        "  add = 107.5",
        "    tier 1 (up to 10) = 102",
        "      add = 102",
        "        multiply = 100",
        "          10 units",
        "          10 EUR per unit",
        "        2 EUR flat",
        "    tier 2 (above 10) = 5.5",
        "      add = 5.5",
        "        multiply = 2.5",
        "          0.5 units",
        "          5 EUR per unit",
        "        3 EUR flat",
        "period: 2025-01",
        "price_version: price_1",
    ]


def test_json_is_canonical_whatever_the_order_of_references():
    rated = rate(PerUnit(Fraction("0.5")), Fraction(3), "EUR")
    text = rated.explanation_json({"b": "2", "a": "1"})
    assert text == rated.explanation_json({"a": "1", "b": "2"})
    assert text == (
        '{"references":{"a":"1","b":"2"},"tree":{"currency":"EUR","node":"round","of":{"node":"multiply","parts":'
        '[{"label":"units","node":"constant","value":"3"},{"label":"EUR per unit","node":"constant","value":"0.5"}]},'
        '"rounding":"HALF_UP"},"version":1}'
    )


def test_references_are_added_without_reading_the_tree():
    rated = rate(PerUnit(Fraction("0.5")), Fraction(3), "EUR")
    whole = rated.explanation_json({"a": 'é,"tree":', "b": "2"})
    assert referring(rated.explanation_json(), {"b": "2", "a": 'é,"tree":'}) == whole
    assert referring(whole, {}) == whole
    assert referring(rated.explanation_json({"b": "1", "a": 'é,"tree":'}), {"b": "2"}) == whole
    assert explanation_from_json(whole).to_json() == whole


@pytest.mark.parametrize("text", ["", "none", '{"tree":{}}', '{"references":[],"tree":{}}', '{"references":{}'])
def test_what_has_no_references_is_refused(text):
    with pytest.raises(InvalidExplanation):
        referring(text, {"a": "1"})


TWO_AND_A_HALF, THREE = Constant(Fraction("2.5"), "units"), Constant(Fraction(3), "units")
EXAMPLES = [
    (Add((THREE, TWO_AND_A_HALF)), "5.5", "3 units + 2.5 units"),
    (Subtract((THREE, Add((THREE, TWO_AND_A_HALF)))), "-2.5", "3 units - (3 units + 2.5 units)"),
    (Subtract((THREE,)), "3", "3 units"),
    (Multiply((THREE, TWO_AND_A_HALF)), "7.5", "3 units × 2.5 units"),
    (Maximum((THREE, TWO_AND_A_HALF)), "3", "the larger of (3 units) and (2.5 units)"),
    (Minimum((THREE, TWO_AND_A_HALF)), "2.5", "the smaller of (3 units) and (2.5 units)"),
    (Ceiling(TWO_AND_A_HALF), "3", "3 (rounded up from 2.5 units)"),
    (Floor(TWO_AND_A_HALF), "2", "2 (rounded down from 2.5 units)"),
    (InTier(2, Fraction(1), None, THREE), "3", "tier 2 (above 1): 3 units"),
    (Named("cell eu", THREE), "3", "cell eu: 3 units"),
    (Share(Fraction(1, 3), "of the period", THREE), "1", "1/3 of the period of (3 units)"),
    (Discount(Fraction(20), THREE), "2.4", "80 % left by a discount of 20 % of (3 units)"),
    (Convert("token", Fraction("0.5"), "EUR", THREE), "1.5", "0.5 EUR per token of (3 units)"),
    (Round(TWO_AND_A_HALF, "EUR", Rounding.HALF_EVEN, 0), "2", "2.00 EUR (2.5 units)"),
    (Round(Constant(Fraction("0.12345"), "EUR"), "EUR", Rounding.UP, 4), "0.1235", "0.1235 EUR (0.12345 EUR)"),
]


@pytest.mark.parametrize(("node", "value", "phrase"), EXAMPLES, ids=[type(node).__name__ for node, _, _ in EXAMPLES])
def test_every_node_is_evaluated_said_and_travels(node, value, phrase):
    explanation = Explanation(node, "EUR")
    assert evaluate(node) == Fraction(value)
    assert explanation.sentence().startswith(f"{phrase} = ")
    assert explanation_from_json(explanation.to_json()) == explanation


def test_every_node_has_an_example():
    assert {type(node) for node, _, _ in EXAMPLES} | {Constant} == set(get_args(Node))


ROUND = {"node": "round", "currency": "EUR", "rounding": "HALF_UP"}
ONE = {"node": "constant", "value": "1", "label": "unit"}


def deep(levels):
    return ONE if levels == 0 else {"node": "ceiling", "of": deep(levels - 1)}


@pytest.mark.parametrize(
    "tree",
    [
        ONE,
        {**ROUND, "of": {**ONE, "value": 1}},
        {**ROUND, "of": {**ONE, "value": "1e3"}},
        {**ROUND, "of": {**ONE, "value": "1/0"}},
        {**ROUND, "of": {**ONE, "value": "9" * 1000}},
        {**ROUND, "of": {**ONE, "extra": "1"}},
        {**ROUND, "of": {"node": "add", "parts": []}},
        {**ROUND, "of": {"node": "add", "parts": "1"}},
        {**ROUND, "of": {"node": "exec", "parts": []}},
        {**ROUND, "of": {"node": ["add"], "parts": []}},
        {**ROUND, "of": {"node": "tier", "number": 0, "above": "0", "up_to": None, "of": ONE}},
        {**ROUND, "of": None},
        {**ROUND, "of": ONE, "places": 13},
        {**ROUND, "of": ONE, "places": "2"},
        {**ROUND, "of": {"node": "subtract", "parts": []}},
        {**ROUND, "of": {"node": "named", "label": 1, "of": ONE}},
        {**ROUND, "of": {"node": "share", "value": "x", "label": "of the period", "of": ONE}},
        {**ROUND, "of": {"node": "discount", "of": ONE}},
        {**ROUND, "of": {"node": "convert", "unit": "token", "rate": "1", "currency": "XXX", "of": ONE}},
        {**ROUND, "of": ONE, "currency": "XXX"},
        {**ROUND, "of": ONE, "rounding": "SOMEHOW"},
        {**ROUND, "of": deep(100)},
    ],
)
def test_other_trees_are_refused(tree):
    with pytest.raises(InvalidExplanation):
        explanation_from_json(json.dumps({"references": {}, "tree": tree, "version": 1}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "NaN",
        "[" * 100_000,
        '{"a":1,"a":2}',
        json.dumps({"references": {}, "tree": {**ROUND, "of": ONE}, "version": 2}),
        json.dumps({"references": {"a": 1}, "tree": {**ROUND, "of": ONE}, "version": 1}),
        json.dumps({"references": [], "tree": {**ROUND, "of": ONE}, "version": 1}),
        " " * 600_000,
    ],
)
def test_other_documents_are_refused(text):
    with pytest.raises(InvalidExplanation):
        explanation_from_json(text)
