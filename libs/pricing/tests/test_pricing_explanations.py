import json
from fractions import Fraction

import pytest
from billing_pricing import (
    Graduated,
    InvalidExplanation,
    Package,
    PerUnit,
    Tier,
    Volume,
    explain,
    explanation_from_json,
    progressive,
    rate,
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
