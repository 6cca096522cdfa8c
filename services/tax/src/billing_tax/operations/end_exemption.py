"""An exemption gets its last day."""

from datetime import datetime
from uuid import UUID

from billing_tax.domain import exemption as rules
from billing_tax.domain.events import ExemptionEnded
from billing_tax.domain.exemption import Exemption
from billing_tax.operations.etag import check_etag
from billing_tax.operations.ports import UnitOfWork


async def end_exemption(uow: UnitOfWork, exemption_id: UUID, *, end: datetime, etag: str) -> Exemption:
    """Raises ExemptionNotFound, Conflict, ExemptionEnded, InvalidPeriod."""
    before = await uow.lock_exemption(exemption_id)
    check_etag(etag, before.version)
    after = rules.end_exemption(before, end=end)
    await uow.save_exemption(after)
    await uow.publish(ExemptionEnded(after))
    return after
