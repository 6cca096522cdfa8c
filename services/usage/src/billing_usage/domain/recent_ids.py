"""The last identities that this process stored: a bounded filter that only saves time, for the unique key judges.

It holds hashes, so a hit means "probably stored". Two generations of equal size: when the young one is full it becomes
the old one, and the old one is forgotten.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from billing_usage.domain.event import Candidate

CAPACITY = 131_072


class RecentIds:
    """Remembers at least the last `capacity` identities and at most twice as many, over all tenants."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._young: set[int] = set()
        self._old: set[int] = set()

    def marks(self, tenant_id: UUID, candidates: Sequence[Candidate]) -> list[int]:
        """What `likely` and `add` work on: one mark a candidate."""
        tenant = tenant_id.int
        return [hash((tenant, source, event_id)) for source, event_id, *_ in candidates]

    def likely(self, marks: Sequence[int]) -> list[int]:
        """The indexes of those that were probably stored before."""
        young, old = self._young, self._old
        if young.isdisjoint(marks) and old.isdisjoint(marks):
            return []
        return [index for index, mark in enumerate(marks) if mark in young or mark in old]

    def add(self, marks: Iterable[int]) -> None:
        """To be called after the commit."""
        self._young.update(marks)
        if len(self._young) >= self.capacity:
            self._young, self._old = set(), self._young
