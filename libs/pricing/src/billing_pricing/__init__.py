"""Price models: quantity in, rated amount with its explanation out. Pure."""

from billing_pricing.evaluate import evaluate
from billing_pricing.explanation import Explanation, InvalidExplanation, explanation_from_json, verify
from billing_pricing.models import Flat, Graduated, Model, Package, PerUnit, Volume
from billing_pricing.models_json import model_from_json, model_to_json, model_to_object
from billing_pricing.rating import Rated, Slice, explain, progressive, rate
from billing_pricing.tiers import InvalidPriceModel, Tier

__all__ = [
    "Explanation",
    "Flat",
    "Graduated",
    "InvalidExplanation",
    "InvalidPriceModel",
    "Model",
    "Package",
    "PerUnit",
    "Rated",
    "Slice",
    "Tier",
    "Volume",
    "evaluate",
    "explain",
    "explanation_from_json",
    "model_from_json",
    "model_to_json",
    "model_to_object",
    "progressive",
    "rate",
    "verify",
]
