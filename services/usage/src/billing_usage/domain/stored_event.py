"""One event as it stands in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """`subject` is text as in `domain.event`; `ingested_at` is wall time."""

    event_id: str
    source: str
    meter_code: str
    subject: str
    at: datetime
    value: Fraction
    properties: Mapping[str, str]
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of a tenant's events; `accepted` must equal `stored`."""

    accepted: int
    stored: int
    duplicates: int
    rated: int
