"""A customer brings a certificate."""

from dataclasses import replace

from billing_tax.domain.events import ExemptionCreated
from billing_tax.domain.exemption import Exemption, check_exemption
from billing_tax.domain.rates import RateTable
from billing_tax.operations.ports import UnitOfWork


async def create_exemption(uow: UnitOfWork, wanted: Exemption, rates: RateTable) -> Exemption:
    """Raises UnknownPlace, InvalidPeriod."""
    check_exemption(wanted, rates)
    exemption = replace(wanted, created_at=await uow.now())
    await uow.insert_exemption(exemption)
    await uow.publish(ExemptionCreated(exemption))
    return exemption
