"""Explanations for people: one sentence, or one indented line a node."""

from fractions import Fraction

from billing_kernel.decimals import format_decimal
from billing_kernel.money import ExactAmount, round_amount

from billing_pricing.evaluate import evaluate
from billing_pricing.nodes import (
    Add,
    Ceiling,
    Constant,
    Convert,
    Discount,
    Floor,
    InTier,
    ListNode,
    Maximum,
    Minimum,
    Multiply,
    Named,
    Node,
    Round,
    Share,
    Subtract,
)
from billing_pricing.numbers import number_text

_INDENT = "  "


def sentence(root: Round) -> str:
    """ "10 units × 5 EUR per unit = 50.00 EUR"; names the rounding where it changed anything."""
    money = _rounded(root)
    if evaluate(root.of) == evaluate(root):
        return f"{_phrase(root.of)} = {money}"
    exact = f"{number_text(evaluate(root.of))} {root.currency}"
    return f"{_phrase(root.of)} = {exact}, rounded {_rounding_words(root)} to {money}"


def lines(node: Node, depth: int = 0) -> list[str]:
    """One line a node, children below their parent."""
    found = [f"{_INDENT * depth}{_line(node)}"]
    for child in _children(node):
        found += lines(child, depth + 1)
    return found


def _line(node: Node) -> str:
    match node:
        case Constant(value=value, label=label):
            return f"{number_text(value)} {label}"
        case Round():
            return f"{_rounded(node)} (round {_rounding_words(node)})"
        case InTier():
            return f"{_tier_words(node)} = {number_text(evaluate(node))}"
        case Named(label=label):
            return f"{label} = {number_text(evaluate(node))}"
        case Share() | Discount() | Convert():
            return f"{_factor_words(node)} = {number_text(evaluate(node))}"
        case _:
            return f"{type(node).__name__.lower()} = {number_text(evaluate(node))}"


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Constant():
            return ()
        case Add() | Subtract() | Multiply() | Maximum() | Minimum():
            return node.parts
        case _:
            return (node.of,)


def _phrase(node: Node) -> str:
    match node:
        case Constant(value=value, label=label):
            return f"{number_text(value)} {label}"
        case Add() | Subtract() | Multiply() | Maximum() | Minimum():
            return _list_phrase(node)
        case Ceiling(of=of):
            return f"{number_text(evaluate(node))} (rounded up from {_phrase(of)})"
        case Floor(of=of):
            return f"{number_text(evaluate(node))} (rounded down from {_phrase(of)})"
        case InTier(of=of):
            return f"{_tier_words(node)}: {_phrase(of)}"
        case Named(label=label, of=of):
            return f"{label}: {_phrase(of)}"
        case Share(of=of) | Discount(of=of) | Convert(of=of):
            return f"{_factor_words(node)} of ({_phrase(of)})"
        case Round(of=of):
            return f"{_rounded(node)} ({_phrase(of)})"


def _list_phrase(node: ListNode) -> str:
    match node:
        case Add(parts=parts):
            return "; ".join(map(_phrase, parts)) if isinstance(parts[0], InTier | Named) else _sum(parts)
        case Subtract(parts=parts):
            return " - ".join(f"({_phrase(part)})" if _is_sum(part) else _phrase(part) for part in parts)
        case Multiply(parts=(Constant(value=-1, label=label), of)):
            return f"-{_phrase(of)} {label}"
        case Multiply(parts=parts):
            return " × ".join(f"({_phrase(part)})" if _is_sum(part) else _phrase(part) for part in parts)
        case Maximum(parts=parts):
            return f"the larger of {' and '.join(f'({_phrase(part)})' for part in parts)}"
        case Minimum(parts=parts):
            return f"the smaller of {' and '.join(f'({_phrase(part)})' for part in parts)}"


def _is_sum(node: Node) -> bool:
    return isinstance(node, Add | Subtract)


def _sum(parts: tuple[Node, ...]) -> str:
    first, *others = map(_phrase, parts)
    return first + "".join(f" - {other[1:]}" if other.startswith("-") else f" + {other}" for other in others)


def _tier_words(tier: InTier) -> str:
    above = f"above {number_text(tier.above)}" if tier.number > 1 else ""
    up_to = f"up to {number_text(tier.up_to)}" if tier.up_to is not None else ""
    bounds = " ".join(filter(None, (above, up_to)))
    return f"tier {tier.number} ({bounds or 'all'})"


def _factor_words(node: Share | Discount | Convert) -> str:
    match node:
        case Share(value=value, label=label):
            return f"{number_text(value)} {label}"
        case Discount(percent=percent):
            return f"{number_text(100 - percent)} % left by a discount of {number_text(percent)} %"
        case Convert(unit=unit, rate=rate, currency=currency):
            return f"{number_text(rate)} {currency} per {unit}"


def _rounded(node: Round) -> str:
    """The money, with its own places where they were stated: "49.00 EUR", "49.0000 EUR"."""
    value = evaluate(node)
    money = round_amount(ExactAmount(node.currency, value), node.rounding)
    return str(money) if money.exact().value == value else f"{_places(value, node.places or 0)} {node.currency}"


def _places(value: Fraction, places: int) -> str:
    text = format_decimal(value, places)
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(places, '0')}"


def _rounding_words(node: Round) -> str:
    words = node.rounding.value.lower().replace("_", " ")
    return words if node.places is None else f"{words} at {node.places} places"
