"""A batch of events: each is checked on its own, each identity (source, id) is stored once, each gets its result."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import MICROSECONDS, Candidate, Key, RawEvent, Window, candidate_of

EVENTS_MAX = 1000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Outcome(Enum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


CONFLICT = Refusal("EVENT_CONFLICT", "another event with this source and id was stored before; it stands", "id")
Result: TypeAlias = Outcome | Refusal


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How far an event's time may lie ahead of now, and behind it."""

    ahead: timedelta
    age: timedelta

    def window(self, now: datetime) -> Window:
        return Window(_microseconds(now - self.age), _microseconds(now + self.ahead))


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch after its checks: the result of each refused event, every good event with its index in the batch, and
    the first one of each identity, in the order in which locks are taken."""

    refused: Mapping[int, Refusal]
    good: Sequence[Candidate]
    indexes: Sequence[int]
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction stored, for the row of its batch. The counts are those of the batch's results."""

    batch_id: UUID
    accepted: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """A result per event in request order, with its counts."""

    results: Sequence[Result]
    accepted: int = field(init=False)
    duplicates: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "accepted", self.results.count(Outcome.ACCEPTED))
        object.__setattr__(self, "duplicates", self.results.count(Outcome.DUPLICATE))

    @property
    def rejected(self) -> int:
        return len(self.results) - self.accepted - self.duplicates

    def batch(self, batch_id: UUID) -> Batch:
        return Batch(batch_id, self.accepted, self.duplicates, self.rejected)


def check(raws: Iterable[RawEvent | Refusal], meters: Container[str], window: Window) -> Checked:
    """Sorts a batch into refused events and candidates. What was refused while it was read stays refused."""
    refused: dict[int, Refusal] = {}
    good: list[Candidate] = []
    indexes: list[int] = []
    for index, raw in enumerate(raws):
        found = raw if isinstance(raw, Refusal) else candidate_of(raw, meters, window)
        if isinstance(found, Refusal):
            refused[index] = found
        else:
            good.append(found)
            indexes.append(index)
    first = {(candidate[0], candidate[1]): candidate for candidate in reversed(good)}
    return Checked(refused, good, indexes, sorted(first.values()))


def judge(checked: Checked, stored: Mapping[Key, bytes]) -> Ingested:
    """The results, once every candidate is stored but those in `stored`, which were there before with that content."""
    results: list[Result] = [Outcome.ACCEPTED] * (len(checked.refused) + len(checked.good))
    for index, refusal in checked.refused.items():
        results[index] = refusal
    if not stored and len(checked.good) == len(checked.candidates):
        return Ingested(results)
    truth = dict(stored)
    for index, (source, event_id, content, *_) in zip(checked.indexes, checked.good, strict=True):
        standing = truth.setdefault((source, event_id), content)
        if standing is not content:
            results[index] = Outcome.DUPLICATE if standing == content else CONFLICT
    return Ingested(results)


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


assert timedelta(seconds=1) // timedelta(microseconds=1) == MICROSECONDS
