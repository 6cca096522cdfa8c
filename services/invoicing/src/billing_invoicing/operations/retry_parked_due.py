"""A parked due is tried again, once what parked it is mended."""

from uuid import UUID

from billing_runtime.fault import failpoint

from billing_invoicing.domain.due import Outcome
from billing_invoicing.domain.errors import DueRefused, ParkedDueNotFound
from billing_invoicing.operations.ports import Begin, Read, UnitOfWork
from billing_invoicing.operations.prepare_dues import Peers, prepare_dues
from billing_invoicing.operations.write_dues import write_retried


async def retry_parked_due(begin: Begin, read: Read, peers: Peers, due_id: UUID) -> UUID | None:
    """The invoice it is on now; None when there was nothing to bill. One not parked any more answers the same.

    Raises ParkedDueNotFound, and DueRefused with the reason that parks it still.
    """
    async with read() as reads:
        due = await reads.dues.parked(due_id)
        if due is None:
            return await _answered_before(reads, due_id)
        batch = await prepare_dues(reads, peers, [due], now=await reads.now())
    refusal = batch.dues[0].refusal
    if refusal is not None:
        raise DueRefused(refusal.reason, refusal.message)
    async with begin() as uow:
        if not await uow.dues.unpark(due_id):
            return await _answered_before(uow, due_id)
        settled = await write_retried(uow, batch, now=await uow.now())
    failpoint("invoicing.committed")
    return settled.invoice_id


async def _answered_before(reads: UnitOfWork, due_id: UUID) -> UUID | None:
    settled = (await reads.dues.settled([due_id])).get(due_id)
    if settled is None or settled.outcome is Outcome.PARKED:
        raise ParkedDueNotFound("no such parked due")
    return settled.invoice_id
