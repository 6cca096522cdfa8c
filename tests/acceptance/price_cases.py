"""Sections A and B of the acceptance cases: a price, what was used, and what it costs. Policy in the price itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.acceptance.prices import (
    Json,
    adjusted,
    flat,
    graduated,
    graduated_percentage,
    package,
    per_unit,
    percentage,
    time_weighted,
    volume,
)


@dataclass(frozen=True, slots=True)
class PriceCase:
    """`usage`: a quantity, or events in their order. Expected: the amount as invoiced, the exact one, or parts."""

    id: str
    price: Json
    usage: str | list[Any]
    amount: str | None = None
    exact: str | None = None
    billed: str | None = None
    components: tuple[tuple[str, str], ...] = ()
    quantity: str | None = None
    currency: str = "EUR"
    interim: bool = False
    billed_events: tuple[str, ...] = ()


LAGO = graduated(("10", "10", "2"), ("20", "5", "3"), ("", "5", "3"))
OPENMETER = graduated(("5", "0", "100"), ("10", "0", "50"), ("15", "10", "0"), ("", "5", "0"))
LAGO_VOLUME = volume(("100", "2", "10"), ("200", "1", "0"), ("", "0.5", "50"))
OPENMETER_VOLUME = volume(("5", "0", "100"), ("10", "0", "150"), ("15", "10", "0"), ("", "5", "0"))
STRIPE = volume(("5", "7", "0"), ("10", "6.5", "0"), ("", "6", "0"))
METEROID = graduated(("100", "1", "0"), ("200", "0.5", "0"), ("", "0.25", "0"))
POLAR = graduated(("10", "10", "0"), ("50", "8", "0"), ("", "6", "0"))
LAGO_PERCENT = graduated_percentage(("10", "1", "200"), ("20", "2", "300"), ("", "3", "400"))
PER_EVENT = {"event_minimum": "1.75", "event_maximum": "12"}
ALLOWANCE = {"fixed_amount": "2", "free_events": "3", "free_volume": "250"}

GRADUATED = (
    PriceCase("A01", LAGO, "0", "2.00"),
    PriceCase("A01-one", LAGO, "1", "12.00"),
    PriceCase("A01-ten", LAGO, "10", "102.00"),
    PriceCase("A04", LAGO, "11", "110.00"),
    PriceCase("A04-between", LAGO, "10.5", "107.50"),
    PriceCase("A04-twenty-one", LAGO, "21", "163.00"),
    PriceCase("A10", OPENMETER, "5", "100.00"),
    PriceCase("A10-six", OPENMETER, "6", "150.00"),
    PriceCase("A13", OPENMETER, "12", "170.00"),
    PriceCase("A13-zero", OPENMETER, "0", "100.00"),
    PriceCase("A13-hundred", OPENMETER, "100", "625.00"),
    PriceCase("A16", METEROID, "150", "125.00"),
    PriceCase("A19", POLAR, "15", "140.00", currency="USD"),
)
VOLUME = (
    PriceCase("A31", STRIPE, "1", "7.00", currency="USD"),
    PriceCase("A31-five", STRIPE, "5", "35.00", currency="USD"),
    PriceCase("A31-six", STRIPE, "6", "39.00", currency="USD"),
    PriceCase("A34", STRIPE, "20", "120.00", currency="USD"),
    PriceCase("A37", LAGO_VOLUME, "1", "12.00"),
    PriceCase("A37-zero", LAGO_VOLUME, "0", "10.00"),
    PriceCase("A40", LAGO_VOLUME, "101", "101.00"),
    PriceCase("A40-between", LAGO_VOLUME, "100.5", "100.50"),
    PriceCase("A37-net-negative", LAGO_VOLUME, "-5", "0.00"),
    PriceCase("A43", OPENMETER_VOLUME, "0", "100.00"),
    PriceCase("A46", OPENMETER_VOLUME, "14", "140.00"),
    PriceCase("A49", OPENMETER_VOLUME, "100", "500.00"),
)
PACKAGES = (
    PriceCase("A52", package("10", "100", "200"), "121", "0.00"),
    PriceCase("A52-paid", package("10", "100", "100"), "121", "300.00"),
    PriceCase("A55", package("10", "15"), "10", "15.00"),
    PriceCase("A55-started", package("10", "15"), "10.1", "30.00"),
    PriceCase("A55-zero", package("10", "15"), "0", "0.00"),
)
PERCENTAGES = (
    PriceCase("A61", percentage("2.99", **PER_EVENT), ["10", "80", "10000"], exact="16.142"),
    PriceCase("A64", percentage("2.99", free_volume="30", **PER_EVENT), ["10", "80", "10000"], exact="13.794"),
    PriceCase("A64-first-reached", percentage("1.3", **ALLOWANCE), ["100", "100", "10", "500"], exact="8.5"),
    PriceCase("A67", LAGO_PERCENT, "10", "200.10"),
    PriceCase("A67-zero", LAGO_PERCENT, "0", "200.00"),
    PriceCase("A67-second", LAGO_PERCENT, "20", "500.30"),
    PriceCase("dynamic", {"dynamic": {"multiplier": "1.2"}}, ["10", "5.5"], "18.60"),
    PriceCase(
        "matrix",
        {
            "matrix": {
                "dimensions": ["cloud", "region"],
                "cells": [
                    {"values": ["aws", "eu"], "unit_amount": "2"},
                    {"values": ["aws", ""], "unit_amount": "1.5"},
                ],
                "default_unit_amount": "1",
            }
        },
        [
            {"value": "3", "dimensions": {"cloud": "aws", "region": "eu"}},
            {"value": "2", "dimensions": {"cloud": "aws", "region": "us"}},
            {"value": "4", "dimensions": {"cloud": "azure"}},
        ],
        "13.00",
    ),
    PriceCase(
        "time-weighted",
        time_weighted(("10", "10", "0"), ("", "5", "0")),
        [{"value": "10", "weight": "1"}, {"value": "10", "weight": "0.5"}],
        "125.00",
    ),
)
ADJUSTED = (
    PriceCase(
        "A70",
        per_unit("10", maximum_amount="100"),
        "5",
        "30.00",
        billed="7",
        components=(("maximum-spend discount", "-20"),),
    ),
    PriceCase("A73", per_unit("1", free_units="10"), "15", "15.00", billed="20", quantity="15"),
    PriceCase("A76", per_unit("1"), "1.996", "2.00", currency="USD"),
    PriceCase("A79", per_unit("1"), "-5", "0.00", currency="USD"),
    PriceCase("B07", adjusted(package("10", "15"), minimum_amount="100"), "0", "100.00"),
    PriceCase("discount-before-cap", per_unit("10", maximum_amount="100", discount_percent="20"), "20", "100.00"),
    PriceCase(
        "discount-after-cap",
        per_unit("10", maximum_amount="100", discount_percent="20", discount_after_maximum=True),
        "20",
        "80.00",
    ),
    PriceCase(
        "commitment-overage", per_unit("1", commitment={"amount": "100", "overage_factor": "1.5"}), "120", "130.00"
    ),
    PriceCase("commitment-true-up", per_unit("1", commitment={"amount": "100", "true_up": True}), "60", "100.00"),
    PriceCase("commitment-without", per_unit("1", commitment={"amount": "100"}), "60", "60.00"),
    PriceCase(
        "tokens",
        per_unit(
            "3", pricing_unit={"code": "token", "rates": [{"from_time": "2020-01-01T00:00:00Z", "amount": "0.05"}]}
        ),
        "10",
        "1.50",
    ),
    PriceCase("half-even", adjusted(flat("0.125"), rounding={"mode": "ROUNDING_MODE_HALF_EVEN"}), "1", "0.12"),
    PriceCase("half-up", adjusted(flat("0.125"), rounding={"mode": "ROUNDING_MODE_HALF_UP"}), "1", "0.13"),
    PriceCase("down", adjusted(flat("0.129"), rounding={"mode": "ROUNDING_MODE_DOWN"}), "1", "0.12"),
    PriceCase("up", adjusted(flat("0.121"), rounding={"mode": "ROUNDING_MODE_UP"}), "1", "0.13"),
    PriceCase("one-place", adjusted(flat("0.15"), rounding={"places": 1}), "1", "0.20"),
)
CASES = GRADUATED + VOLUME + PACKAGES + PERCENTAGES + ADJUSTED
assert len({case.id for case in CASES}) == len(CASES)
