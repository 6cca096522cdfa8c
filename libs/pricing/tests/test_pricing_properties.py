import json
from fractions import Fraction

import pytest
from billing_kernel.money import AmountOverflow, Rounding, round_amount
from billing_pricing import (
    Flat,
    Graduated,
    Package,
    PerUnit,
    Tier,
    Volume,
    evaluate,
    explain,
    explanation_from_json,
    model_from_json,
    model_to_json,
    model_to_object,
    progressive,
    rate,
    verify,
)
from hypothesis import given
from hypothesis import strategies as st

amounts = st.integers(0, 10**15).map(lambda units: Fraction(units, 10**12)) | st.integers(0, 1000).map(Fraction)
bounds = st.integers(1, 10**21).map(lambda units: Fraction(units, 10**18)) | st.integers(1, 100).map(Fraction)
sizes = bounds.map(lambda bound: max(bound, Fraction(1, 1000)))
quantities = st.fractions(-100, 10**5) | st.integers(-10, 200).map(Fraction)


@st.composite
def tiers(draw):
    up_to = [*sorted(draw(st.sets(bounds, max_size=5))), None]
    return tuple(Tier(bound, draw(amounts), draw(amounts)) for bound in up_to)


models = st.one_of(
    st.builds(Flat, amounts),
    st.builds(PerUnit, amounts),
    st.builds(Graduated, tiers(), st.booleans()),
    st.builds(Volume, tiers(), st.booleans()),
    st.builds(Package, sizes, amounts, bounds | st.just(Fraction(0))),
)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
roundings = st.sampled_from(Rounding)


def graduated_by_definition(model, quantity):
    """Graduated pricing straight from its words, in fractions."""
    lower, total = Fraction(0), Fraction(0)
    if quantity < 0:
        return total
    for number, tier in enumerate(model.tiers):
        upper = quantity if tier.up_to is None else min(tier.up_to, quantity)
        if quantity > lower or (number == 0 and model.first_tier_flat_at_zero):
            total += max(upper - lower, Fraction(0)) * tier.unit_amount + tier.flat_amount
        lower = tier.up_to
        if lower is None or quantity <= lower:
            break
    return total


@given(st.builds(Graduated, tiers(), st.booleans()), quantities)
def test_graduated_is_what_its_words_say(model, quantity):
    assert rate(model, quantity, "EUR").exact.value == graduated_by_definition(model, quantity)


@given(models.filter(lambda model: not isinstance(model, Flat)), quantities.filter(lambda quantity: quantity < 0))
def test_a_net_negative_quantity_costs_nothing(model, quantity):
    assert rate(model, quantity, "EUR").exact.value == 0


@given(models, quantities, currencies, roundings)
def test_the_explanation_evaluates_to_the_amount(model, quantity, currency, rounding):
    rated = rate(model, quantity, currency, rounding)
    explanation = explain(rated)
    assert evaluate(explanation.tree) == rated.exact.value
    assert evaluate(explanation.root) == rated.rounded.exact().value
    assert rated.rounded == round_amount(rated.exact, rounding)
    assert verify(explanation, rated.exact.value, rated.rounded)


@given(models, quantities, currencies, st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_explanations_travel_as_json(model, quantity, currency, references):
    rated = rate(model, quantity, currency)
    text = rated.explanation_json(references)
    again = explanation_from_json(text)
    assert again == explain(rated, references)
    assert again.to_json() == text
    assert json.loads(text)["version"] == 1
    assert again.sentence().endswith(str(rated.rounded))
    assert again.to_text().startswith(str(rated.rounded))


@given(models, st.lists(quantities, min_size=1, max_size=8), currencies, roundings)
def test_slices_add_up_to_billing_once(model, slices, currency, rounding):
    billed, total = None, 0
    for quantity in slices:
        cut = progressive(model, billed, quantity, currency, rounding)
        total += cut.rounded.minor
        assert evaluate(explain(cut).tree) == cut.exact.value
        assert round_amount(cut.exact, rounding) == cut.rounded
        billed = (billed or 0) + quantity
    assert total == rate(model, sum(slices), currency, rounding).rounded.minor


@given(models)
def test_models_travel_as_json(model):
    assert model_from_json(model_to_json(model)) == model
    assert model_from_json(model_to_object(model)) == model


@given(st.builds(Graduated, tiers()), st.lists(quantities, min_size=2, max_size=2))
def test_more_never_costs_less(model, pair):
    less, more = sorted(pair)
    assert rate(model, less, "EUR").minor <= rate(model, more, "EUR").minor


def test_amounts_beyond_64_bits_are_refused():
    with pytest.raises(AmountOverflow):
        rate(PerUnit(Fraction(10**17)), Fraction(1), "EUR")
    assert rate(PerUnit(Fraction(10**16)), Fraction(9), "EUR").rounded.minor == 9 * 10**18
