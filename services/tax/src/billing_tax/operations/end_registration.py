"""A registration gets its last day."""

from datetime import datetime
from uuid import UUID

from billing_tax.domain import registration as rules
from billing_tax.domain.events import RegistrationEnded
from billing_tax.domain.registration import Registration
from billing_tax.operations.etag import check_etag
from billing_tax.operations.ports import UnitOfWork


async def end_registration(uow: UnitOfWork, registration_id: UUID, *, end: datetime, etag: str) -> Registration:
    """Raises RegistrationNotFound, Conflict, RegistrationEnded, InvalidPeriod."""
    before = await uow.lock_registration(registration_id)
    check_etag(etag, before.version)
    after = rules.end_registration(before, end=end, now=await uow.now())
    await uow.save_registration(after)
    await uow.publish(RegistrationEnded(after))
    return after
