"""Reads data/rates.csv, once, at start."""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from billing_kernel.decimals import parse_decimal

from billing_tax.domain.categories import RateCategory
from billing_tax.domain.rates import Rate, RateTable, RateTableBroken, Stacking


@cache
def built_in_rates() -> RateTable:
    """The table that the service ships. Raises RateTableBroken when a row cannot be read or the rows contradict."""
    lines = files("billing_tax").joinpath("data/rates.csv").read_text(encoding="utf-8").splitlines()
    return RateTable([_rate_from_row(number, row) for number, row in enumerate(csv.DictReader(lines), start=2)])


def _rate_from_row(number: int, row: Mapping[str, str]) -> Rate:
    try:
        return Rate(
            jurisdiction=row["jurisdiction"],
            tax=row["tax"],
            category=RateCategory(row["category"]),
            percent=parse_decimal(row["percent"], max_fraction=6),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            stacking=Stacking(row["stacking"]),
            registered_in=row["registered_in"],
            source=row["source"],
        )
    except Exception as error:
        raise RateTableBroken(f"rates.csv line {number}: {error}") from error
