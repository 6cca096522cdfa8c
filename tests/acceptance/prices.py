"""Prices as the contract writes them, short enough for a table of cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
Row = tuple[str, str, str]
"""(up_to, unit amount or percent, flat amount); up_to "" is open."""


def tiers(rows: Sequence[Row]) -> list[Json]:
    return [{"up_to": up_to, "unit_amount": unit, "flat_amount": flat} for up_to, unit, flat in rows]


def graduated(*rows: Row) -> Json:
    return {"graduated": {"tiers": tiers(rows)}}


def volume(*rows: Row) -> Json:
    return {"volume": {"tiers": tiers(rows)}}


def graduated_percentage(*rows: Row) -> Json:
    written = [{"up_to": up_to, "rate_percent": rate, "flat_amount": flat} for up_to, rate, flat in rows]
    return {"graduated_percentage": {"tiers": written}}


def time_weighted(*rows: Row) -> Json:
    return {"time_weighted": {"tiers": tiers(rows)}}


def package(size: str, amount: str, free: str = "") -> Json:
    return {"package": {"size": size, "package_amount": amount, "free_units": free}}


def per_unit(amount: str, **adjustments: Any) -> Json:
    return adjusted({"per_unit": {"unit_amount": amount}}, **adjustments)


def flat(amount: str) -> Json:
    return {"flat": {"amount": amount}}


def percentage(rate: str, **parts: Any) -> Json:
    return {"percentage": {"rate_percent": rate, **parts}}


def adjusted(price: Json, **adjustments: Any) -> Json:
    """The same price with free units, minimum, maximum, discount, commitment, pricing unit or rounding."""
    return {**price, "adjustments": adjustments} if adjustments else price
