from fractions import Fraction

import pytest
from billing_kernel.currencies import EXPONENTS
from billing_kernel.money import (
    AmountOverflow,
    CurrencyMismatch,
    ExactAmount,
    InvalidDecimal,
    InvalidWeights,
    Money,
    Rounding,
    UnknownCurrency,
    allocate,
    exponent,
    format_decimal,
    parse_decimal,
    round_amount,
    round_fraction,
)
from billing_kernel.rounding import round_places
from hypothesis import given
from hypothesis import strategies as st

HALVES = [Fraction(half, 2) for half in (-5, -3, -1, 1, 3, 5)]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.HALF_UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.HALF_EVEN, [-2, -2, 0, 0, 2, 2]),
        (Rounding.UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.DOWN, [-2, -1, 0, 0, 1, 2]),
    ],
)
def test_halves_round_by_rule(rounding, expected):
    assert [round_fraction(half, rounding) for half in HALVES] == expected


@pytest.mark.parametrize(
    ("value", "half_up", "half_even", "up", "down"),
    [("0", 0, 0, 0, 0), ("7", 7, 7, 7, 7), ("0.01", 0, 0, 1, 0), ("-0.01", 0, 0, -1, 0), ("2.51", 3, 3, 3, 2)],
)
def test_other_values_round_by_rule(value, half_up, half_even, up, down):
    rounded = [round_fraction(Fraction(value), rounding) for rounding in Rounding]
    assert rounded == [half_up, half_even, up, down]


@given(st.fractions(), st.sampled_from(Rounding))
def test_rounding_is_symmetric_and_near(value, rounding):
    rounded = round_fraction(value, rounding)
    assert rounded == -round_fraction(-value, rounding)
    assert abs(rounded - value) < 1


@pytest.mark.parametrize(
    ("case", "value", "places", "rounding", "expected"),
    [
        ("C07", "123.456", 2, Rounding.DOWN, "123.45"),
        ("C07", "123.456", 0, Rounding.DOWN, "123"),
        ("C07", "123.456", -2, Rounding.DOWN, "100"),
        ("half away from zero", "-0.0005", 3, Rounding.HALF_UP, "-0.001"),
        ("half even", "0.0025", 3, Rounding.HALF_EVEN, "0.002"),
        ("up to hundreds", "1", -2, Rounding.UP, "100"),
        ("already short", "1.5", 6, Rounding.UP, "1.5"),
    ],
)
def test_rounding_at_a_number_of_places(case, value, places, rounding, expected):
    assert round_places(Fraction(value), places, rounding) == Fraction(expected), case


@pytest.mark.parametrize(
    ("currency", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("UYW", 4), ("HUF", 2)]
)
def test_exponents(currency, decimals):
    assert exponent(currency) == decimals


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "XAU", "DEM", "EURO", "E" * 1000])
def test_unknown_currencies_are_refused(currency):
    with pytest.raises(UnknownCurrency):
        exponent(currency)
    with pytest.raises(UnknownCurrency):
        Money(currency, 1)


def test_currency_table_is_plausible():
    assert 155 <= len(EXPONENTS) <= 170
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


def test_arithmetic_order_and_text():
    assert Money("EUR", 4900) + Money("EUR", 100) - Money("EUR", 1) == Money("EUR", 4999)
    assert -Money("EUR", 5) < Money.zero("EUR") <= Money("EUR", 0)
    assert max(Money("EUR", 5), Money("EUR", 7)) == Money("EUR", 7)
    assert not Money.zero("EUR")
    assert [str(Money(*pair)) for pair in (("EUR", -5), ("JPY", 100), ("KWD", 1234))] == [
        "-0.05 EUR",
        "100 JPY",
        "1.234 KWD",
    ]
    assert Money("KWD", 1234).exact() == ExactAmount("KWD", Fraction("1.234"))


def test_currencies_do_not_mix():
    for operation in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatch) as refused:
            operation(Money("EUR", 1), Money("USD", 1))
        assert refused.value.facts == {"left": "EUR", "right": "USD"}


def test_overflow_is_refused():
    assert Money("EUR", 2**63 - 1).minor == 2**63 - 1
    with pytest.raises(AmountOverflow):
        Money("EUR", 2**63 - 1) + Money("EUR", 1)
    with pytest.raises(AmountOverflow):
        -Money("EUR", -(2**63))
    with pytest.raises(AmountOverflow):
        round_amount(ExactAmount("EUR", Fraction(10**17)))


@pytest.mark.parametrize("minor", [1.0, True, "1", Fraction(1)])
def test_minor_units_are_integers(minor):
    with pytest.raises(TypeError):
        Money("EUR", minor)


@pytest.mark.parametrize(
    ("currency", "value", "minor"),
    [("USD", "8.875", 888), ("JPY", "104.895", 105), ("KWD", "1.2345", 1235), ("EUR", "-0.005", -1), ("EUR", "2", 200)],
)
def test_exact_amounts_round_to_the_currency(currency, value, minor):
    assert round_amount(ExactAmount(currency, Fraction(value))) == Money(currency, minor)


def minors(parts):
    return [part.minor for part in parts]


def test_allocate_by_largest_remainder():
    assert minors(allocate(Money("USD", 100), [1, 1, 1])) == [34, 33, 33]
    assert minors(allocate(Money("USD", -100), [1, 1, 1])) == [-34, -33, -33]
    assert minors(allocate(Money("EUR", 1000), [100, 50, 30, 20])) == [500, 250, 150, 100]
    assert minors(allocate(Money("EUR", 5), [0, 1])) == [0, 5]
    assert minors(allocate(Money("EUR", 0), [0, 0])) == [0, 0]
    assert minors(allocate(Money("EUR", 10), [Fraction(1, 3), Fraction(2, 3)])) == [3, 7]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(InvalidWeights):
        allocate(Money("EUR", 1), weights)


weights_lists = st.lists(st.fractions(min_value=0, max_value=10**6) | st.integers(0, 10**12), min_size=1, max_size=30)


@given(st.integers(-(2**63) + 1, 2**63 - 1), weights_lists.filter(any))
def test_allocated_parts_add_up_and_stay_near(minor, weights):
    parts = allocate(Money("EUR", minor), weights)
    assert sum(part.minor for part in parts) == minor
    assert all(
        abs(part.minor - minor * Fraction(weight) / sum(map(Fraction, weights))) < 1
        for part, weight in zip(parts, weights, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("12.50", Fraction(25, 2)), ("-0.5", Fraction(-1, 2)), ("9" * 20 + ".5", None)],
)
def test_decimals_are_read_exactly(text, value):
    assert parse_decimal(text) == (Fraction(text) if value is None else value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "1e3",
            "+1",
            "NaN",
            "Infinity",
            ".5",
            "5.",
            " 1",
            "1 ",
            "1\n",
            "01",
            "--1",
            "1_0",
            "١",
            "0x1",
            "1,5",
            "1/2",
        ),
        *("0." + "1" * 19, "1" * 21, "1" * 10**6),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidDecimal):
        parse_decimal(text)


def test_decimal_bounds_are_those_of_sql_numeric():
    assert parse_decimal("9" * 38, max_fraction=0) == 10**38 - 1
    assert parse_decimal("9" * 20 + "." + "9" * 18) < 10**20
    with pytest.raises(InvalidDecimal):
        parse_decimal("0.1234567890123", max_fraction=12)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(Fraction(25, 2), 18, "12.5"), (Fraction(-1, 8), 3, "-0.125"), (Fraction(100), 0, "100"), (Fraction(0), 2, "0")],
)
def test_decimals_are_written_exactly(value, places, text):
    assert format_decimal(value, places) == text


def test_inexact_decimals_are_refused_or_rounded_on_request():
    with pytest.raises(InvalidDecimal):
        format_decimal(Fraction(1, 3), 18)
    assert format_decimal(Fraction(2, 3), 4, Rounding.HALF_UP) == "0.6667"
    assert format_decimal(Fraction(-1, 1000), 2, Rounding.HALF_UP) == "0"


@given(st.integers(-(10**37), 10**37))
def test_decimals_round_trip(units):
    value = Fraction(units, 10**18)
    assert parse_decimal(format_decimal(value, 18)) == value
