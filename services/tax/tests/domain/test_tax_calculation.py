"""The arithmetic of tax: published cases, and properties that hold for every amount."""

from datetime import UTC, date, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from billing_kernel.decimals import parse_decimal
from billing_kernel.money import AmountOverflow, Money, Rounding, UnknownCurrency, allocate
from billing_tax.domain.calculation import apply_taxes, tax_document
from billing_tax.domain.categories import RateCategory
from billing_tax.domain.document import Behavior, Line, RoundingScope
from billing_tax.domain.place_of_supply import Assessment, Customer, Rule, Seller
from billing_tax.domain.places import Place
from billing_tax.domain.rates import Rate, RateTable, Stacking
from billing_tax.domain.registration import Registration, Scheme
from billing_tax.storage.rate_file import built_in_rates
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = UUID(int=1)
EXCLUSIVE, INCLUSIVE = Behavior.EXCLUSIVE, Behavior.INCLUSIVE


def place(code: str) -> Place:
    country, _, region = code.partition("-")
    return Place(country, region)


def seller(country: str, *codes: str) -> Seller:
    start = datetime(2018, 1, 1, tzinfo=UTC)
    return Seller(country, tuple(Registration(ID, ID, place(code), Scheme.DOMESTIC, "", start) for code in codes))


def customer(code: str) -> Customer:
    return Customer(place(code))


def line(amount: int, behavior: Behavior = EXCLUSIVE, category: str = "digital_service") -> Line:
    return Line("l", amount, category, behavior, NOON)


def taxes(*percents: str) -> tuple[Assessment, ...]:
    return tuple(
        Assessment(Rule.DOMESTIC, f"T{i}", Place("DE"), parse_decimal(percent), date(2026, 3, 1), "test")
        for i, percent in enumerate(percents)
    )


def amounts(lines, assessed, currency="USD", **policy):
    document = apply_taxes(lines, assessed, currency=currency, **policy)
    return [[tax.amount_minor for tax in each.taxes] for each in document.lines]


@pytest.mark.parametrize(
    ("currency", "behavior", "amount", "percents", "net", "expected"),
    [
        pytest.param("USD", EXCLUSIVE, 10000, ["8.875"], 10000, [888], id="F01"),
        pytest.param("JPY", EXCLUSIVE, 999, ["10.5"], 999, [105], id="F04"),
        pytest.param("USD", EXCLUSIVE, 9999, ["8.875", "2.125", "0.5"], 9999, [887, 212, 50], id="F07"),
        pytest.param("SAR", EXCLUSIVE, 9 * 4990, ["15"], 44910, [6737], id="F13"),
        pytest.param("EUR", EXCLUSIVE, 999, ["21"], 999, [210], id="F16 first"),
        pytest.param("EUR", EXCLUSIVE, 997, ["21"], 997, [209], id="F16 second"),
        pytest.param("EUR", INCLUSIVE, 1200, ["20"], 1000, [200], id="F25"),
        pytest.param("EUR", EXCLUSIVE, -999, ["21"], -999, [-210], id="credit"),
        pytest.param("CAD", EXCLUSIVE, 10000, ["5", "9.975"], 10000, [500, 998], id="Quebec"),
        pytest.param("CAD", INCLUSIVE, 11498, ["5", "9.975"], 10000, [500, 998], id="Quebec, gross"),
        pytest.param("EUR", INCLUSIVE, 1200, ["0"], 1200, [0], id="untaxed gross price is all net"),
    ],
)
def test_one_line(currency, behavior, amount, percents, net, expected):
    document = apply_taxes([line(amount, behavior)], [taxes(*percents)], currency=currency)
    assert [tax.amount_minor for tax in document.lines[0].taxes] == expected
    assert (document.net.minor, document.tax.minor) == (net, sum(expected))
    assert all(tax.base_minor == net for tax in document.lines[0].taxes)


def test_f28_discount_before_tax():
    fees = [10000, 5000, 3000, 2000]
    coupon = [part.minor for part in allocate(Money("EUR", 1000), fees)]
    assert coupon == [500, 250, 150, 100]
    lines = [line(fee - off) for fee, off in zip(fees, coupon, strict=True)]
    assessed = [taxes(percent) for percent in ("10", "0", "20", "20")]
    document = apply_taxes(lines, assessed, currency="EUR")
    assert [each.tax_minor for each in document.lines] == [950, 0, 570, 380]
    assert (document.net + document.tax).minor == 20900


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (RoundingScope.PER_LINE, [[0], [0], [0]]),
        (RoundingScope.PER_TAX, [[1], [0], [0]]),
        (RoundingScope.PER_DOCUMENT, [[1], [0], [0]]),
    ],
)
def test_where_it_is_rounded_is_a_setting(scope, expected):
    assert amounts([line(1)] * 3, [taxes("40")] * 3, scope=scope) == expected


def test_f31_tax_on_the_rounded_sum_of_fees():
    document = apply_taxes([line(2)], [taxes("40")], currency="EUR", scope=RoundingScope.PER_TAX)
    assert document.tax.minor == 1


def test_per_tax_rounds_each_tax_and_per_document_all_of_them():
    lines, assessed = [line(10)] * 3, [taxes("5", "4")] * 3  # exact: 1.5 and 1.2, together 2.7
    per_tax = amounts(lines, assessed, scope=RoundingScope.PER_TAX)
    assert [sum(column) for column in zip(*per_tax, strict=True)] == [2, 1]
    assert sum(map(sum, amounts(lines, assessed, scope=RoundingScope.PER_DOCUMENT))) == 3
    assert amounts(lines, assessed) == [[1, 0]] * 3


def test_negative_lines_reduce_the_base():
    document = apply_taxes([line(10000), line(-2500)], [taxes("19")] * 2, currency="EUR")
    assert (document.net.minor, document.tax.minor) == (7500, 1425)


def test_a_document_from_facts_to_cents():
    lines = [line(4900), line(1190, INCLUSIVE), line(-100)]
    document = tax_document(
        lines, seller=seller("DE", "DE"), customer=customer("DE"), currency="EUR", rates=built_in_rates()
    )
    assert [(each.net_minor, each.tax_minor) for each in document.lines] == [(4900, 931), (1000, 190), (-100, -19)]
    assert document.lines[0].taxes[0].assessment.rate_date == date(2026, 3, 1)
    assert document.lines[0].taxes[0].scope is RoundingScope.PER_LINE


def rate(jurisdiction: str, percent: str) -> Rate:
    start = date(2018, 1, 1)
    return Rate(
        jurisdiction,
        "tax",
        RateCategory.STANDARD,
        parse_decimal(percent),
        start,
        None,
        Stacking.REPLACE,
        jurisdiction,
        "-",
    )


def test_f19_most_specific_rule_wins():
    table = RateTable([rate("US", "5"), rate("US-CA", "7.25")])
    us = seller("US", "US", "US-CA")
    document = tax_document([line(10000)], seller=us, customer=customer("US-CA"), currency="USD", rates=table)
    assert document.tax.minor == 725


def test_f22_outside_scope():
    document = tax_document(
        [line(10000)], seller=seller("DE", "DE"), customer=customer("TH"), currency="EUR", rates=built_in_rates()
    )
    assert document.tax.minor == 0
    assert document.lines[0].taxes[0].assessment.rule is Rule.OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("lines", "currency", "refusal"),
    [
        ([line(2**63 - 1)], "EUR", AmountOverflow),
        ([line(2**62), line(2**62)], "EUR", AmountOverflow),
        ([line(100)], "XXX", UnknownCurrency),
    ],
)
def test_what_does_not_fit_is_refused(lines, currency, refusal):
    with pytest.raises(refusal):
        tax_document(
            lines, seller=Seller("DE", seller("DE", "DE").registrations), customer=Customer(Place("DE")),
            currency=currency, rates=built_in_rates(),
        )  # fmt: skip


PERCENT = st.integers(0, 100_000).map(lambda thousandths: Fraction(thousandths, 1000))
LINES = st.lists(
    st.tuples(st.integers(-(10**12), 10**12), st.sampled_from(Behavior), st.lists(PERCENT, min_size=1, max_size=3)),
    min_size=1,
    max_size=8,
)


def documents(given_lines, scope, rounding=Rounding.HALF_UP):
    lines = [line(amount, behavior) for amount, behavior, _ in given_lines]
    assessed = [
        tuple(Assessment(Rule.DOMESTIC, f"T{i}", Place("DE"), p, date(2026, 3, 1), "") for i, p in enumerate(percents))
        for *_, percents in given_lines
    ]
    return lines, apply_taxes(lines, assessed, currency="EUR", scope=scope, rounding=rounding)


@given(LINES, st.sampled_from(RoundingScope), st.sampled_from(Rounding))
def test_parts_add_up_and_gross_prices_stay(given_lines, scope, rounding):
    lines, document = documents(given_lines, scope, rounding)
    for before, after in zip(lines, document.lines, strict=True):
        assert after.tax_minor == sum(tax.amount_minor for tax in after.taxes)
        gross = after.net_minor + after.tax_minor
        assert before.amount_minor == (gross if before.behavior is INCLUSIVE else after.net_minor)
    assert document.net.minor == sum(each.net_minor for each in document.lines)
    assert document.tax.minor == sum(each.tax_minor for each in document.lines)


@given(LINES, st.sampled_from(RoundingScope))
def test_each_tax_is_within_a_minor_unit_of_the_exact_one(given_lines, scope):
    _, document = documents(given_lines, scope)
    exact_total = Fraction(0)
    for (amount, behavior, percents), after in zip(given_lines, document.lines, strict=True):
        whole = 100 + (sum(percents) if behavior is INCLUSIVE else 0)
        for percent, tax in zip(percents, after.taxes, strict=True):
            exact = amount * percent / whole
            exact_total += exact
            assert abs(tax.amount_minor - exact) <= (Fraction(1, 2) if scope is RoundingScope.PER_LINE else 1)
    if scope is RoundingScope.PER_DOCUMENT:
        assert abs(document.tax.minor - exact_total) <= Fraction(1, 2)


@given(LINES, st.sampled_from(RoundingScope))
def test_a_credit_of_everything_takes_back_every_cent(given_lines, scope):
    _, document = documents(given_lines, scope)
    _, credit = documents([(-amount, behavior, percents) for amount, behavior, percents in given_lines], scope)
    assert (credit.net.minor, credit.tax.minor) == (-document.net.minor, -document.tax.minor)
