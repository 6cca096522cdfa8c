from fractions import Fraction

import pytest
from billing_kernel.errors import Kind
from billing_pricing import Flat, Graduated, InvalidPriceModel, Package, PerUnit, Tier, model_from_json, model_to_json

ONE = Fraction(1)


def tier(up_to="10", unit_amount="1", **others):
    return {"up_to": up_to, "unit_amount": unit_amount, **others}


def graduated(*tiers, **others):
    return {"model": "graduated", "tiers": list(tiers), **others}


@pytest.mark.parametrize(
    ("found", "field", "rule"),
    [
        ({}, "model", "model.unknown"),
        ({"model": "magic"}, "model", "model.unknown"),
        ({"model": ["flat"]}, "model", "model.unknown"),
        ({"model": "flat"}, "amount", "type"),
        ({"model": "flat", "amount": 49}, "amount", "type"),
        ({"model": "flat", "amount": "4e1"}, "amount", "number.form"),
        ({"model": "flat", "amount": "-1"}, "amount", "number.negative"),
        ({"model": "flat", "amount": "1", "unit": "1"}, "unit", "field.unknown"),
        ({"model": "per_unit", "unit_amount": "0.0000000000001"}, "unit_amount", "number.form"),
        ({"model": "package", "size": "0", "package_amount": "1"}, "size", "number.zero"),
        (graduated(), "tiers", "tiers.count"),
        ({"model": "volume", "tiers": {}}, "tiers", "tiers.count"),
        (graduated(*[tier(str(bound)) for bound in range(1, 300)], tier(None)), "tiers", "tiers.count"),
        (graduated("tier"), "tiers[0]", "type"),
        (graduated(tier("10")), "tiers[0].up_to", "tiers.last_open"),
        (graduated({"unit_amount": "1"}), "tiers[0].up_to", "required"),
        (graduated(tier(None), tier("10"), tier(None)), "tiers[0].up_to", "tiers.open_before_last"),
        (graduated(tier("10"), tier("5"), tier(None)), "tiers[1].up_to", "tiers.ascending"),
        (graduated(tier("10"), tier("10"), tier(None)), "tiers[1].up_to", "tiers.ascending"),
        (graduated(tier("0"), tier(None)), "tiers[0].up_to", "tiers.ascending"),
        (graduated(tier("-1"), tier(None)), "tiers[0].up_to", "number.negative"),
        (graduated(tier("10"), {"from": "12", **tier(None)}), "tiers[1].from", "field.unknown"),
        (graduated(tier(None, "-0.5")), "tiers[0].unit_amount", "number.negative"),
        (graduated(tier(None, flat_amount="-2")), "tiers[0].flat_amount", "number.negative"),
        (graduated(tier(None, "0.1234567890123")), "tiers[0].unit_amount", "number.form"),
        (graduated(tier(None), first_tier_flat_at_zero="yes"), "first_tier_flat_at_zero", "type"),
    ],
)
def test_bad_models_are_refused_by_field_and_rule(found, field, rule):
    with pytest.raises(InvalidPriceModel) as refused:
        model_from_json(found)
    assert (field, rule) in {(violation.field, violation.rule) for violation in refused.value.violations}
    assert refused.value.kind is Kind.INVALID


@pytest.mark.parametrize("text", ["", "null", "[]", '{"model":"flat","amount":"1","amount":"2"}', "{" * 10**5])
def test_bad_texts_are_refused(text):
    with pytest.raises(InvalidPriceModel):
        model_from_json(text)


def test_all_violations_are_named_at_once():
    with pytest.raises(InvalidPriceModel) as refused:
        Graduated((Tier(Fraction(5), -ONE), Tier(Fraction(3), ONE, Fraction(1, 3))))
    assert [violation.rule for violation in refused.value.violations] == [
        "number.negative",
        "number.digits",
        "tiers.last_open",
        "tiers.ascending",
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Flat(Fraction(-1)),
        lambda: PerUnit(Fraction(1, 3)),
        lambda: PerUnit(Fraction(10**26)),
        lambda: Package(Fraction(1, 3), ONE),
        lambda: Package(ONE, ONE, Fraction(-1)),
        lambda: Graduated(()),
    ],
)
def test_values_refuse_what_their_json_refuses(make):
    with pytest.raises(InvalidPriceModel):
        make()


def test_floats_are_a_bug():
    with pytest.raises(TypeError):
        PerUnit(0.1)


def test_defaults_may_be_left_out_and_are_written():
    model = model_from_json('{"model":"graduated","tiers":[{"up_to":null,"unit_amount":"0.50"}]}')
    assert model == Graduated((Tier(None, Fraction(1, 2)),))
    assert model_to_json(model) == (
        '{"first_tier_flat_at_zero":true,"model":"graduated",'
        '"tiers":[{"flat_amount":"0","unit_amount":"0.5","up_to":null}]}'
    )
