"""Builders of calls: who asks, for which tenant."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_runtime.call import Call, IdempotencyScope, Role


def admin_call(tenant_id: UUID | None = None, *, at: datetime | None = None, key: str | None = None) -> Call:
    """A billing admin of the tenant (a new one unless given). `key` makes it a call with an idempotency key."""
    return _call(tenant_id or uuid7(), "user:alice", Role.BILLING_ADMIN, None, at, key)


def viewer_call(tenant_id: UUID, *, at: datetime | None = None) -> Call:
    return _call(tenant_id, "user:victor", Role.BILLING_VIEWER, None, at, None)


def customer_call(tenant_id: UUID, customer_id: UUID, *, at: datetime | None = None, key: str | None = None) -> Call:
    """A customer of the tenant: sees its own rows alone."""
    return _call(tenant_id, f"user:{customer_id}", Role.CUSTOMER, customer_id, at, key)


def service_call(
    tenant_id: UUID | None = None,
    *,
    service: str = "invoicing",
    at: datetime | None = None,
    key: str | None = None,
) -> Call:
    """Another service of the mesh."""
    return _call(tenant_id or uuid7(), f"service:{service}", Role.SERVICE, None, at, key)


def scope(
    call_tenant: UUID, principal: str, key: str, *, method: str = "/test.v1.Test/Do", request: bytes = b""
) -> IdempotencyScope:
    """One use of a key, as the pipeline makes it from the metadata and the request."""
    return IdempotencyScope(call_tenant, principal, method, key, sha256(request).digest())


def _call(
    tenant_id: UUID, actor: str, role: Role, customer_id: UUID | None, at: datetime | None, key: str | None
) -> Call:
    return Call(
        tenant_id=tenant_id,
        actor=actor,
        role=role,
        customer_id=customer_id,
        correlation_id=str(uuid7()),
        effective_at=at,
        idempotency=scope(tenant_id, actor, key) if key is not None else None,
    )
