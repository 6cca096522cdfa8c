"""Carries bulk migrations on, fair over tenants, one bounded batch at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from billing_kernel.errors import DomainError
from billing_kernel.ids import encode
from billing_runtime.call import calling
from billing_runtime.jobs import Job, job_call

NAME = "migrate_subscriptions"
EVERY_S = 1.0

log = structlog.get_logger("billing.migrations")

Claim = Callable[[], Awaitable[Sequence[tuple[UUID, UUID, str]]]]
Migrate = Callable[[UUID], Awaitable[bool]]
Postpone = Callable[[UUID, UUID], Awaitable[None]]


def migrate_subscriptions(claim: Claim, migrate: Migrate, postpone: Postpone) -> Job:
    """`claim()` names (tenant, migration, actor), `migrate(migration)` does a batch under the tenant's call.

    The changes are recorded as made by whoever asked for the migration, caused by it.
    """

    async def one(tenant_id: UUID, migration_id: UUID, actor: str) -> int:
        name = encode("mig", migration_id)
        call = replace(job_call(NAME, tenant_id), actor=actor, correlation_id=name)
        try:
            with calling(call):
                return int(await migrate(migration_id))
        except DomainError as refusal:
            log.warning("migration_waits", migration_id=name, tenant_id=str(tenant_id), reason=refusal.reason)
        except Exception:
            log.exception("migration_failed", migration_id=name, tenant_id=str(tenant_id))
        await postpone(tenant_id, migration_id)  # one that fails never holds up the others
        return 0

    async def run() -> int:
        return sum([await one(*each) for each in await claim()])

    return Job(NAME, EVERY_S, run)
