"""Figures of progressive billing from other systems' public tests: what is billed after something was billed."""

from fractions import Fraction

import pytest
from billing_kernel.money import Money
from billing_pricing import evaluate, price_from_json, rate_price


def tiered(model, *rows, **adjustments):
    tiers = [{"up_to": up_to, "unit_amount": amount, "flat_amount": flat} for up_to, amount, flat in rows]
    return {"model": model, "tiers": tiers, "adjustments": adjustments}


def per_unit(amount, **adjustments):
    return {"model": "per_unit", "unit_amount": amount, "adjustments": adjustments}


def package(size, amount, **adjustments):
    return {"model": "package", "size": size, "package_amount": amount, "adjustments": adjustments}


def adjusted(price, **adjustments):
    return {**price, "adjustments": adjustments}


LAGO_VOLUME = tiered("volume", ("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50"))
OPENMETER_LOW = tiered("graduated", ("5", "0", "100"), ("10", "0", "50"), ("15", "5", "0"), (None, "1", "0"))


@pytest.mark.parametrize(
    ("case", "price", "billed", "quantity", "final", "minor"),
    [
        ("A70", per_unit("10", maximum_amount="100"), "7", "5", False, 3000),
        ("half, then the maximum", per_unit("10", maximum_amount="100", discount_percent="50"), "7", "20", False, 6500),
        ("second package", package("10", "15"), "17", "5", False, 1500),
        ("packages beyond the maximum", package("10", "15", maximum_amount="100"), "60", "50", False, 1000),
        ("the tier's flat amount was billed", OPENMETER_LOW, "7", "1", False, 0),
        ("the first flat amount was billed", OPENMETER_LOW, "0", "0", True, 0),
        ("net negative gives the flat amount back", OPENMETER_LOW, "2", "-3", True, -10000),
        ("net negative behind free units", adjusted(OPENMETER_LOW, free_units="5"), "2", "-3", True, -10000),
        ("tiers 3 and 4", OPENMETER_LOW, "12", "10", True, 2200),
        ("the minimum is filled up", adjusted(OPENMETER_LOW, minimum_amount="1000"), "0", "0", True, 90000),
        ("the minimum at the end", adjusted(OPENMETER_LOW, minimum_amount="1000"), "2", "0", True, 90000),
        ("no minimum in the middle", adjusted(OPENMETER_LOW, minimum_amount="1000"), "2", "0", False, 0),
        ("maximum of tiers", adjusted(OPENMETER_LOW, maximum_amount="170"), "12", "10", False, 1000),
        ("a cheaper volume gives back", LAGO_VOLUME, "100", "1", False, 10100 - 21000),
        (
            "dynamic",
            adjusted({"model": "dynamic", "multiplier": "1.33333"}, maximum_amount="100"),
            "70",
            "50",
            False,
            667,
        ),
    ],
)
def test_slices(case, price, billed, quantity, final, minor):
    price = price_from_json(price)
    rated = rate_price(price, Fraction(quantity), "EUR", billed=Fraction(billed), final=final)
    assert rated.rounded == Money("EUR", minor), case
    assert evaluate(rated.tree) == rated.exact.value


@pytest.mark.parametrize(
    ("case", "price", "billed", "quantity", "components"),
    [
        ("A70", per_unit("10", maximum_amount="100"), "7", "5", [("usage", 50), ("maximum-spend discount", -20)]),
        (
            "half, then the maximum",
            per_unit("10", maximum_amount="100", discount_percent="50"),
            "7",
            "20",
            [("usage", 200), ("discount", -100), ("maximum-spend discount", -35)],
        ),
        ("nothing is free any more", per_unit("1", free_units="10"), "20", "15", [("usage", 15)]),
        ("some are free", per_unit("1", free_units="10"), "5", "15", [("free units", -5), ("usage", 10)]),
        ("minimum", per_unit("1", minimum_amount="100"), None, "15", [("usage", 15), ("minimum spend", 85)]),
        ("plain", per_unit("1"), None, "15", [("usage", 15)]),
        ("plain, nothing", per_unit("1"), None, "0", []),
        (
            "true-up",
            per_unit("1", commitment={"amount": "9", "true_up": True}),
            None,
            "5",
            [("usage", 5), ("true-up", 4)],
        ),
        (
            "overage",
            per_unit("1", commitment={"amount": "9", "overage_factor": "2"}),
            None,
            "10",
            [("usage", 10), ("overage", 1)],
        ),
    ],
)
def test_components(case, price, billed, quantity, components):
    before = None if billed is None else Fraction(billed)
    rated = rate_price(price_from_json(price), Fraction(quantity), "EUR", billed=before)
    assert [(each.name, each.exact) for each in rated.components] == components, case


@pytest.mark.parametrize(
    ("billed", "quantity", "units"), [(Fraction(20), 15, 15), (Fraction(5), 15, 10), (None, 15, 5), (None, 3, 0)]
)
def test_a73_billable_units(billed, quantity, units):
    price = price_from_json(per_unit("1", free_units="10"))
    assert rate_price(price, Fraction(quantity), "EUR", billed=billed).quantity == units
