"""Who makes a call, for whom, and why: the one context that reaches every handler, consumer and job."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a caller may be. The values are those of the token's `role` claim."""

    BILLING_ADMIN = "billing_admin"
    BILLING_VIEWER = "billing_viewer"
    CUSTOMER = "customer"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class IdempotencyScope:
    """One use of one idempotency key. `request_hash` is the SHA-256 (32 bytes) of the request's canonical bytes."""

    tenant_id: UUID
    principal: str
    method: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """The verified context of one piece of work. `actor` is the original one: "user:alice", "job:renewals"."""

    tenant_id: UUID
    actor: str
    role: Role
    customer_id: UUID | None = None
    correlation_id: str = ""
    causation_id: str | None = None
    traceparent: str | None = None
    effective_at: datetime | None = None
    idempotency: IdempotencyScope | None = None


_CURRENT: ContextVar[Call] = ContextVar("billing_call")


def current_call() -> Call:
    """The call being served. Raises LookupError outside a handler, consumer or job."""
    return _CURRENT.get()


def current_call_or_none() -> Call | None:
    """The call being served, or None."""
    return _CURRENT.get(None)


def set_call(call: Call) -> None:
    """Makes `call` the current one of this task and of the tasks it starts."""
    _CURRENT.set(call)


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Makes `call` the current one inside the block: for consumers, jobs and tests."""
    token = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(token)
