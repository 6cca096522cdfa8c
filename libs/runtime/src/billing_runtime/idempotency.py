"""Idempotency keys: the first answer is stored in the transaction of the effect and given again for 30 days.

Same key, same request: AlreadyAnswered with the first answer's bytes. Other request: IDEMPOTENCY_KEY_REUSED.
Still running elsewhere: IDEMPOTENCY_KEY_IN_FLIGHT. A transaction that rolls back leaves no key.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import psycopg
from billing_kernel.errors import DomainError, Kind
from google.protobuf.message import Message

from billing_runtime.call import IdempotencyScope
from billing_runtime.personal import without_personal

KEEP = timedelta(days=30)

_LOCK = "SELECT pg_try_advisory_xact_lock(%s) AS locked"
_LOOK_UP = (
    "SELECT request_hash, response_type, response, expires_at FROM idempotency"
    " WHERE tenant_id = %s AND principal = %s AND method = %s AND key = %s"
)
_INSERT = (
    "INSERT INTO idempotency (principal, method, key, request_hash, response_type, response, expires_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_DELETE = "DELETE FROM idempotency WHERE tenant_id = %s AND principal = %s AND method = %s AND key = %s"


class AlreadyAnswered(Exception):
    """Not a failure: `response` are the bytes of the first answer, a message of `response_type`."""

    def __init__(self, response: bytes, response_type: str = "") -> None:
        super().__init__("already answered")
        self.response = response
        self.response_type = response_type


class IdempotencyKeyReused(DomainError):
    kind: ClassVar[Kind] = Kind.ALREADY_EXISTS
    reason: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyKeyInFlight(DomainError):
    kind: ClassVar[Kind] = Kind.CONFLICT
    reason: ClassVar[str] = "IDEMPOTENCY_KEY_IN_FLIGHT"


def looking_up(scope: IdempotencyScope) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """The statements that lock the key and look for its answer, for `judge`."""
    return (_LOCK, (_lock_number(scope),)), (_LOOK_UP, _identity(scope))


async def judge(
    raw: psycopg.AsyncConnection[Any], scope: IdempotencyScope, locked: bool, found: Mapping[str, Any] | None
) -> None:
    """Returns when the call is to run; else raises what the caller gets instead. `found` is the stored row."""
    if not locked:
        raise IdempotencyKeyInFlight("a call with this idempotency key is still running", facts={"key": scope.key})
    if found is None:
        return
    if found["expires_at"] <= datetime.now(UTC):
        await raw.execute(_DELETE, _identity(scope))
    elif bytes(found["request_hash"]) != scope.request_hash:
        raise IdempotencyKeyReused("this idempotency key was used for another request", facts={"key": scope.key})
    else:
        raise AlreadyAnswered(bytes(found["response"]), found["response_type"])


def storing(scope: IdempotencyScope, response: Message) -> tuple[str, tuple[Any, ...]]:
    """The statement that keeps the answer, without its personal fields, beside the effect."""
    kept = without_personal(response).SerializeToString(deterministic=True)
    name = str(response.DESCRIPTOR.full_name)
    expires_at = datetime.now(UTC) + KEEP
    return _INSERT, (scope.principal, scope.method, scope.key, scope.request_hash, name, kept, expires_at)


def _identity(scope: IdempotencyScope) -> tuple[Any, ...]:
    return (scope.tenant_id, scope.principal, scope.method, scope.key)


def _lock_number(scope: IdempotencyScope) -> int:
    """A signed 64-bit number: two scopes that share it only wait for each other."""
    text = "\x1f".join(str(part) for part in _identity(scope))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)
