"""Test clocks: a tenant with a row in `tenant_clock` lives at that instant; every other one by the wall clock."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import psycopg
from billing_kernel.errors import DomainError, Kind

if TYPE_CHECKING:
    from billing_runtime.transaction import Transaction

READ = "SELECT now_at FROM tenant_clock WHERE tenant_id = %s"
_CREATE = "INSERT INTO tenant_clock (tenant_id, now_at) VALUES (%s, %s) ON CONFLICT (tenant_id) DO NOTHING"
_LOCK = "SELECT now_at FROM tenant_clock WHERE tenant_id = %s FOR UPDATE"
_ADVANCE = "UPDATE tenant_clock SET now_at = %s WHERE tenant_id = %s"


class ClockMovesBackwards(DomainError):
    kind: ClassVar[Kind] = Kind.PRECONDITION
    reason: ClassVar[str] = "CLOCK_MOVES_BACKWARDS"


class NoTestClock(DomainError):
    kind: ClassVar[Kind] = Kind.PRECONDITION
    reason: ClassVar[str] = "NO_TEST_CLOCK"


async def read(raw: psycopg.AsyncConnection[Any], tenant_id: UUID) -> datetime | None:
    """The tenant's test clock; None when it has none."""
    row = await (await raw.execute(READ, (tenant_id,))).fetchone()
    return row[0] if row else None


async def create_test_clock(tx: "Transaction", now: datetime) -> None:
    """Gives the tenant a test clock at `now`; repeating it with an earlier or equal time changes nothing.

    The service refuses a tenant that already has records (TENANT_NOT_EMPTY) before it calls this.
    """
    await tx.raw.execute(_CREATE, (tx.tenant_id, now))
    tx.ask_time_again()


async def advance(tx: "Transaction", to: datetime) -> datetime:
    """Moves the tenant's clock to `to` and returns it; the same time again is a success.

    Raises ClockMovesBackwards, and NoTestClock for a tenant that lives by the wall clock.
    """
    row = await (await tx.raw.execute(_LOCK, (tx.tenant_id,))).fetchone()
    if row is None:
        raise NoTestClock("the tenant has no test clock")
    if to < row[0]:
        raise ClockMovesBackwards("a test clock never moves backwards", facts={"now": row[0].isoformat()})
    await tx.raw.execute(_ADVANCE, (to, tx.tenant_id))
    tx.ask_time_again()
    return to
