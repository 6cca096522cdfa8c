"""Explanations for people: one sentence, or one indented line a node."""

from billing_kernel.money import ExactAmount, Money, round_amount

from billing_pricing.evaluate import evaluate
from billing_pricing.nodes import Add, Ceiling, Constant, InTier, Maximum, Multiply, Node, Round
from billing_pricing.numbers import number_text

_INDENT = "  "


def sentence(root: Round) -> str:
    """ "10 units × 5 EUR per unit = 50.00 EUR"; names the rounding where it changed anything."""
    money = _rounded(root)
    if evaluate(root.of) == money.exact().value:
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
        case _:
            return f"{type(node).__name__.lower()} = {number_text(evaluate(node))}"


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Constant():
            return ()
        case Add(parts=parts) | Multiply(parts=parts) | Maximum(parts=parts):
            return parts
        case Ceiling(of=of) | InTier(of=of) | Round(of=of):
            return (of,)


def _phrase(node: Node) -> str:
    match node:
        case Constant(value=value, label=label):
            return f"{number_text(value)} {label}"
        case Add(parts=parts):
            return "; ".join(map(_phrase, parts)) if isinstance(parts[0], InTier) else _sum(parts)
        case Multiply(parts=(Constant(value=-1, label=label), of)):
            return f"-{_phrase(of)} {label}"
        case Multiply(parts=parts):
            return " × ".join(f"({_phrase(part)})" if isinstance(part, Add) else _phrase(part) for part in parts)
        case Maximum(parts=parts):
            return f"the larger of {' and '.join(f'({_phrase(part)})' for part in parts)}"
        case Ceiling(of=of):
            return f"{number_text(evaluate(node))} (rounded up from {_phrase(of)})"
        case InTier(of=of):
            return f"{_tier_words(node)}: {_phrase(of)}"
        case Round(of=of):
            return f"{_rounded(node)} ({_phrase(of)})"


def _sum(parts: tuple[Node, ...]) -> str:
    first, *others = map(_phrase, parts)
    return first + "".join(f" - {other[1:]}" if other.startswith("-") else f" + {other}" for other in others)


def _tier_words(tier: InTier) -> str:
    above = f"above {number_text(tier.above)}" if tier.number > 1 else ""
    up_to = f"up to {number_text(tier.up_to)}" if tier.up_to is not None else ""
    bounds = " ".join(filter(None, (above, up_to)))
    return f"tier {tier.number} ({bounds or 'all'})"


def _rounded(node: Round) -> Money:
    return round_amount(ExactAmount(node.currency, evaluate(node.of)), node.rounding)


def _rounding_words(node: Round) -> str:
    return node.rounding.value.lower().replace("_", " ")
