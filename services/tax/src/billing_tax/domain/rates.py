"""Rates by place, category and date."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from billing_tax.domain.categories import FALLBACK, RateCategory
from billing_tax.domain.errors import NoRateOnDate
from billing_tax.domain.places import Place

CACHED_LOOKUPS_MAX = 65_536


class Stacking(StrEnum):
    """How a region's tax relates to those of its country."""

    REPLACE = "replace"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Rate:
    """One tax of one jurisdiction in [valid_from, valid_to), `percent` of the taxable amount (19 is 19 %)."""

    jurisdiction: str
    tax: str
    category: RateCategory
    percent: Fraction
    valid_from: date
    valid_to: date | None
    stacking: Stacking
    registered_in: str
    source: str

    @property
    def place(self) -> Place:
        country, _, region = self.jurisdiction.partition("-")
        return Place(country, region)

    @property
    def country(self) -> str:
        return self.jurisdiction.partition("-")[0]

    def applies(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class RateTableBroken(ValueError):
    """The table contradicts itself: a fault of what we ship, found at start, never a caller's."""


class RateTable:
    """All rates; lookups are remembered, so that a batch pays for each place, category and date once."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self.rates: tuple[Rate, ...] = tuple(rates)
        self._taxes = _by_tax(self.rates)
        self._registering = {rate.registered_in for rate in self.rates} | set(self._taxes)
        self.due = lru_cache(CACHED_LOOKUPS_MAX)(self._due)
        """due(place, category, on) -> the rates of a fiscal place, most specific first; () where no tax is known.
        Raises NoRateOnDate before the first rate of a place."""

    def registers(self, code: str) -> bool:
        """Whether sellers register there for one of these taxes."""
        return code in self._registering

    def on(self, place: Place, on: date) -> tuple[Rate, ...]:
        """All rates of a fiscal place that day, whatever the category."""
        codes = (place.code, place.country)
        return tuple(rate for rate in self.rates if rate.jurisdiction in codes and rate.applies(on))

    def _due(self, place: Place, category: RateCategory, on: date) -> tuple[Rate, ...]:
        regional = self._of_jurisdiction(place.code, category, on) if place.region else ()
        if any(rate.stacking is Stacking.REPLACE for rate in regional):
            return regional
        return self._of_jurisdiction(place.country, category, on) + regional

    def _of_jurisdiction(self, jurisdiction: str, category: RateCategory, on: date) -> tuple[Rate, ...]:
        found = (_pick(histories, category, on) for histories in self._taxes.get(jurisdiction, ()))
        return tuple(rate for rate in found if rate is not None)


Histories = dict[RateCategory, Sequence[Rate]]


def _by_tax(rates: Iterable[Rate]) -> dict[str, list[Histories]]:
    grouped: dict[tuple[str, str], dict[RateCategory, list[Rate]]] = defaultdict(lambda: defaultdict(list))
    for rate in rates:
        grouped[rate.jurisdiction, rate.tax][rate.category].append(rate)
    taxes: dict[str, list[Histories]] = defaultdict(list)
    for (jurisdiction, _), histories in grouped.items():
        taxes[jurisdiction].append({category: _in_order(history) for category, history in histories.items()})
    return dict(taxes)


def _in_order(history: Sequence[Rate]) -> Sequence[Rate]:
    """By date, each row starting where the one before it ends. Raises RateTableBroken."""
    ordered = sorted(history, key=lambda rate: rate.valid_from)
    for rate in ordered:
        if rate.percent < 0 or (rate.valid_to is not None and rate.valid_to <= rate.valid_from):
            raise RateTableBroken(f"{_name(rate)}: negative, or ends before it starts")
    for before, after in pairwise(ordered):
        if before.valid_to is None or before.valid_to > after.valid_from:
            raise RateTableBroken(f"{_name(before)} overlaps the rate from {after.valid_from}")
        if before.valid_to < after.valid_from:
            raise RateTableBroken(f"{_name(before)} leaves a hole until {after.valid_from}")
    return ordered


def _name(rate: Rate) -> str:
    return f"{rate.jurisdiction} {rate.tax} {rate.category} from {rate.valid_from}"


def _pick(histories: Histories, category: RateCategory, on: date) -> Rate | None:
    for candidate in FALLBACK[category]:
        for rate in reversed(histories.get(candidate, ())):
            if rate.applies(on):
                return rate
    first = min((history[0] for history in histories.values()), key=lambda rate: rate.valid_from)
    if on < first.valid_from:
        facts = {"jurisdiction": first.jurisdiction, "tax": first.tax, "first_date": first.valid_from.isoformat()}
        raise NoRateOnDate(f"{first.tax} of {first.jurisdiction} is known from {first.valid_from} on", facts=facts)
    return None
