"""Nodes <-> JSON objects: {"node": "add", "parts": [...]}. Numbers are exact texts: "12.5", "1/3"."""

from fractions import Fraction

from billing_kernel.currencies import EXPONENTS
from billing_kernel.decimals import InvalidDecimal
from billing_kernel.errors import DomainError
from billing_kernel.rounding import Rounding

from billing_pricing.nodes import Add, Ceiling, Constant, InTier, Maximum, Multiply, Node, Round
from billing_pricing.numbers import number_from_text, number_text
from billing_pricing.strict_json import JsonObject

DEPTH_MAX = 64
_LISTS: dict[str, type[Add] | type[Multiply] | type[Maximum]] = {"add": Add, "multiply": Multiply, "maximum": Maximum}
_NAMES = {kind: name for name, kind in _LISTS.items()}
_FIELDS = {
    "constant": {"value", "label"},
    "add": {"parts"},
    "multiply": {"parts"},
    "maximum": {"parts"},
    "ceiling": {"of"},
    "tier": {"number", "above", "up_to", "of"},
    "round": {"currency", "rounding", "of"},
}


def node_to_json(node: Node) -> JsonObject:
    match node:
        case Constant(value=value, label=label):
            return {"node": "constant", "value": number_text(value), "label": label}
        case Add(parts=parts) | Multiply(parts=parts) | Maximum(parts=parts):
            return {"node": _NAMES[type(node)], "parts": [node_to_json(part) for part in parts]}
        case Ceiling(of=of):
            return {"node": "ceiling", "of": node_to_json(of)}
        case InTier(number=number, above=above, up_to=up_to, of=of):
            bounds = {"above": number_text(above), "up_to": None if up_to is None else number_text(up_to)}
            return {"node": "tier", "number": number, **bounds, "of": node_to_json(of)}
        case Round(of=of, currency=currency, rounding=rounding):
            return {"node": "round", "currency": currency, "rounding": rounding.value, "of": node_to_json(of)}


def node_from_json(found: object, refusal: type[DomainError], depth: int = 0) -> Node:
    """The inverse of node_to_json, strict about names, types and depth. Raises `refusal`."""
    kind = found.get("node") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(kind, str) or found.keys() - {"node"} != _FIELDS.get(kind):
        raise refusal(f"{kind!r} is not a node with exactly its own fields")
    if depth > DEPTH_MAX:
        raise refusal(f"nodes are nested deeper than {DEPTH_MAX}")
    try:
        return _node(kind, found, refusal, depth + 1)
    except (InvalidDecimal, ValueError, TypeError) as error:
        raise refusal(f"a {kind} node has a field of the wrong form") from error


def _node(kind: str, found: JsonObject, refusal: type[DomainError], depth: int) -> Node:
    if kind == "constant":
        return Constant(number_from_text(_text(found["value"])), _text(found["label"]))
    if kind in _LISTS:
        parts = found["parts"]
        if not isinstance(parts, list) or not parts:
            raise ValueError("parts are a list of at least one")
        return _LISTS[kind](tuple(node_from_json(part, refusal, depth) for part in parts))
    of = node_from_json(found["of"], refusal, depth)
    if kind == "ceiling":
        return Ceiling(of)
    return _tier(found, of) if kind == "tier" else _round(found, of)


def _tier(found: JsonObject, of: Node) -> InTier:
    number = found["number"]
    if type(number) is not int or number < 1:
        raise ValueError("tiers are numbered from 1")
    up_to: Fraction | None = None if found["up_to"] is None else number_from_text(_text(found["up_to"]))
    return InTier(number, number_from_text(_text(found["above"])), up_to, of)


def _round(found: JsonObject, of: Node) -> Round:
    currency = _text(found["currency"])
    if currency not in EXPONENTS:
        raise ValueError("not a currency")
    return Round(of, currency, Rounding(_text(found["rounding"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
