"""Tax of a document: exact shares first, then one rounding where the scope says, then parts that add up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from billing_kernel.money import Money, Rounding, exponent
from billing_kernel.rounding import round_ratio

from billing_tax.domain.categories import rate_category
from billing_tax.domain.document import Behavior, Line, LineTax, RoundingScope, TaxedDocument, TaxedLine
from billing_tax.domain.place_of_supply import Assessment, Customer, Seller, assess
from billing_tax.domain.rates import RateTable

CACHED_FACTORS_MAX = 4_096

Exact = tuple[int, Fraction]  # amount in minor units, factor: the tax before rounding is their product


def tax_document(
    lines: Sequence[Line],
    *,
    seller: Seller,
    customer: Customer,
    currency: str,
    rates: RateTable,
    scope: RoundingScope = RoundingScope.PER_LINE,
    rounding: Rounding = Rounding.HALF_UP,
) -> TaxedDocument:
    """Taxes every line. net + tax is the amount of an inclusive line, and net the amount of an exclusive one.

    Raises UnknownTaxCategory, UnknownPlace, NoRateOnDate, UnknownCurrency, AmountOverflow.
    """
    exponent(currency)  # refuses an unknown currency before any work
    decided: dict[tuple[str, datetime], tuple[Assessment, ...]] = {}  # most lines of a document share one decision
    for line in lines:
        if (line.tax_category, line.supply_time) not in decided:
            taxes = assess(seller, customer, rates, rate_category(line.tax_category), line.supply_time)
            decided[line.tax_category, line.supply_time] = taxes
    assessed = [decided[line.tax_category, line.supply_time] for line in lines]
    return apply_taxes(lines, assessed, currency=currency, scope=scope, rounding=rounding)


def apply_taxes(
    lines: Sequence[Line],
    assessed: Sequence[tuple[Assessment, ...]],
    *,
    currency: str,
    scope: RoundingScope = RoundingScope.PER_LINE,
    rounding: Rounding = Rounding.HALF_UP,
) -> TaxedDocument:
    """The arithmetic alone: one tuple of assessments a line. Raises AmountOverflow."""
    exact = [
        (line.amount_minor, factor)
        for line, taxes in zip(lines, assessed, strict=True)
        for factor in _factors(line.behavior, tuple(tax.percent for tax in taxes))
    ]
    flat = [tax for taxes in assessed for tax in taxes]
    amounts = iter(_ROUND[scope](flat, exact, rounding))
    taxed = tuple(
        _taxed_line(line, taxes, [next(amounts) for _ in taxes], scope)
        for line, taxes in zip(lines, assessed, strict=True)
    )
    net = Money(currency, sum(line.net_minor for line in taxed))
    tax = Money(currency, sum(line.tax_minor for line in taxed))
    _ = net + tax  # the total must fit as well
    return TaxedDocument(taxed, net, tax)


@lru_cache(CACHED_FACTORS_MAX)
def _factors(behavior: Behavior, percents: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """What each tax is of the amount: 19/100 of a net price, 19/119 of a gross one."""
    whole = 100 + (sum(percents) if behavior is Behavior.INCLUSIVE else 0)
    return tuple(percent / whole for percent in percents)


def _taxed_line(line: Line, taxes: Sequence[Assessment], amounts: Sequence[int], scope: RoundingScope) -> TaxedLine:
    tax_minor = sum(amounts)
    net_minor = line.amount_minor - (tax_minor if line.behavior is Behavior.INCLUSIVE else 0)
    parts = tuple(LineTax(tax, net_minor, amount, scope) for tax, amount in zip(taxes, amounts, strict=True))
    return TaxedLine(line.reference, net_minor, tax_minor, parts)


def _round_each(taxes: Sequence[Assessment], exact: Sequence[Exact], rounding: Rounding) -> list[int]:
    return [round_ratio(amount * factor.numerator, factor.denominator, rounding) for amount, factor in exact]


def _round_per_tax(taxes: Sequence[Assessment], exact: Sequence[Exact], rounding: Rounding) -> list[int]:
    groups: dict[tuple[str, str, Fraction], list[int]] = defaultdict(list)
    for index, tax in enumerate(taxes):
        groups[tax.place.code, tax.name, tax.percent].append(index)
    amounts = [0] * len(exact)
    for indexes in groups.values():
        for index, amount in zip(indexes, _round_sum([exact[i] for i in indexes], rounding), strict=True):
            amounts[index] = amount
    return amounts


def _round_per_document(taxes: Sequence[Assessment], exact: Sequence[Exact], rounding: Rounding) -> list[int]:
    return _round_sum(exact, rounding)


def _round_sum(exact: Sequence[Exact], rounding: Rounding) -> list[int]:
    """Rounds the sum once and hands the minor units out by largest remainder, the earlier one first on a tie."""
    values = [amount * factor for amount, factor in exact]
    total = sum(values, Fraction(0))
    floors = [value.numerator // value.denominator for value in values]
    left = round_ratio(total.numerator, total.denominator, rounding) - sum(floors)
    order = sorted(range(len(values)), key=lambda index: (floors[index] - values[index], index))
    lucky = frozenset(order[:left])
    return [floor + (index in lucky) for index, floor in enumerate(floors)]


_ROUND = {
    RoundingScope.PER_LINE: _round_each,
    RoundingScope.PER_TAX: _round_per_tax,
    RoundingScope.PER_DOCUMENT: _round_per_document,
}
assert set(_ROUND) == set(RoundingScope)
