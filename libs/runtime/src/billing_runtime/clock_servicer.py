"""ClockService, the same in every service: sets and reads the business clock of a test-clock tenant.

A service brings two reads: when its next due row falls due, and whether the tenant has any record in it.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from billing.common.v1 import clock_service_pb2 as pb
from billing.common.v1 import clock_service_pb2_grpc as pb_grpc
from billing_kernel.errors import DomainError, Kind
from google.protobuf.timestamp_pb2 import Timestamp

from billing_runtime import clock
from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction

NextDue = Callable[[Transaction], Awaitable[datetime | None]]
IsEmpty = Callable[[Transaction], Awaitable[bool]]

SERVICE_NAME = str(pb.DESCRIPTOR.services_by_name["ClockService"].full_name)
_PENDING = "SELECT count(*) FROM outbox WHERE tenant_id = %s"


class TenantNotEmpty(DomainError):
    kind: ClassVar[Kind] = Kind.PRECONDITION
    reason: ClassVar[str] = "TENANT_NOT_EMPTY"


class ClockServicer(pb_grpc.ClockServiceServicer):
    """`next_due_at` answers the earliest open due row of the tenant (None: nothing is due), `is_empty` whether the
    tenant has no record that depends on time."""

    def __init__(self, database: Database, next_due_at: NextDue, is_empty: IsEmpty) -> None:
        self.database = database
        self.next_due_at = next_due_at
        self.is_empty = is_empty

    async def SetClock(self, request: pb.SetClockRequest, context: Any) -> pb.SetClockResponse:
        """Makes the tenant's clock (create) or moves it; the same time again is a success."""
        to = request.now.ToDatetime(tzinfo=UTC)
        async with self.database.begin(current_call()) as tx:
            if request.create and await clock.read(tx.raw, tx.tenant_id) is None:
                if not await self.is_empty(tx):
                    raise TenantNotEmpty("a tenant with records cannot be given a test clock")
                await clock.create_test_clock(tx, to)
            now = await clock.advance(tx, to)
            return pb.SetClockResponse(now=_timestamp(now))

    async def GetClock(self, request: pb.GetClockRequest, context: Any) -> pb.GetClockResponse:
        """The tenant's clock, its next due row and how many of its events still wait in the outbox."""
        async with self.database.read(current_call()) as tx:
            now = await clock.read(tx.raw, tx.tenant_id)
            due = await self.next_due_at(tx)
            pending = await (await tx.raw.execute(_PENDING, (tx.tenant_id,))).fetchone()
            return pb.GetClockResponse(
                now=_timestamp(now) if now else None,
                next_due_time=_timestamp(due) if due else None,
                outbox_pending=pending[0] if pending else 0,
            )


def _timestamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made
