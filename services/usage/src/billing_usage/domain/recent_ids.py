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

    def hits(self, tenant_id: UUID, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that were probably stored before."""
        tenant = tenant_id.int
        young, old = self._young, self._old
        return [c for c in candidates if (mark := hash((tenant, c[0], c[1]))) in young or mark in old]

    def add(self, tenant_id: UUID, candidates: Iterable[Candidate]) -> None:
        """To be called after their commit."""
        tenant = tenant_id.int
        self._young.update([hash((tenant, c[0], c[1])) for c in candidates])
        if len(self._young) >= self.capacity:
            self._young, self._old = set(), self._young
