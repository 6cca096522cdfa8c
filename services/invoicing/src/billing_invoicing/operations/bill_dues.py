"""A batch of dues becomes invoices, exactly once per charge."""

from collections.abc import Sequence
from datetime import datetime

from billing_runtime.fault import failpoint

from billing_invoicing.domain.credits import waves
from billing_invoicing.domain.due import Due
from billing_invoicing.domain.events import DueSettled
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.prepare_dues import Peers, prepare_dues
from billing_invoicing.operations.write_dues import Causes, write_dues


async def bill_dues(uow: UnitOfWork, peers: Peers, dues: Sequence[Due], *, now: datetime, causes: Causes) -> None:
    """A due that was settled before is told again as it was settled, without a second invoice. Asks the other services
    before it writes or locks anything, but where a due credits a charge of one before it in the batch. Raises transient
    refusals; then nothing is written."""
    failpoint("invoicing.due_polled")
    once = {due.due_id: due for due in dues}
    before = await uow.dues.settled(list(once))
    for due_id, told in before.items():
        await uow.publish(DueSettled(told, once[due_id].effective_at), cause=causes.get(due_id))
    fresh = [due for due_id, due in once.items() if due_id not in before]
    for wave in waves(fresh):
        batch = await prepare_dues(uow, peers, wave, now=now)
        await write_dues(uow, batch, now=now, causes=causes)
