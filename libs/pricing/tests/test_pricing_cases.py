"""Figures from other systems' public tests and documentation (case ids as in the acceptance list)."""

from fractions import Fraction

import pytest
from billing_kernel.money import Money
from billing_pricing import Flat, Graduated, Package, PerUnit, Tier, Volume, progressive, rate


def tiers(*rows):
    return tuple(Tier(None if up_to is None else Fraction(up_to), *map(Fraction, amounts)) for up_to, *amounts in rows)


LAGO = Graduated(tiers((10, 10, 2), (20, 5, 3), (None, 5, 3)))
OPENMETER = Graduated(tiers((5, 0, 100), (10, 0, 50), (15, 10), (None, 5)))
METEROID = Graduated(tiers((100, 1), (200, "0.5"), (None, "0.25")))
SEATS = Graduated(tiers((10, 10), (50, 8), (None, 6)))
STRIPE = Volume(tiers((5, 7), (10, "6.5"), (None, 6)))
LAGO_VOLUME = Volume(tiers((100, 2, 10), (200, 1), (None, "0.5", 50)))
OPENMETER_VOLUME = Volume(tiers((5, 0, 100), (10, 0, 150), (15, 10), (None, 5)))
PERCENT = Graduated(tiers((10, "0.01", 200), (20, "0.02", 300), (None, "0.03", 400)))
UNIT = PerUnit(Fraction(1))


@pytest.mark.parametrize(
    ("case", "model", "quantity", "minor"),
    [
        ("A01", LAGO, "0", 200),
        ("A04", LAGO, "11", 11000),
        ("at a bound the next tier is not entered", LAGO, "10", 10200),
        ("between 10 and 11 is the next tier's", LAGO, "10.5", 10750),
        ("all three", LAGO, "21", 10200 + 5300 + 800),
        ("A10", OPENMETER, "5", 10000),
        ("A13", OPENMETER, "12", 17000),
        ("A16", METEROID, "150", 12500),
        ("A19", SEATS, "15", 14000),
        ("A31", STRIPE, "1", 700),
        ("A34", STRIPE, "20", 12000),
        ("A37", LAGO_VOLUME, "1", 1200),
        ("A40", LAGO_VOLUME, "101", 10100),
        ("between 100 and 101 is the next range's", LAGO_VOLUME, "100.5", 10050),
        ("A43", OPENMETER_VOLUME, "0", 10000),
        ("A46", OPENMETER_VOLUME, "14", 14000),
        ("A49", OPENMETER_VOLUME, "100", 50000),
        ("A52", Package(Fraction(10), Fraction(100), Fraction(200)), "121", 0),
        ("one unit beyond the free ones", Package(Fraction(10), Fraction(100), Fraction(200)), "200.1", 10000),
        ("A55", Package(Fraction(10), Fraction(15)), "10", 1500),
        ("a started package", Package(Fraction(10), Fraction(15)), "10.01", 3000),
        ("a package of a third", Package(Fraction("0.25"), Fraction(1)), "0.6", 300),
        ("A67", PERCENT, "10", 20010),
        ("A76", UNIT, "1.996", 200),
        ("A79", UNIT, "-5", 0),
        ("negative, with a flat part", LAGO, "-5", 0),
        ("negative volume", OPENMETER_VOLUME, "-0.5", 0),
        ("negative percentage", PERCENT, "-0.01", 0),
        ("negative flat", Flat(Fraction(49)), "-3", 4900),
        ("negative packages", Package(Fraction(10), Fraction(15)), "-11", 0),
        ("flat", Flat(Fraction(49)), "3", 4900),
        ("flat at zero", Flat(Fraction(49)), "0", 4900),
        ("tiny price", PerUnit(Fraction("0.000000000001")), "1000000000000", 100),
    ],
)
def test_cases(case, model, quantity, minor):
    assert rate(model, Fraction(quantity), "EUR").rounded == Money("EUR", minor), case


@pytest.mark.parametrize("model", [Graduated, Volume])
@pytest.mark.parametrize(("quantity", "minor"), [(0, 0), (-3, 0), (1, 1200), (10, 10200)])
def test_first_flat_at_zero_is_a_setting(model, quantity, minor):
    priced = model(tiers((10, 10, 2), (None, 5, 3)), first_tier_flat_at_zero=False)
    assert rate(priced, Fraction(quantity), "EUR").rounded == Money("EUR", minor)


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 105), ("KWD", 104895), ("CLF", 1048950)])
def test_minor_units_follow_the_currency(currency, minor):
    assert rate(PerUnit(Fraction("104.895")), Fraction(1), currency).rounded == Money(currency, minor)


def test_slices_of_a_flat_price_charge_it_once():
    flat = Flat(Fraction(49))
    assert progressive(flat, None, Fraction(1), "EUR").rounded == Money("EUR", 4900)
    assert progressive(flat, Fraction(0), Fraction(1), "EUR").rounded == Money("EUR", 0)


def test_a_volume_slice_may_give_back():
    cheaper = progressive(LAGO_VOLUME, Fraction(100), Fraction(1), "EUR")
    assert cheaper.rounded == Money("EUR", 10100 - 21000)
