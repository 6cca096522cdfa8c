"""Prices <-> JSON, the one form in protos, events and storage.

{"model": "flat", "amount": "49"}
{"model": "per_unit", "unit_amount": "0.0002"}
{"model": "graduated" | "volume" | "time_weighted", "first_tier_flat_at_zero": true,
 "tiers": [{"up_to": "10", "unit_amount": "5", "flat_amount": "2"},
           {"up_to": null, "unit_amount": "4", "flat_amount": "0"}]}
{"model": "package", "size": "10", "package_amount": "15", "free_units": "0"}
{"model": "percentage", "rate_percent": "2.9", "fixed_amount": "0.3", "free_events": 3, "free_volume": "250",
 "event_minimum": "1", "event_maximum": "12"}
{"model": "graduated_percentage", "first_tier_flat_at_zero": true,
 "tiers": [{"up_to": null, "rate_percent": "1", "flat_amount": "200"}]}
{"model": "dynamic", "multiplier": "1"}
{"model": "matrix", "dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "2"}],
 "default_unit_amount": "3"}

Amounts are decimal texts in major units. When read, what has a default may be left out: `flat_amount`, `free_units`,
`fixed_amount` ("0"), `multiplier` ("1"), `first_tier_flat_at_zero` (true), the limits and bounds of a percentage and
the default of a matrix (null: none). Every model takes "adjustments", left out where there are none: see
adjustments_json.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

from billing_pricing.adjustments import Adjustments
from billing_pricing.adjustments_json import adjustments_from_object, adjustments_to_object
from billing_pricing.events import CELLS_MAX, DIMENSIONS_MAX, Cell, Dynamic, Matrix
from billing_pricing.json_fields import (
    amount,
    entries,
    flag,
    message,
    number,
    only,
    optional_amount,
    optional_number,
    optional_quantity,
    optional_whole,
    quantity,
    refused,
)
from billing_pricing.models import Flat, Graduated, GraduatedPercentage, Model, Package, PerUnit, Volume
from billing_pricing.percentage import Percentage
from billing_pricing.price import Price, PriceModel
from billing_pricing.strict_json import JsonObject, canonical_text, parse_object
from billing_pricing.tiers import TIERS_MAX, InvalidPriceModel, PercentageTier, Tier
from billing_pricing.time_weighted import TimeWeighted

BYTES_MAX = 256 * 1024
ADJUSTMENTS = "adjustments"


def price_to_object(price: Price) -> JsonObject:
    """The JSON object of `price`: every field of the model, of the adjustments what changes something."""
    adjusted = adjustments_to_object(price.adjustments)
    return {**model_to_object(price.model), **({ADJUSTMENTS: adjusted} if adjusted else {})}


def price_to_json(price: Price) -> str:
    """Canonical text: sorted names, no spaces. Equal prices give equal bytes."""
    return canonical_text(price_to_object(price))


def price_from_json(found: str | Mapping[str, object]) -> Price:
    """Reads JSON text, or an object already parsed. Strict: unknown fields, numbers that are not text, holes between
    tiers and the like are refused with InvalidPriceModel, whose violations name the field and the rule."""
    fields = parse_object(found, BYTES_MAX, InvalidPriceModel) if isinstance(found, str) else dict(found)
    adjusted = fields.pop(ADJUSTMENTS, None)
    model = _model_from_object(fields)
    return Price(model, Adjustments() if adjusted is None else adjustments_from_object(message(adjusted, ADJUSTMENTS)))


def model_to_json(model: PriceModel) -> str:
    """Canonical text: sorted names, no spaces. Equal models give equal bytes."""
    return canonical_text(model_to_object(model))


def model_from_json(found: str | Mapping[str, object]) -> Model:
    """As price_from_json, of a model that takes a quantity, without adjustments."""
    fields = parse_object(found, BYTES_MAX, InvalidPriceModel) if isinstance(found, str) else dict(found)
    model = _model_from_object(fields)
    if not isinstance(model, Model):
        raise refused("model", "must be one that takes a quantity", "model.measure")
    return model


def model_to_object(model: PriceModel) -> JsonObject:
    """The JSON object of `model`, every field present."""
    match model:
        case Flat():
            return {"model": "flat", "amount": number(model.amount)}
        case PerUnit():
            return {"model": "per_unit", "unit_amount": number(model.unit_amount)}
        case Package():
            fields = {"size": model.size, "package_amount": model.package_amount, "free_units": model.free_units}
            return {"model": "package", **{name: number(value) for name, value in fields.items()}}
        case Percentage():
            return _percentage_to_object(model)
        case Dynamic():
            return {"model": "dynamic", "multiplier": number(model.multiplier)}
        case Matrix():
            return _matrix_to_object(model)
        case _:
            tiers = [_tier_to_object(tier) for tier in model.tiers]
            return {
                "model": _TIERED[type(model)],
                "first_tier_flat_at_zero": model.first_tier_flat_at_zero,
                "tiers": tiers,
            }


def _percentage_to_object(model: Percentage) -> JsonObject:
    return {
        "model": "percentage",
        "rate_percent": number(model.rate_percent),
        "fixed_amount": number(model.fixed_amount),
        "free_events": model.free_events,
        "free_volume": optional_number(model.free_volume),
        "event_minimum": optional_number(model.event_minimum),
        "event_maximum": optional_number(model.event_maximum),
    }


def _matrix_to_object(model: Matrix) -> JsonObject:
    cells = [{"values": list(cell.values), "unit_amount": number(cell.unit_amount)} for cell in model.cells]
    default = optional_number(model.default_unit_amount)
    return {"model": "matrix", "dimensions": list(model.dimensions), "cells": cells, "default_unit_amount": default}


def _tier_to_object(tier: Tier | PercentageTier) -> JsonObject:
    up_to = optional_number(tier.up_to)
    if isinstance(tier, Tier):
        return {"up_to": up_to, "unit_amount": number(tier.unit_amount), "flat_amount": number(tier.flat_amount)}
    return {"up_to": up_to, "rate_percent": number(tier.rate_percent), "flat_amount": number(tier.flat_amount)}


def _model_from_object(fields: JsonObject) -> PriceModel:
    kind = fields.pop("model", None)
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise refused("model", f"must be one of {', '.join(READERS)}", "model.unknown")
    return read(fields)


def _read_flat(fields: JsonObject) -> PriceModel:
    only(fields, "", {"amount"})
    return Flat(amount(fields, "amount"))


def _read_per_unit(fields: JsonObject) -> PriceModel:
    only(fields, "", {"unit_amount"})
    return PerUnit(amount(fields, "unit_amount"))


def _read_package(fields: JsonObject) -> PriceModel:
    only(fields, "", {"size", "package_amount", "free_units"})
    free = quantity(fields, "free_units", default="0")
    return Package(quantity(fields, "size"), amount(fields, "package_amount"), free)


def _read_percentage(fields: JsonObject) -> PriceModel:
    limits = {"free_events", "free_volume", "event_minimum", "event_maximum"}
    only(fields, "", {"rate_percent", "fixed_amount"} | limits)
    return Percentage(
        amount(fields, "rate_percent"),
        amount(fields, "fixed_amount", default="0"),
        optional_whole(fields, "free_events"),
        optional_quantity(fields, "free_volume"),
        optional_amount(fields, "event_minimum"),
        optional_amount(fields, "event_maximum"),
    )


def _read_dynamic(fields: JsonObject) -> PriceModel:
    only(fields, "", {"multiplier"})
    return Dynamic(amount(fields, "multiplier", default="1"))


def _read_matrix(fields: JsonObject) -> PriceModel:
    only(fields, "", {"dimensions", "cells", "default_unit_amount"})
    dimensions = _texts(entries(fields, "dimensions", DIMENSIONS_MAX, "dimensions.count"), "dimensions")
    cells = entries(fields, "cells", CELLS_MAX, "cells.count", least=0)
    default = optional_amount(fields, "default_unit_amount")
    return Matrix(dimensions, tuple(_cell(cell, f"cells[{index}].") for index, cell in enumerate(cells)), default)


def _cell(found: object, path: str) -> Cell:
    fields = message(found, path[:-1])
    only(fields, path, {"values", "unit_amount"})
    values = entries(fields, "values", DIMENSIONS_MAX, "cells.values", path=path)
    return Cell(_texts(values, f"{path}values"), amount(fields, "unit_amount", path))


def _texts(found: list[object], path: str) -> tuple[str, ...]:
    texts = tuple(value for value in found if isinstance(value, str))
    if len(texts) < len(found):
        raise refused(path, "must be texts", "type")
    return texts


def _read_graduated(fields: JsonObject) -> PriceModel:
    return Graduated(*_read_tiers(fields))


def _read_volume(fields: JsonObject) -> PriceModel:
    return Volume(*_read_tiers(fields))


def _read_time_weighted(fields: JsonObject) -> PriceModel:
    return TimeWeighted(*_read_tiers(fields))


def _read_graduated_percentage(fields: JsonObject) -> PriceModel:
    found, at_zero = _read_tiered(fields)
    return GraduatedPercentage(
        tuple(PercentageTier(*_tier(tier, path, "rate_percent")) for path, tier in found), at_zero
    )


READERS: dict[str, Callable[[JsonObject], PriceModel]] = {
    "flat": _read_flat,
    "per_unit": _read_per_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "package": _read_package,
    "percentage": _read_percentage,
    "graduated_percentage": _read_graduated_percentage,
    "dynamic": _read_dynamic,
    "matrix": _read_matrix,
    "time_weighted": _read_time_weighted,
}
_TIERED: dict[type[PriceModel], str] = {
    Graduated: "graduated",
    Volume: "volume",
    GraduatedPercentage: "graduated_percentage",
    TimeWeighted: "time_weighted",
}


def _read_tiers(fields: JsonObject) -> tuple[tuple[Tier, ...], bool]:
    found, at_zero = _read_tiered(fields)
    return tuple(Tier(*_tier(tier, path, "unit_amount")) for path, tier in found), at_zero


def _read_tiered(fields: JsonObject) -> tuple[list[tuple[str, object]], bool]:
    """Each tier with its path, and whether the first flat amount is due at zero."""
    only(fields, "", {"tiers", "first_tier_flat_at_zero"})
    at_zero = flag(fields, "first_tier_flat_at_zero", default=True)
    tiers = entries(fields, "tiers", TIERS_MAX, "tiers.count")
    return [(f"tiers[{index}].", tier) for index, tier in enumerate(tiers)], at_zero


def _tier(found: object, path: str, price: str) -> tuple[Fraction | None, Fraction, Fraction]:
    """Bound, price and flat amount of a tier."""
    tier = message(found, path[:-1])
    only(tier, path, {"up_to", price, "flat_amount"})
    if "up_to" not in tier:
        raise refused(f"{path}up_to", "is required; null in the last tier", "required")
    return optional_quantity(tier, "up_to", path), amount(tier, price, path), amount(tier, "flat_amount", path, "0")
