"""Prices as the contract's protobuf JSON spells them."""

import pytest
from billing.common.v1.price_model_pb2 import PriceModel
from billing_pricing.contract import price_from_contract, price_to_contract
from billing_pricing.models_json import price_from_json
from billing_pricing.tiers import InvalidPriceModel
from google.protobuf.json_format import MessageToDict, ParseDict

TIERS = [{"up_to": "10", "unit_amount": "5", "flat_amount": "2"}, {"unit_amount": "4.5"}]
JSON_TIERS = [{"up_to": "10", "unit_amount": "5", "flat_amount": "2"}, {"up_to": None, "unit_amount": "4.5"}]
# The contract's mapping, and the JSON form of the same price.
PRICES = [
    ({"flat": {"amount": "49"}}, {"model": "flat", "amount": "49"}),
    ({"per_unit": {"unit_amount": "0.002"}}, {"model": "per_unit", "unit_amount": "0.002"}),
    ({"graduated": {"tiers": TIERS}}, {"model": "graduated", "tiers": JSON_TIERS}),
    (
        {"volume": {"tiers": TIERS, "no_flat_at_zero": True}},
        {"model": "volume", "tiers": JSON_TIERS, "first_tier_flat_at_zero": False},
    ),
    (
        {"package": {"size": "100", "package_amount": "5", "free_units": "10"}},
        {"model": "package", "size": "100", "package_amount": "5", "free_units": "10"},
    ),
    ({"package": {"size": "1.5", "package_amount": "5"}}, {"model": "package", "size": "1.5", "package_amount": "5"}),
    ({"percentage": {"rate_percent": "2.9"}}, {"model": "percentage", "rate_percent": "2.9"}),
    (
        {
            "percentage": {
                "rate_percent": "2.9",
                "fixed_amount": "0.3",
                "free_events": "3",
                "free_volume": "250",
                "event_minimum": "1.75",
                "event_maximum": "12",
            }
        },
        {
            "model": "percentage",
            "rate_percent": "2.9",
            "fixed_amount": "0.3",
            "free_events": 3,
            "free_volume": "250",
            "event_minimum": "1.75",
            "event_maximum": "12",
        },
    ),
    (
        {"percentage": {"rate_percent": "1", "free_events": "0"}},
        {"model": "percentage", "rate_percent": "1", "free_events": 0},
    ),
    (
        {
            "graduated_percentage": {
                "tiers": [{"up_to": "10", "rate_percent": "1", "flat_amount": "200"}, {"rate_percent": "2"}]
            }
        },
        {
            "model": "graduated_percentage",
            "tiers": [{"up_to": "10", "rate_percent": "1", "flat_amount": "200"}, {"up_to": None, "rate_percent": "2"}],
        },
    ),
    ({"dynamic": {"multiplier": "1.5"}}, {"model": "dynamic", "multiplier": "1.5"}),
    (
        {
            "matrix": {
                "dimensions": ["region", "kind"],
                "cells": [{"values": ["eu", ""], "unit_amount": "2"}],
                "default_unit_amount": "3",
            }
        },
        {
            "model": "matrix",
            "dimensions": ["region", "kind"],
            "cells": [{"values": ["eu", ""], "unit_amount": "2"}],
            "default_unit_amount": "3",
        },
    ),
    (
        {"matrix": {"dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "2"}]}},
        {"model": "matrix", "dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "2"}]},
    ),
    ({"time_weighted": {"tiers": TIERS}}, {"model": "time_weighted", "tiers": JSON_TIERS}),
]
ADJUSTMENTS = [
    (
        {
            "free_units": "5",
            "minimum_amount": "10",
            "maximum_amount": "100",
            "discount_percent": "20",
            "discount_after_maximum": True,
        },
    )
    * 2,
    (
        {"commitment": {"amount": "50", "overage_factor": "1.5", "true_up": True, "window": "COMMITMENT_WINDOW_DAY"}},
        {"commitment": {"amount": "50", "overage_factor": "1.5", "true_up": True, "window": "day"}},
    ),
    ({"commitment": {"quantity": "50"}}, {"commitment": {"quantity": "50"}}),
    (
        {"pricing_unit": {"code": "token", "rates": [{"from_time": "2026-01-01T00:00:00Z", "amount": "0.01"}]}},
        {"pricing_unit": {"code": "token", "rates": [{"from_time": "2026-01-01T00:00:00Z", "amount": "0.01"}]}},
    ),
    (
        {"rounding": {"mode": "ROUNDING_MODE_HALF_EVEN", "places": 0, "deferred": True}},
        {"rounding": {"mode": "half_even", "places": 0, "deferred": True}},
    ),
    ({"rounding": {"places": 4}}, {"rounding": {"places": 4}}),
]
ADJUSTED = [
    (PRICES[1][0] | {"adjustments": contract}, PRICES[1][1] | {"adjustments": json}) for contract, json in ADJUSTMENTS
]


@pytest.mark.parametrize(("mapping", "json"), PRICES + ADJUSTED)
def test_a_price_reads_as_its_json_and_is_written_as_it_was(mapping, json):
    assert price_from_contract(mapping) == price_from_json(json)
    assert price_to_contract(price_from_json(json)) == mapping


@pytest.mark.parametrize(("mapping", "json"), PRICES + ADJUSTED)
def test_a_price_travels_as_a_message(mapping, json):
    message = ParseDict(price_to_contract(price_from_json(json)), PriceModel())
    assert price_from_contract(MessageToDict(message, preserving_proto_field_name=True)) == price_from_json(json)


def test_every_model_of_the_contract_is_here():
    models = {name for mapping, _ in PRICES for name in mapping}
    assert models == {field.name for field in PriceModel.DESCRIPTOR.oneofs_by_name["model"].fields}


def test_what_is_left_out_is_as_by_default():
    message = ParseDict({"dynamic": {}, "adjustments": {"rounding": {}}}, PriceModel())
    found = price_from_contract(MessageToDict(message, preserving_proto_field_name=True))
    assert found == price_from_json({"model": "dynamic"})


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({}, "model"),
        ({"flat": {"amount": "1"}, "per_unit": {"unit_amount": "1"}}, "model"),
        ({"adjustments": {}}, "model"),
        ({"lump": {"amount": "1"}}, "model"),
        ({"flat": "49"}, "flat"),
        ({"flat": {"amount": "1e3"}}, "amount"),
        ({"flat": {"amount": "1", "unit": "1"}}, "unit"),
        ({"graduated": {"tiers": [{"unit_amount": "1"}, {"unit_amount": "1"}]}}, "tiers[0].up_to"),
        ({"graduated": {"tiers": "many"}}, "tiers"),
        ({"graduated": {"tiers": ["one"]}}, "tiers[0]"),
        ({"percentage": {"rate_percent": "1", "free_events": "some"}}, "free_events"),
        ({"flat": {"amount": "1"}, "adjustments": "none"}, "adjustments"),
        ({"flat": {"amount": "1"}, "adjustments": {"commitment": "all"}}, "adjustments.commitment"),
        (
            {"flat": {"amount": "1"}, "adjustments": {"commitment": {"amount": "1", "window": "COMMITMENT_WINDOW_X"}}},
            "adjustments.commitment.window",
        ),
        ({"flat": {"amount": "1"}, "adjustments": {"commitment": {"true_up": True}}}, "adjustments.commitment"),
        (
            {"flat": {"amount": "1"}, "adjustments": {"minimum_amount": "5", "maximum_amount": "4"}},
            "adjustments.minimum_amount",
        ),
    ],
)
def test_bad_prices_are_refused_by_field(mapping, field):
    with pytest.raises(InvalidPriceModel) as refused:
        price_from_contract(mapping)
    assert refused.value.violations[0].field == field
