"""Meters: what is measured, and how events become a quantity. Code and aggregation never change."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.errors import Conflict, Violation

from billing_usage.domain.errors import InvalidMeter

CHANGEABLE = ("name", "unit", "metadata")


class Aggregation(StrEnum):
    COUNT = "count"
    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Meter:
    """`version` counts changes from 1; its text is the etag."""

    meter_id: UUID
    code: str
    name: str
    unit: str
    aggregation: Aggregation
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        return str(self.version)


@dataclass(frozen=True, slots=True)
class MeterChange:
    """New values of the fields named in `paths`; the others are ignored."""

    paths: Set[str]
    name: str
    unit: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MeterCreated:
    meter: Meter


@dataclass(frozen=True, slots=True)
class MeterUpdated:
    meter: Meter


MeterEvent = MeterCreated | MeterUpdated


def change_meter(before: Meter, change: MeterChange, etag: str, *, now: datetime) -> tuple[Meter, MeterUpdated]:
    """Applies a change to the version that `etag` names ("" means whichever). Raises Conflict, InvalidMeter."""
    if etag and etag != before.etag:
        raise Conflict("the meter changed since it was read", facts={"etag": before.etag})
    if "name" in change.paths and not change.name:
        raise InvalidMeter("a meter has a name", violations=[Violation("name", "must not be empty", "string.min_len")])
    fields = {path: getattr(change, path) for path in CHANGEABLE if path in change.paths}
    after = replace(before, **fields, version=before.version + 1, updated_at=now)
    return after, MeterUpdated(after)
