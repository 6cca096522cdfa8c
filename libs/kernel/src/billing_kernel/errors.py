"""Typed refusals. A refusal has a kind (what a caller may do about it) and a stable reason (what happened).

DomainError
  Invalid          INVALID          the request can never succeed as it is
  NotFound         NOT_FOUND        no such thing for this caller
  AlreadyExists    ALREADY_EXISTS   the name or key is taken
  Conflict         CONFLICT         the etag is stale: read again, then repeat
Everything else is a bug and stays an ordinary exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar


class Kind(StrEnum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PRECONDITION = "PRECONDITION"
    CONFLICT = "CONFLICT"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    EXHAUSTED = "EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    NOT_CAUGHT_UP = "NOT_CAUGHT_UP"
    DEADLINE = "DEADLINE"


TRANSIENT = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.NOT_CAUGHT_UP})


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request that breaks a rule: `field` is a path ("items[2].quantity"), `rule` a stable id."""

    field: str
    description: str
    rule: str = ""


class DomainError(Exception):
    """A refusal. Subclasses set `kind` and `reason` (UPPER_SNAKE, stable: clients branch on it)."""

    kind: ClassVar[Kind] = Kind.INVALID
    reason: ClassVar[str] = "INVALID"

    def __init__(
        self, message: str, *, facts: Mapping[str, str] | None = None, violations: Sequence[Violation] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.facts: Mapping[str, str] = MappingProxyType({key: str(fact) for key, fact in (facts or {}).items()})
        self.violations = tuple(violations)

    @property
    def transient(self) -> bool:
        """True when the same request may succeed later, unchanged."""
        return self.kind in TRANSIENT


class Invalid(DomainError):
    kind = Kind.INVALID
    reason = "INVALID"


class NotFound(DomainError):
    kind = Kind.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExists(DomainError):
    kind = Kind.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class Conflict(DomainError):
    """The caller's etag is stale."""

    kind = Kind.CONFLICT
    reason = "ETAG_MISMATCH"
