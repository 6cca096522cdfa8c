"""JSON text -> object, strictly: unique names, no NaN, bounded size; refused as the caller's error type. And back."""

import json
from typing import TypeAlias

from billing_kernel.errors import DomainError

JsonObject: TypeAlias = dict[str, object]

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def canonical_text(document: JsonObject) -> str:
    """Sorted names, no spaces: equal objects give equal bytes."""
    return _encode(document)


def parse_object(text: str, bytes_max: int, refusal: type[DomainError]) -> JsonObject:
    """The JSON object in `text`. Raises `refusal`."""
    if len(text) > bytes_max:
        raise refusal(f"the JSON text is longer than {bytes_max}")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refusal("not a JSON text with unique names") from error
    if not isinstance(found, dict):
        raise refusal("not a JSON object")
    return found


def _unique(pairs: list[tuple[str, object]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
