"""A seller registers with a tax authority."""

from dataclasses import replace

from billing_tax.domain.errors import RegistrationOverlaps
from billing_tax.domain.events import RegistrationCreated
from billing_tax.domain.rates import RateTable
from billing_tax.domain.registration import Registration, check_registration
from billing_tax.operations.ports import UnitOfWork


async def create_registration(uow: UnitOfWork, wanted: Registration, rates: RateTable) -> Registration:
    """Raises UnknownPlace, InvalidTaxNumber, RegistrationOverlaps."""
    check_registration(wanted, rates)
    now = await uow.now()
    registration = replace(wanted, created_at=now, updated_at=now)
    other = await uow.overlapping_registration(registration)
    if other is not None:
        raise RegistrationOverlaps("the seller has such a registration in that time")
    await uow.insert_registration(registration)
    await uow.publish(RegistrationCreated(registration))
    return registration
