"""Price models: usage in, rated amount with its explanation out. Pure."""

from billing_pricing.adjustments import (
    Adjustments,
    Commitment,
    DatedRate,
    NoPricingUnitRate,
    PricingUnit,
    RoundingPolicy,
    Window,
)
from billing_pricing.components import Component
from billing_pricing.evaluate import evaluate
from billing_pricing.events import Cell, Dynamic, Matrix
from billing_pricing.explanation import Explanation, InvalidExplanation, explanation_from_json, referring, verify
from billing_pricing.models import Flat, Graduated, GraduatedPercentage, Model, Package, PerUnit, Volume
from billing_pricing.models_json import (
    model_from_json,
    model_to_json,
    model_to_object,
    price_from_json,
    price_to_json,
    price_to_object,
)
from billing_pricing.percentage import Percentage
from billing_pricing.price import Price, PriceModel
from billing_pricing.rate_price import RatedPrice, explain, rate_price
from billing_pricing.rating import Rated, Slice, progressive, rate
from billing_pricing.tiers import InvalidPriceModel, PercentageTier, Tier
from billing_pricing.time_weighted import TimeWeighted
from billing_pricing.totals import Share
from billing_pricing.true_up import TrueUp, minimum_true_up, true_up
from billing_pricing.usage import Event, InvalidUsage, Measure, NoMatrixCell, Usage

__all__ = [
    "Adjustments",
    "Cell",
    "Commitment",
    "Component",
    "DatedRate",
    "Dynamic",
    "Event",
    "Explanation",
    "Flat",
    "Graduated",
    "GraduatedPercentage",
    "InvalidExplanation",
    "InvalidPriceModel",
    "InvalidUsage",
    "Matrix",
    "Measure",
    "Model",
    "NoMatrixCell",
    "NoPricingUnitRate",
    "Package",
    "PerUnit",
    "Percentage",
    "PercentageTier",
    "Price",
    "PriceModel",
    "PricingUnit",
    "Rated",
    "RatedPrice",
    "RoundingPolicy",
    "Share",
    "Slice",
    "Tier",
    "TimeWeighted",
    "TrueUp",
    "Usage",
    "Volume",
    "Window",
    "evaluate",
    "explain",
    "explanation_from_json",
    "minimum_true_up",
    "model_from_json",
    "model_to_json",
    "model_to_object",
    "price_from_json",
    "price_to_json",
    "price_to_object",
    "progressive",
    "rate",
    "rate_price",
    "referring",
    "true_up",
    "verify",
]
