"""Figures from other systems' public tests and documentation, by the one function that rates a price.

Ids as in the acceptance list; what has none is from the same sources.
"""

from fractions import Fraction

import pytest
from billing_kernel.money import Money
from billing_pricing import Event, Share, evaluate, minimum_true_up, price_from_json, rate_price, true_up


def tiered(model, *rows, price="unit_amount", **others):
    tiers = [{"up_to": up_to, price: amount, "flat_amount": flat} for up_to, amount, flat in rows]
    return {"model": model, "tiers": tiers, **others}


def per_unit(amount, **adjustments):
    return {"model": "per_unit", "unit_amount": amount, "adjustments": adjustments}


def package(size, amount, free="0", **adjustments):
    return {
        "model": "package",
        "size": size,
        "package_amount": amount,
        "free_units": free,
        "adjustments": adjustments,
    }


def percentage(rate, **fields):
    return {"model": "percentage", "rate_percent": rate, **fields}


def adjusted(price, **adjustments):
    return {**price, "adjustments": adjustments}


LAGO = tiered("graduated", ("10", "10", "2"), ("20", "5", "3"), (None, "5", "3"))
OPENMETER = tiered("graduated", ("5", "0", "100"), ("10", "0", "50"), ("15", "10", "0"), (None, "5", "0"))
OPENMETER_LOW = tiered("graduated", ("5", "0", "100"), ("10", "0", "50"), ("15", "5", "0"), (None, "1", "0"))
METEROID = tiered("graduated", ("100", "1", "0"), ("200", "0.5", "0"), (None, "0.25", "0"))
CAPACITY = tiered("graduated", ("1000", "0", "49"), (None, "0.01", "0"))
SEATS = tiered("graduated", ("10", "10", "0"), ("50", "8", "0"), (None, "6", "0"))
STRIPE = tiered("volume", ("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0"))
LAGO_VOLUME = tiered("volume", ("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50"))
OPENMETER_VOLUME = tiered("volume", ("5", "0", "100"), ("10", "0", "150"), ("15", "10", "0"), (None, "5", "0"))
PERCENT = tiered(
    "graduated_percentage", ("10", "1", "200"), ("20", "2", "300"), (None, "3", "400"), price="rate_percent"
)
PERCENT_NOT_AT_ZERO = {**PERCENT, "first_tier_flat_at_zero": False}
BOUNDED = {"event_minimum": "1.75", "event_maximum": "12"}

QUANTITIES = [
    ("A01", LAGO, "0", 200),
    ("one", LAGO, "1", 1200),
    ("ten", LAGO, "10", 10200),
    ("A04", LAGO, "11", 11000),
    ("twelve", LAGO, "12", 11500),
    ("twenty-one", LAGO, "21", 16300),
    ("A10", OPENMETER, "5", 10000),
    ("six", OPENMETER, "6", 15000),
    ("A13", OPENMETER, "12", 17000),
    ("hundred", OPENMETER, "100", 62500),
    ("A16", METEROID, "150", 12500),
    ("beyond two tiers", METEROID, "250", 16250),
    ("within the capacity", CAPACITY, "1000", 4900),
    ("beyond the capacity", CAPACITY, "1500", 5400),
    ("A19", SEATS, "15", 14000),
    ("sixty seats", SEATS, "60", 48000),
    ("A31", STRIPE, "1", 700),
    ("five", STRIPE, "5", 3500),
    ("six", STRIPE, "6", 3900),
    ("A34", STRIPE, "20", 12000),
    ("A37", LAGO_VOLUME, "1", 1200),
    ("at zero", LAGO_VOLUME, "0", 1000),
    ("A40", LAGO_VOLUME, "101", 10100),
    ("two hundred and one", LAGO_VOLUME, "201", 15050),
    ("A43", OPENMETER_VOLUME, "0", 10000),
    ("A46", OPENMETER_VOLUME, "14", 14000),
    ("A49", OPENMETER_VOLUME, "100", 50000),
    ("A52", package("10", "100", "200"), "121", 0),
    ("started packages", package("10", "100"), "121", 130000),
    ("A55", package("10", "15"), "10", 1500),
    ("A67", PERCENT, "10", 20010),
    ("one", PERCENT, "1", 20001),
    ("eleven", PERCENT, "11", 50012),
    ("twelve", PERCENT, "12", 50014),
    ("twenty-one", PERCENT, "21", 90033),
    ("flat at zero", PERCENT, "0", 20000),
    ("no flat at zero", PERCENT_NOT_AT_ZERO, "0", 0),
    ("no flat at zero, one", PERCENT_NOT_AT_ZERO, "1", 20001),
    ("A76", per_unit("1"), "1.996", 200),
    ("A79", per_unit("1"), "-5", 0),
    ("B07", package("10", "15", minimum_amount="100"), "0", 10000),
    ("minimum reached", package("10", "15", minimum_amount="100"), "80", 12000),
    ("maximum not hit", per_unit("10", maximum_amount="100"), "10", 10000),
    ("maximum hit", per_unit("10", maximum_amount="100"), "12", 10000),
    ("minimum of tiers", adjusted(OPENMETER_LOW, minimum_amount="1000"), "2", 100000),
    ("maximum of tiers", adjusted(OPENMETER_LOW, maximum_amount="170"), "22", 17000),
    ("half the price, then the maximum", per_unit("10", maximum_amount="100", discount_percent="50"), "27", 10000),
    (
        "the maximum, then half of it",
        per_unit("10", maximum_amount="100", discount_percent="50", discount_after_maximum=True),
        "27",
        5000,
    ),
    ("a minimum is not discounted", per_unit("10", minimum_amount="100", discount_percent="50"), "0", 10000),
    ("free units", per_unit("2", free_units="10"), "15", 1000),
    ("free units are not exceeded", per_unit("2", free_units="10"), "9.5", 0),
    ("free units before the tiers", adjusted(LAGO, free_units="1"), "11", 10200),
]


@pytest.mark.parametrize(("case", "price", "quantity", "minor"), QUANTITIES)
def test_quantities(case, price, quantity, minor):
    rated = rate_price(price_from_json(price), Fraction(quantity), "EUR")
    assert rated.rounded == Money("EUR", minor), case
    assert evaluate(rated.tree) == rated.exact.value


LAGO_EVENTS = ["50", "100", "250", "400"]
FIXED = {"fixed_amount": "2"}


@pytest.mark.parametrize(
    ("case", "price", "values", "exact"),
    [
        ("A61", percentage("2.99", **BOUNDED), ["10", "80", "10000"], "16.142"),
        ("A64", percentage("2.99", free_volume="30", **BOUNDED), ["10", "80", "10000"], "13.794"),
        ("no bounds", percentage("2.99"), ["10", "80", "10000"], "301.691"),
        ("with a fixed part", percentage("2.99", **FIXED, **BOUNDED), ["10", "80", "10000"], "18.691"),
        ("free events, bounds", percentage("2.99", free_events=2, **BOUNDED), ["10", "80", "10000"], "12"),
        (
            "both allowances, bounds",
            percentage("2.99", free_events=3, free_volume="10000", **BOUNDED),
            ["10", "80", "10000"],
            "2.691",
        ),
        ("the volume ends it", percentage("1.3", free_events=3, free_volume="250", **FIXED), LAGO_EVENTS, "11.15"),
        ("no free events", percentage("1.3", free_volume="250", **FIXED), LAGO_EVENTS, "11.15"),
        ("no free volume", percentage("1.3", free_events=3, **FIXED), LAGO_EVENTS, "7.2"),
        ("the events end it", percentage("1.3", free_events=3, free_volume="500", **FIXED), LAGO_EVENTS, "7.2"),
        ("nothing free", percentage("1.3", **FIXED), LAGO_EVENTS, "18.4"),
        ("zero frees nothing", percentage("1.3", free_events=0, free_volume="0", **FIXED), LAGO_EVENTS, "18.4"),
        ("rate of zero", percentage("0", **FIXED), LAGO_EVENTS, "8"),
        ("more free events than events", percentage("1.3", free_events=5, **FIXED), LAGO_EVENTS, "0"),
        ("small", percentage("2.9"), ["4"], "0.116"),
        ("no events", percentage("1.3", **FIXED), [], "0"),
        ("net zero", percentage("1.3", **FIXED), ["10", "-10"], "0"),
        ("net negative", percentage("1.3", **FIXED), ["10", "-11"], "0"),
        ("an event that ends the volume is free", percentage("10", free_volume="30", **FIXED), ["30", "10"], "3"),
        ("a refund gives the rate back", percentage("10", **FIXED), ["100", "-40"], "8"),
        ("a refund gives at most the cap back", percentage("10", event_maximum="3"), ["100", "10", "-40"], "1"),
        ("a refund below nothing", percentage("10", event_maximum="3"), ["100", "-35", "-35"], "0"),
        ("an empty event is at the floor", percentage("10", event_minimum="1"), ["0", "20"], "3"),
        (
            "a free unit is free of the fixed part",
            adjusted(percentage("10", **FIXED), free_units="5"),
            ["5", "5"],
            "2.5",
        ),
        ("free units are the first", adjusted(percentage("10", **FIXED), free_units="5"), ["4", "4", "4"], "4.7"),
        (
            "an empty event beyond the free units",
            adjusted(percentage("10", **FIXED), free_units="5"),
            ["5", "0", "10"],
            "5",
        ),
        ("an empty event beyond the volume", percentage("10", free_volume="30", **FIXED), ["30", "0", "10"], "5"),
        ("a refund gives the allowance back", adjusted(percentage("10"), free_units="5"), ["4", "4", "-4", "4"], "0.3"),
        ("dynamic", {"model": "dynamic"}, ["10", "2.345"], "12.345"),
        ("dynamic with a multiplier", {"model": "dynamic", "multiplier": "1.33333"}, ["10"], "13.3333"),
        ("dynamic, net negative", {"model": "dynamic"}, ["10", "-12"], "0"),
        ("dynamic, minimum", adjusted({"model": "dynamic"}, minimum_amount="100"), [], "100"),
        ("dynamic, maximum", adjusted({"model": "dynamic"}, maximum_amount="9"), ["10"], "9"),
        ("a quantity model sums events", LAGO, ["4", "7"], "110"),
    ],
)
def test_events(case, price, values, exact):
    rated = rate_price(price_from_json(price), [Event(Fraction(value)) for value in values], "EUR")
    assert rated.exact.value == Fraction(exact), case
    assert evaluate(rated.tree) == rated.exact.value


TWO = tiered("time_weighted", ("5", "10", "100"), (None, "5", "50"))
THREE = tiered("time_weighted", ("5", "10", "100"), ("15", "5", "50"), (None, "2", "0"))


@pytest.mark.parametrize(
    ("case", "price", "units", "weighted", "minor"),
    [
        ("four events", TWO, [5, 5, 10, -6], ["3.5", "2.66667", "2", "-2.2"], 19733),
        ("zero usage", TWO, [], [], 10000),
        ("zero usage, no flat", {**TWO, "first_tier_flat_at_zero": False}, [], [], 0),
        ("an event over a bound", TWO, [2, 5, 10, -6], ["1.4", "2.66667", "2", "-2.2"], 18433),
        ("all gone", TWO, [1, 4, 1, -5, -1], ["0.7097", "1.54839", "0.2258", "-0.80645", "-0.0645"], 16581),
        ("back into the range", TWO, [5, -2], ["3.5", "-1"], 12500),
        ("back over a bound", TWO, [4, 2, -3], ["2.8", "1", "-0.6"], 18050),
        ("to and fro", TWO, [5, 2, -4, 10], ["3.5", "1", "-1.6", "2"], 19000),
        ("below zero", TWO, [5, -100], ["2", "-33.33"], 0),
        ("one unit", TWO, [1], ["0.7"], 10700),
        ("a full first range", tiered("time_weighted", ("1", "10", "100"), (None, "5", "50")), [1], ["0.7"], 10700),
        ("three ranges", THREE, [2, 5, 10, -6, 4, 60], ["1.4", "2.5", "2", "-2.2", "0.667", "2"], 19134),
        ("two overflows", THREE, [75], ["75"], 37000),
        ("more given back than used", TWO, [5, -4], ["1", "-4"], 10000),
    ],
)
def test_time_weighted_units(case, price, units, weighted, minor):
    events = [
        Event(Fraction(each), weight=Fraction(weight) / each) for each, weight in zip(units, weighted, strict=True)
    ]
    rated = rate_price(price_from_json(price), events, "EUR")
    assert rated.rounded == Money("EUR", minor), case
    assert evaluate(rated.tree) == rated.exact.value


def test_a_free_unit_moves_the_tiers():
    price = price_from_json(adjusted(TWO, free_units="1"))
    assert rate_price(price, [Event(Fraction(6), weight=Fraction(1, 2))], "EUR").rounded == Money("EUR", 12500)


@pytest.mark.parametrize(
    ("case", "commitment", "share", "spent", "minor"),
    [
        ("B01", "10000", None, [100000], 900000),
        ("prorated apart from the fee", "10000", Fraction(25, 28), [89286], 892857 - 89286),
        ("fee and usage", "1000", None, [40000, 10050], 49950),
        ("reached", "1000", None, [100000], 0),
        ("exceeded", "1000", None, [50000, 50001], 0),
        ("a credit raises it", "1000", None, [100000, -100], 100),
    ],
)
def test_minimum_of_a_plan(case, commitment, share, spent, minor):
    part = None if share is None else Share(share, "of the period, by days")
    spent = [Money("EUR", each) for each in spent]
    found = true_up(Fraction(commitment), part, spent, "EUR")
    assert found.rounded == Money("EUR", minor), case
    assert evaluate(found.tree) == found.exact.value
    exact = Fraction(commitment) * (share or 1) * 100
    assert minimum_true_up(Money("EUR", int(exact + Fraction(1, 2))), spent).rounded == found.rounded
