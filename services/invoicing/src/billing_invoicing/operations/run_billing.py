"""A billing run starts; a job carries it on."""

from dataclasses import replace

from billing_invoicing.domain.errors import AsOfInFuture, NoSellerYet
from billing_invoicing.domain.run import Run
from billing_invoicing.operations.ports import UnitOfWork


async def run_billing(uow: UnitOfWork, wanted: Run) -> Run:
    """Raises AsOfInFuture (after the tenant's business time), NoSellerYet."""
    now = await uow.now()
    if wanted.as_of > now:
        raise AsOfInFuture("a run bills what is due already", facts={"now": now.isoformat()})
    if not await uow.sellers.any():
        raise NoSellerYet("create a seller first: somebody has to bill")
    run = replace(wanted, created_at=now)
    await uow.runs.insert(run)
    return run
