"""Fields of a price's JSON, read strictly: what is wrong is refused by field and rule."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from billing_kernel.decimals import InvalidDecimal, format_decimal, parse_decimal
from billing_kernel.errors import Violation

from billing_pricing.strict_json import JsonObject
from billing_pricing.tiers import AMOUNT_PLACES, QUANTITY_PLACES, InvalidPriceModel


def only(fields: Mapping[str, object], path: str, known: set[str]) -> None:
    """Refuses names that are not `known`."""
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise refused(f"{path}{unknown[0][:64]}", f"is unknown; known are {', '.join(sorted(known))}", "field.unknown")


def amount(fields: Mapping[str, object], name: str, path: str = "", default: str | None = None) -> Fraction:
    """A decimal text with at most 12 fractional digits."""
    return _decimal(fields.get(name, default), path + name, AMOUNT_PLACES)


def quantity(fields: Mapping[str, object], name: str, path: str = "", default: str | None = None) -> Fraction:
    """A decimal text with at most 18 fractional digits."""
    return _decimal(fields.get(name, default), path + name, QUANTITY_PLACES)


def optional_amount(fields: Mapping[str, object], name: str, path: str = "") -> Fraction | None:
    """None when it is left out or null."""
    return None if fields.get(name) is None else amount(fields, name, path)


def optional_quantity(fields: Mapping[str, object], name: str, path: str = "") -> Fraction | None:
    """None when it is left out or null."""
    return None if fields.get(name) is None else quantity(fields, name, path)


def optional_whole(fields: Mapping[str, object], name: str, path: str = "") -> int | None:
    """A JSON integer; None when it is left out or null."""
    found = fields.get(name)
    if found is not None and type(found) is not int:
        raise refused(path + name, "must be a whole number", "type")
    return found


def flag(fields: Mapping[str, object], name: str, path: str = "", *, default: bool = False) -> bool:
    found = fields.get(name, default)
    if not isinstance(found, bool):
        raise refused(path + name, "must be true or false", "type")
    return found


def text(fields: Mapping[str, object], name: str, path: str = "", default: str | None = None) -> str:
    found = fields.get(name, default)
    if not isinstance(found, str):
        raise refused(path + name, "must be a text", "type")
    return found


def instant(fields: Mapping[str, object], name: str, path: str = "") -> datetime:
    """A date and time with its offset, as of RFC 3339."""
    try:
        found = datetime.fromisoformat(text(fields, name, path))
    except ValueError as error:
        raise refused(path + name, "must be a date and time with an offset", "time.form") from error
    if found.tzinfo is None:
        raise refused(path + name, "must be a date and time with an offset", "time.form")
    return found


def message(found: object, path: str) -> JsonObject:
    if not isinstance(found, dict):
        raise refused(path, "must be an object", "type")
    return found


def entries(
    fields: Mapping[str, object], name: str, most: int, rule: str, *, least: int = 1, path: str = ""
) -> list[object]:
    """A list of `least` to `most` entries."""
    found = fields.get(name, [])
    if not isinstance(found, list) or not least <= len(found) <= most:
        raise refused(path + name, f"needs {least} to {most} {name}", rule)
    return found


def number(value: Fraction) -> str:
    """Its shortest text."""
    return format_decimal(value, QUANTITY_PLACES)


def optional_number(value: Fraction | None) -> str | None:
    return None if value is None else number(value)


def refused(field: str, description: str, rule: str) -> InvalidPriceModel:
    return InvalidPriceModel(f"{field}: {description}", violations=[Violation(field, description, rule)])


def _decimal(found: object, field: str, places: int) -> Fraction:
    if not isinstance(found, str):
        raise refused(field, "must be a decimal number as text", "type")
    try:
        return parse_decimal(found, max_fraction=places)
    except InvalidDecimal as error:
        raise refused(field, error.message, "number.form") from error
