"""The history of a subscription: one entry for each of its versions, never altered. Their fold is its row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

Value = object  # what JSON can say
Changed = Mapping[str, tuple[Value, Value]]  # field -> what it was before, what it is after; None: there was none


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """What made one version of a subscription. `effective_at` is business time, `recorded_at` wall time.

    `cause` is the correlation id of the call, or the event. `charge_ids` are the charges and credits that it made.
    """

    version: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    actor: str
    reason: str
    cause: str
    changed: Changed
    charge_ids: tuple[UUID, ...]


def fold(records: Iterable[ChangeRecord]) -> dict[str, Value]:
    """Every field as the records leave it, oldest first."""
    fields: dict[str, Value] = {}
    for record in records:
        for name, (before, after) in record.changed.items():
            assert fields.get(name) == before, f"version {record.version} did not follow on {name}"
            fields[name] = after
    return fields
