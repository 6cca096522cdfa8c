"""BillingDue in batches: parts are put together, then billed."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from billing.subscriptions.v1 import events_pb2
from billing_runtime.consumer import Consumer, Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_invoicing.domain.due import Due
from billing_invoicing.operations.bill_dues import bill_dues
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.prepare_dues import Peers
from billing_invoicing.wire.dues import due_from_pb, joined
from billing_invoicing.wire.values import uuid_from_pb

TOPIC = "billing.subscriptions.due.v1"
NAME = "invoicing-dues"

Gather = Callable[[Transaction, UUID, events_pb2.BillingDue], Awaitable[list[events_pb2.BillingDue] | None]]
Unit = Callable[[Transaction], UnitOfWork]
Batch = Sequence[tuple[Received, events_pb2.BillingDue]]


def dues_consumer(unit: Unit, gather: Gather, peers: Peers, batch_max: int) -> Consumer:
    """A group of its own, so that a month's end never delays payments."""

    async def handle(tx: Transaction, events: Batch) -> None:
        uow = unit(tx)
        causes: dict[UUID, Received] = {}
        dues: list[Due] = []
        for received, part in events:
            due = await _whole(tx, uow, gather, part)
            if due is not None:
                dues.append(due)
                causes[due.due_id] = received
        if dues:
            await bill_dues(uow, peers, dues, now=_latest(events), causes=causes)

    return Consumer(NAME, [TOPIC], {_TYPE: Handler(events_pb2.BillingDue, handle)}, batch_max)


async def _whole(tx: Transaction, uow: UnitOfWork, gather: Gather, part: events_pb2.BillingDue) -> Due | None:
    """The due, once all its parts are there; a due that is settled already needs none of the others."""
    if part.parts <= 1:
        return due_from_pb(part)
    due_id = uuid_from_pb(part.due_id, "due_id")
    if await uow.dues.settled([due_id]):
        return due_from_pb(part)
    parts = await gather(tx, due_id, part)
    return due_from_pb(joined(parts)) if parts is not None else None


def _latest(events: Batch) -> datetime:
    """Business time of the batch."""
    return max(received.effective_at for received, _ in events)


_TYPE = str(events_pb2.BillingDue.DESCRIPTOR.full_name)
