"""What invoicing adds to an explanation: the discounts on an amount, the cap of a credit. It still evaluates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from billing_kernel.currencies import exponent
from billing_kernel.money import Money
from billing_pricing import Explanation, InvalidExplanation, explanation_from_json
from billing_pricing.nodes import Constant, Maximum, Node

from billing_invoicing.domain.due import Charge, Exact, LineDiscount


def major(minor: int, currency: str) -> Fraction:
    """Minor units as major ones: 4900 of EUR is 49."""
    return Fraction(minor, 10 ** exponent(currency))


def discount_words(discounts: Sequence[LineDiscount], currency: str) -> str:
    """ "12.50 EUR off by SAVE25 (25 %), 10.00 EUR off by TEN"; of credits "1.00 EUR of SAVE25 (25 %) taken back"."""
    return ", ".join([_words(discount, currency) for discount in discounts])


def _words(discount: LineDiscount, currency: str) -> str:
    named = f"{discount.coupon_code} ({discount.percent} %)" if discount.percent else discount.coupon_code
    amount = Money(currency, abs(discount.amount_minor))
    return f"{amount} of {named} taken back" if discount.amount_minor < 0 else f"{amount} off by {named}"


def naming_discounts(charge: Charge, currency: str) -> Charge:
    """The charge whose explanation refers to its discounts. The tree stays: it explains the amount as priced."""
    return charge._replace(explanation=_referring(charge.explanation, "discounts", charge.discounts, currency))


def _referring(explanation: str, name: str, discounts: Sequence[LineDiscount], currency: str) -> str:
    """Reads and writes the JSON alone, not the tree in it: this is done for every discounted line of a run."""
    try:
        document: Any = json.loads(explanation)
        document["references"][name] = discount_words(discounts, currency)
    except (ValueError, KeyError, TypeError):
        return explanation
    return _encode(document)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def capped(charge: Charge, left_minor: int, currency: str) -> Charge:
    """The credit, cut to what is left of the line that it repairs, and explained so; within the cap as it is."""
    if -charge.amount_minor <= left_minor:
        return charge
    least = Constant(-major(left_minor, currency), f"{currency}, what is left of the line")
    priced = Constant(Fraction(int(charge.exact.numerator), int(charge.exact.denominator)), currency)
    explanation = _explanation(charge.explanation, priced, currency)
    cut = replace(explanation, tree=Maximum((explanation.tree, least)))
    value = cut.exact.value
    return charge._replace(
        amount_minor=-left_minor,
        exact=Exact(str(value.numerator), str(value.denominator)),
        explanation=cut.to_json(),
    )


def _explanation(text: str, otherwise: Node, currency: str) -> Explanation:
    try:
        return explanation_from_json(text)
    except InvalidExplanation:
        return Explanation(otherwise, currency)


def references_of(text: str) -> Mapping[str, str]:
    """The references of an explanation; none where it cannot be read."""
    try:
        return explanation_from_json(text).references
    except InvalidExplanation:
        return {}


def root_of(text: str, amount: Money, label: str) -> Node:
    """The rounded root of an explanation; the amount alone where it cannot be read or says something else."""
    alone = Constant(amount.exact().value, label)
    try:
        found = explanation_from_json(text)
    except InvalidExplanation:
        return alone
    return found.root if found.rounded == amount else alone
