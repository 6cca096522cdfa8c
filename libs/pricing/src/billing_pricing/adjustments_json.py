"""Adjustments <-> JSON. What changes nothing is left out.

{"free_units": "10", "minimum_amount": "5", "maximum_amount": "100", "discount_percent": "20",
 "discount_after_maximum": true,
 "commitment": {"amount": "100" | "quantity": "50", "overage_factor": "1.5", "true_up": true,
                "window": "period" | "hour" | "day" | "month"},
 "pricing_unit": {"code": "token", "rates": [{"from_time": "2025-01-01T00:00:00Z", "amount": "0.01"}]},
 "rounding": {"mode": "half_up" | "half_even" | "up" | "down", "places": 4, "deferred": true}}
"""

from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from typing import TypeVar

from billing_kernel.rounding import Rounding

from billing_pricing import json_fields as fields_of
from billing_pricing.adjustments import (
    RATES_MAX,
    Adjustments,
    Commitment,
    DatedRate,
    PricingUnit,
    RoundingPolicy,
    Window,
)
from billing_pricing.strict_json import JsonObject
from billing_pricing.usage import ONE

PATH = "adjustments."
_KNOWN = {
    "free_units",
    "minimum_amount",
    "maximum_amount",
    "discount_percent",
    "discount_after_maximum",
    "commitment",
    "pricing_unit",
    "rounding",
}
_Choice = TypeVar("_Choice", bound=StrEnum)


def adjustments_from_object(found: Mapping[str, object]) -> Adjustments:
    """Strict about names, types and numbers. Raises InvalidPriceModel."""
    fields_of.only(found, PATH, _KNOWN)
    commitment, unit, rounding = (found.get(name) for name in ("commitment", "pricing_unit", "rounding"))
    return Adjustments(
        free_units=fields_of.quantity(found, "free_units", PATH, default="0"),
        minimum=fields_of.optional_amount(found, "minimum_amount", PATH),
        maximum=fields_of.optional_amount(found, "maximum_amount", PATH),
        discount_percent=fields_of.amount(found, "discount_percent", PATH, default="0"),
        discount_after_maximum=fields_of.flag(found, "discount_after_maximum", PATH),
        commitment=None if commitment is None else _commitment(commitment),
        unit=None if unit is None else _unit(unit),
        rounding=RoundingPolicy() if rounding is None else _rounding(rounding),
    )


def adjustments_to_object(adjustments: Adjustments) -> JsonObject:
    """Empty when nothing is adjusted."""
    commitment, unit = adjustments.commitment, adjustments.unit
    found: JsonObject = {
        "free_units": fields_of.number(adjustments.free_units) if adjustments.free_units else None,
        "minimum_amount": fields_of.optional_number(adjustments.minimum),
        "maximum_amount": fields_of.optional_number(adjustments.maximum),
        "discount_percent": fields_of.number(adjustments.discount_percent) if adjustments.discount_percent else None,
        "discount_after_maximum": adjustments.discount_after_maximum or None,
        "commitment": None if commitment is None else _commitment_to_object(commitment),
        "pricing_unit": None if unit is None else _unit_to_object(unit),
        "rounding": _rounding_to_object(adjustments.rounding) or None,
    }
    return _given(found)


def _commitment(found: object) -> Commitment:
    path = f"{PATH}commitment."
    fields = fields_of.message(found, path[:-1])
    fields_of.only(fields, path, {"amount", "quantity", "overage_factor", "true_up", "window"})
    return Commitment(
        amount=fields_of.optional_amount(fields, "amount", path),
        quantity=fields_of.optional_quantity(fields, "quantity", path),
        overage_factor=fields_of.amount(fields, "overage_factor", path, default="1"),
        true_up=fields_of.flag(fields, "true_up", path),
        window=_choice(Window, fields, "window", path, Window.PERIOD),
    )


def _commitment_to_object(commitment: Commitment) -> JsonObject:
    return _given(
        {
            "amount": fields_of.optional_number(commitment.amount),
            "quantity": fields_of.optional_number(commitment.quantity),
            "overage_factor": None if commitment.overage_factor == ONE else fields_of.number(commitment.overage_factor),
            "true_up": commitment.true_up or None,
            "window": None if commitment.window is Window.PERIOD else commitment.window.value.lower(),
        }
    )


def _unit(found: object) -> PricingUnit:
    path = f"{PATH}pricing_unit."
    fields = fields_of.message(found, path[:-1])
    fields_of.only(fields, path, {"code", "rates"})
    rates = fields_of.entries(fields, "rates", RATES_MAX, "rates.count", path=path)
    return PricingUnit(
        fields_of.text(fields, "code", path),
        tuple(_rate(rate, f"{path}rates[{index}]") for index, rate in enumerate(rates)),
    )


def _rate(found: object, path: str) -> DatedRate:
    fields = fields_of.message(found, path)
    fields_of.only(fields, f"{path}.", {"from_time", "amount"})
    return DatedRate(fields_of.instant(fields, "from_time", f"{path}."), fields_of.amount(fields, "amount", f"{path}."))


def _unit_to_object(unit: PricingUnit) -> JsonObject:
    rates = [
        {
            "from_time": rate.start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "amount": fields_of.number(rate.amount),
        }
        for rate in unit.rates
    ]
    return {"code": unit.code, "rates": rates}


def _rounding(found: object) -> RoundingPolicy:
    path = f"{PATH}rounding."
    fields = fields_of.message(found, path[:-1])
    fields_of.only(fields, path, {"mode", "places", "deferred"})
    return RoundingPolicy(
        _choice(Rounding, fields, "mode", path, Rounding.HALF_UP),
        fields_of.optional_whole(fields, "places", path),
        fields_of.flag(fields, "deferred", path),
    )


def _rounding_to_object(policy: RoundingPolicy) -> JsonObject:
    mode = None if policy.mode is Rounding.HALF_UP else policy.mode.value.lower()
    return _given({"mode": mode, "places": policy.places, "deferred": policy.deferred or None})


def _choice(kind: type[_Choice], fields: JsonObject, name: str, path: str, default: _Choice) -> _Choice:
    """Choices are written small."""
    known = {choice.value.lower(): choice for choice in kind}
    found = known.get(fields_of.text(fields, name, path, default=default.value.lower()))
    if found is None:
        raise fields_of.refused(f"{path}{name}", f"must be one of {', '.join(known)}", "enum")
    return found


def _given(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}
