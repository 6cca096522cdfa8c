"""Nodes <-> JSON objects: {"node": "add", "parts": [...]}. Numbers are exact texts: "12.5", "1/3"."""

from collections.abc import Callable
from fractions import Fraction

from billing_kernel.currencies import EXPONENTS
from billing_kernel.decimals import InvalidDecimal
from billing_kernel.errors import DomainError
from billing_kernel.rounding import Rounding

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
from billing_pricing.numbers import number_from_text, number_text
from billing_pricing.strict_json import JsonObject

DEPTH_MAX = 64
PLACES_MAX = 12
_LISTS: dict[str, type[ListNode]] = {
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
    "maximum": Maximum,
    "minimum": Minimum,
}
_NAMES = {kind: name for name, kind in _LISTS.items()}
_FIELDS = {
    "constant": {"value", "label"},
    **{name: {"parts"} for name in _LISTS},
    "ceiling": {"of"},
    "floor": {"of"},
    "tier": {"number", "above", "up_to", "of"},
    "named": {"label", "of"},
    "share": {"value", "label", "of"},
    "discount": {"percent", "of"},
    "convert": {"unit", "rate", "currency", "of"},
    "round": {"currency", "rounding", "of"},
}
_OPTIONAL = {"round": {"places"}}


def node_to_json(node: Node) -> JsonObject:
    match node:
        case Constant(value=value, label=label):
            return {"node": "constant", "value": number_text(value), "label": label}
        case Add() | Subtract() | Multiply() | Maximum() | Minimum():
            return {"node": _NAMES[type(node)], "parts": [node_to_json(part) for part in node.parts]}
        case InTier(number=number, above=above, up_to=up_to, of=of):
            bounds = {"above": number_text(above), "up_to": None if up_to is None else number_text(up_to)}
            return {"node": "tier", "number": number, **bounds, "of": node_to_json(of)}
        case Round(of=of, currency=currency, rounding=rounding, places=places):
            kept = {} if places is None else {"places": places}
            return {"node": "round", "currency": currency, "rounding": rounding.value, **kept, "of": node_to_json(of)}
        case _:
            return {**_plain_to_json(node), "of": node_to_json(node.of)}


def _plain_to_json(node: Ceiling | Floor | Named | Share | Discount | Convert) -> JsonObject:
    match node:
        case Ceiling():
            return {"node": "ceiling"}
        case Floor():
            return {"node": "floor"}
        case Named(label=label):
            return {"node": "named", "label": label}
        case Share(value=value, label=label):
            return {"node": "share", "value": number_text(value), "label": label}
        case Discount(percent=percent):
            return {"node": "discount", "percent": number_text(percent)}
        case Convert(unit=unit, rate=rate, currency=currency):
            return {"node": "convert", "unit": unit, "rate": number_text(rate), "currency": currency}


def node_from_json(found: object, refusal: type[DomainError], depth: int = 0) -> Node:
    """The inverse of node_to_json, strict about names, types and depth. Raises `refusal`."""
    kind = found.get("node") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(kind, str) or not _has_its_fields(kind, found):
        raise refusal(f"{kind!r} is not a node with exactly its own fields")
    if depth > DEPTH_MAX:
        raise refusal(f"nodes are nested deeper than {DEPTH_MAX}")
    try:
        return _node(kind, found, refusal, depth + 1)
    except (InvalidDecimal, ValueError, TypeError) as error:
        raise refusal(f"a {kind} node has a field of the wrong form") from error


def _has_its_fields(kind: str, found: JsonObject) -> bool:
    return kind in _FIELDS and found.keys() - {"node"} - _OPTIONAL.get(kind, set()) == _FIELDS[kind]


def _node(kind: str, found: JsonObject, refusal: type[DomainError], depth: int) -> Node:
    if kind == "constant":
        return Constant(_number(found["value"]), _text(found["label"]))
    if kind in _LISTS:
        parts = found["parts"]
        if not isinstance(parts, list) or not parts:
            raise ValueError("parts are a list of at least one")
        return _LISTS[kind](tuple(node_from_json(part, refusal, depth) for part in parts))
    return _WRAPPERS[kind](found, node_from_json(found["of"], refusal, depth))


def _tier(found: JsonObject, of: Node) -> InTier:
    up_to = None if found["up_to"] is None else _number(found["up_to"])
    return InTier(_whole(found["number"], 1, 1000), _number(found["above"]), up_to, of)


def _round(found: JsonObject, of: Node) -> Round:
    places = _whole(found["places"], 0, PLACES_MAX) if "places" in found else None
    return Round(of, _currency(found["currency"]), Rounding(_text(found["rounding"])), places)


def _convert(found: JsonObject, of: Node) -> Convert:
    return Convert(_text(found["unit"]), _number(found["rate"]), _currency(found["currency"]), of)


_WRAPPERS: dict[str, Callable[[JsonObject, Node], Node]] = {
    "ceiling": lambda found, of: Ceiling(of),
    "floor": lambda found, of: Floor(of),
    "tier": _tier,
    "named": lambda found, of: Named(_text(found["label"]), of),
    "share": lambda found, of: Share(_number(found["value"]), _text(found["label"]), of),
    "discount": lambda found, of: Discount(_number(found["percent"]), of),
    "convert": _convert,
    "round": _round,
}


def _currency(value: object) -> str:
    currency = _text(value)
    if currency not in EXPONENTS:
        raise ValueError("not a currency")
    return currency


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most}")
    return value


def _number(value: object) -> Fraction:
    return number_from_text(_text(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
