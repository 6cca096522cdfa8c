"""A tenant gets a seller; the first one bills whoever names none."""

from dataclasses import replace

from billing_invoicing.domain.events import SellerCreated
from billing_invoicing.domain.seller import Seller, check_party, zone_of
from billing_invoicing.operations.ports import UnitOfWork


async def create_seller(uow: UnitOfWork, wanted: Seller) -> Seller:
    """Raises UnknownTimeZone, InvalidParty, NumberPrefixTaken."""
    zone_of(wanted.time_zone)
    check_party(wanted.party)
    await uow.sellers.lock_all()
    now = await uow.now()
    seller = replace(wanted, is_default=not await uow.sellers.any(), created_at=now, updated_at=now)
    await uow.sellers.insert(seller)
    await uow.publish(SellerCreated(seller, now))
    return seller
