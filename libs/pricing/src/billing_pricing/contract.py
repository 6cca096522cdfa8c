"""Prices <-> the mapping that protobuf's JSON makes of billing.common.v1.PriceModel, with the field names of the proto.

    price_from_contract(MessageToDict(message, preserving_proto_field_name=True))
    ParseDict(price_to_contract(price), PriceModel())

The mapping is the JSON form of models_json, spelled as protobuf does: the model is a member instead of a name, empty
text is no value, whole numbers are text, enums have their prefix, and what is as by default is left out.
"""

from collections.abc import Callable, Mapping

from billing_kernel.errors import Violation

from billing_pricing.models_json import price_from_json, price_to_object
from billing_pricing.price import Price
from billing_pricing.strict_json import JsonObject
from billing_pricing.tiers import InvalidPriceModel

ADJUSTMENTS = "adjustments"
_UNSPECIFIED = "UNSPECIFIED"
# Part of the adjustments, its field that is an enum, the prefix of the names.
_ENUMS = (("commitment", "window", "COMMITMENT_WINDOW_"), ("rounding", "mode", "ROUNDING_MODE_"))
_ZERO = "0"


def price_from_contract(found: Mapping[str, object]) -> Price:
    """Raises InvalidPriceModel, whose violations name the field as the JSON form does ("tiers[1].up_to")."""
    return price_from_json(object_from_contract(found))


def object_from_contract(found: Mapping[str, object]) -> JsonObject:
    """The JSON form, its numbers unread. Raises InvalidPriceModel for what is not of this shape at all."""
    names = [name for name in found if name != ADJUSTMENTS]
    if len(names) != 1:
        raise _refused("model", "needs exactly one model")
    made: JsonObject = {"model": names[0], **_model_from(_message(found[names[0]], names[0]))}
    adjustments = _adjustments_from(_message(found.get(ADJUSTMENTS, {}), ADJUSTMENTS))
    return {**made, ADJUSTMENTS: adjustments} if adjustments else made


def price_to_contract(price: Price) -> JsonObject:
    """Numbers are in their shortest form."""
    found = price_to_object(price)
    kind, adjustments = str(found.pop("model")), found.pop(ADJUSTMENTS, None)
    made: JsonObject = {kind: _model_to(found)}
    return {**made, ADJUSTMENTS: _adjustments_to(_message(adjustments, ADJUSTMENTS))} if adjustments else made


def _model_from(found: Mapping[str, object]) -> JsonObject:
    made = _given(found)
    if made.pop("no_flat_at_zero", False):
        made["first_tier_flat_at_zero"] = False
    if "free_events" in made:
        made["free_events"] = _whole(made["free_events"], "free_events")
    if "tiers" in made:
        made["tiers"] = _each(made["tiers"], "tiers", lambda tier: {"up_to": None, **_given(tier)})
    return made


def _model_to(found: Mapping[str, object]) -> JsonObject:
    made = _given(found)
    if found.get("first_tier_flat_at_zero") is False:
        made["no_flat_at_zero"] = True
    made.pop("first_tier_flat_at_zero", None)
    for name in ("free_units", "fixed_amount"):
        if made.get(name) == _ZERO:
            del made[name]
    if "free_events" in made:
        made["free_events"] = str(made["free_events"])
    if "tiers" in made:
        made["tiers"] = _each(made["tiers"], "tiers", _tier_to)
    return made


def _tier_to(tier: Mapping[str, object]) -> JsonObject:
    return {name: value for name, value in _given(tier).items() if (name, value) != ("flat_amount", _ZERO)}


def _adjustments_from(found: Mapping[str, object]) -> JsonObject:
    made = _given(found)
    for name, field, prefix in _ENUMS:
        if name in made:
            fields = _given(_message(made[name], f"{ADJUSTMENTS}.{name}"))
            word = str(fields.get(field, _UNSPECIFIED)).removeprefix(prefix)
            others = {key: value for key, value in fields.items() if key != field}
            made[name] = others if word == _UNSPECIFIED else {**others, field: word.lower()}
    return made


def _adjustments_to(found: Mapping[str, object]) -> JsonObject:
    made = _given(found)
    for name, field, prefix in _ENUMS:
        if name in made:
            fields = _given(_message(made[name], f"{ADJUSTMENTS}.{name}"))
            made[name] = {**fields, field: prefix + str(fields[field]).upper()} if field in fields else fields
    return made


def _given(fields: Mapping[str, object]) -> JsonObject:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None and value is not False and value != ""}


def _each(found: object, field: str, make: Callable[[Mapping[str, object]], JsonObject]) -> list[JsonObject]:
    if not isinstance(found, list):
        raise _refused(field, "must be a list")
    return [make(_message(each, f"{field}[{index}]")) for index, each in enumerate(found)]


def _whole(found: object, field: str) -> int:
    try:
        return int(str(found))
    except ValueError as error:
        raise _refused(field, "must be a whole number") from error


def _message(found: object, field: str) -> Mapping[str, object]:
    if not isinstance(found, Mapping):
        raise _refused(field, "must be an object")
    return found


def _refused(field: str, description: str) -> InvalidPriceModel:
    return InvalidPriceModel(f"{field}: {description}", violations=[Violation(field, description, "type")])
