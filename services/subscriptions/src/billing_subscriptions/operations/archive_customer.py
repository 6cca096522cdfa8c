"""Archives a customer without running subscriptions."""

from uuid import UUID

from billing_subscriptions.domain import customer as rules
from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.events import CustomerArchived
from billing_subscriptions.operations.ports import UnitOfWork


async def archive_customer(uow: UnitOfWork, customer_id: UUID, etag: str) -> Customer:
    """An archived customer stays as it is. Raises CustomerNotFound, Conflict, CustomerHasSubscriptions,
    CustomerPaysForOthers."""
    await uow.customers.lock_tree()
    before = await uow.customers.lock(customer_id)
    check_etag(etag, before.version)
    now = await uow.now()
    running = await uow.customers.running_subscriptions(customer_id)
    pays_for = await uow.customers.pays_for(customer_id)
    after = rules.archive(before, running_subscriptions=running, pays_for=pays_for, now=now)
    if after is not before:
        await uow.customers.save(after, None)
        await uow.publish(CustomerArchived(after, now))
    return after
