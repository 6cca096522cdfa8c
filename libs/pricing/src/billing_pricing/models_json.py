"""Price models <-> JSON, the one form in protos, events and storage.

{"model": "flat", "amount": "49"}
{"model": "per_unit", "unit_amount": "0.0002"}
{"model": "graduated" | "volume", "first_tier_flat_at_zero": true,
 "tiers": [{"up_to": "10", "unit_amount": "5", "flat_amount": "2"},
           {"up_to": null, "unit_amount": "4", "flat_amount": "0"}]}
{"model": "package", "size": "10", "package_amount": "15", "free_units": "0"}

Amounts are decimal texts in major units. When read, `flat_amount` and `free_units` ("0") and
`first_tier_flat_at_zero` (true) may be left out.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

from billing_kernel.decimals import InvalidDecimal, format_decimal, parse_decimal
from billing_kernel.errors import Violation

from billing_pricing.models import Flat, Graduated, Model, Package, PerUnit, Volume
from billing_pricing.strict_json import JsonObject, canonical_text, parse_object
from billing_pricing.tiers import AMOUNT_PLACES, QUANTITY_PLACES, TIERS_MAX, InvalidPriceModel, Tier

BYTES_MAX = 64 * 1024


def model_to_object(model: Model) -> JsonObject:
    """The JSON object of `model`, every field present."""
    match model:
        case Flat(amount=amount):
            return {"model": "flat", "amount": _number(amount)}
        case PerUnit(unit_amount=amount):
            return {"model": "per_unit", "unit_amount": _number(amount)}
        case Package(size=size, package_amount=amount, free_units=free):
            fields = {"size": size, "package_amount": amount, "free_units": free}
            return {"model": "package", **{name: _number(value) for name, value in fields.items()}}
        case Graduated() | Volume():
            name = "graduated" if isinstance(model, Graduated) else "volume"
            tiers = [_tier_to_object(tier) for tier in model.tiers]
            return {"model": name, "first_tier_flat_at_zero": model.first_tier_flat_at_zero, "tiers": tiers}


def model_to_json(model: Model) -> str:
    """Canonical text: sorted names, no spaces. Equal models give equal bytes."""
    return canonical_text(model_to_object(model))


def model_from_json(found: str | Mapping[str, object]) -> Model:
    """Reads JSON text, or an object already parsed. Strict: unknown fields, numbers that are not text, holes between
    tiers and the like are refused with InvalidPriceModel, whose violations name the field and the rule."""
    fields = parse_object(found, BYTES_MAX, InvalidPriceModel) if isinstance(found, str) else dict(found)
    kind = fields.pop("model", None)
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise _refused("model", f"must be one of {', '.join(_READERS)}", "model.unknown")
    return read(fields)


def _read_flat(fields: JsonObject) -> Model:
    _only(fields, "", {"amount"})
    return Flat(_amount(fields, "amount"))


def _read_per_unit(fields: JsonObject) -> Model:
    _only(fields, "", {"unit_amount"})
    return PerUnit(_amount(fields, "unit_amount"))


def _read_package(fields: JsonObject) -> Model:
    _only(fields, "", {"size", "package_amount", "free_units"})
    free = _quantity(fields, "free_units", default="0")
    return Package(_quantity(fields, "size"), _amount(fields, "package_amount"), free)


def _read_graduated(fields: JsonObject) -> Model:
    return Graduated(*_read_tiered(fields))


def _read_volume(fields: JsonObject) -> Model:
    return Volume(*_read_tiered(fields))


_READERS: dict[str, Callable[[JsonObject], Model]] = {
    "flat": _read_flat,
    "per_unit": _read_per_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "package": _read_package,
}


def _read_tiered(fields: JsonObject) -> tuple[tuple[Tier, ...], bool]:
    _only(fields, "", {"tiers", "first_tier_flat_at_zero"})
    at_zero = fields.get("first_tier_flat_at_zero", True)
    if not isinstance(at_zero, bool):
        raise _refused("first_tier_flat_at_zero", "must be true or false", "type")
    tiers = fields.get("tiers")
    if not isinstance(tiers, list) or not 1 <= len(tiers) <= TIERS_MAX:
        raise _refused("tiers", f"needs 1 to {TIERS_MAX} tiers", "tiers.count")
    return tuple(_tier_from_object(index, tier) for index, tier in enumerate(tiers)), at_zero


def _tier_from_object(index: int, found: object) -> Tier:
    path = f"tiers[{index}]."
    if not isinstance(found, dict):
        raise _refused(path[:-1], "must be an object", "type")
    _only(found, path, {"up_to", "unit_amount", "flat_amount"})
    if "up_to" not in found:
        raise _refused(f"{path}up_to", "is required; null in the last tier", "required")
    up_to = None if found["up_to"] is None else _quantity(found, "up_to", path)
    return Tier(up_to, _amount(found, "unit_amount", path), _amount(found, "flat_amount", path, default="0"))


def _tier_to_object(tier: Tier) -> JsonObject:
    up_to = None if tier.up_to is None else _number(tier.up_to)
    return {"up_to": up_to, "unit_amount": _number(tier.unit_amount), "flat_amount": _number(tier.flat_amount)}


def _only(fields: JsonObject, path: str, known: set[str]) -> None:
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise _refused(f"{path}{unknown[0][:64]}", f"is unknown; known are {', '.join(sorted(known))}", "field.unknown")


def _amount(fields: JsonObject, name: str, path: str = "", default: str | None = None) -> Fraction:
    return _decimal(fields.get(name, default), path + name, AMOUNT_PLACES)


def _quantity(fields: JsonObject, name: str, path: str = "", default: str | None = None) -> Fraction:
    return _decimal(fields.get(name, default), path + name, QUANTITY_PLACES)


def _decimal(text: object, field: str, places: int) -> Fraction:
    if not isinstance(text, str):
        raise _refused(field, "must be a decimal number as text", "type")
    try:
        return parse_decimal(text, max_fraction=places)
    except InvalidDecimal as error:
        raise _refused(field, error.message, "number.form") from error


def _number(value: Fraction) -> str:
    return format_decimal(value, QUANTITY_PLACES)


def _refused(field: str, description: str, rule: str) -> InvalidPriceModel:
    return InvalidPriceModel(f"{field}: {description}", violations=[Violation(field, description, rule)])
