"""Creates a customer with the first version of its party."""

from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import customer as rules
from billing_subscriptions.domain.customer import Customer, Party, Terms
from billing_subscriptions.domain.events import CustomerCreated
from billing_subscriptions.operations.check_line import check_line
from billing_subscriptions.operations.ports import UnitOfWork


async def create_customer(uow: UnitOfWork, terms: Terms, party: Party, seller_id: UUID | None) -> Customer:
    """Raises ExternalIdTaken, UnknownCurrency, UnknownTimeZone, InvalidTaxId, InvalidParty, and as check_line."""
    now, customer_id = await uow.now(), uuid7()
    if terms.parent_id is not None:
        await uow.customers.lock_tree()
    await check_line(uow, customer_id, terms, seller_id)
    customer = rules.create(terms, party, customer_id=customer_id, party_id=uuid7(), seller_id=seller_id, now=now)
    await uow.customers.add(customer, party)
    await uow.publish(CustomerCreated(customer, now))
    return customer
