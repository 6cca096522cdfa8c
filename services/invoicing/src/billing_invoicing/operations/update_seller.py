"""A seller changes what it prints; invoices that are final keep what they froze."""

from uuid import UUID

from billing_invoicing.domain.events import SellerUpdated
from billing_invoicing.domain.seller import Seller, SellerChange, changed
from billing_invoicing.operations.etag import check_etag
from billing_invoicing.operations.ports import UnitOfWork


async def update_seller(uow: UnitOfWork, seller_id: UUID, change: SellerChange, *, etag: str) -> Seller:
    """Raises SellerNotFound, Conflict, InvalidParty."""
    before = await uow.sellers.lock(seller_id)
    check_etag(etag, before.version)
    now = await uow.now()
    after = changed(before, change, now=now)
    await uow.sellers.save(after)
    await uow.publish(SellerUpdated(after, now))
    return after
