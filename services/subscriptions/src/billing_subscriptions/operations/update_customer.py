"""Changes the terms of a customer, and its party as a new version."""

from collections.abc import Callable
from uuid import UUID

from billing_subscriptions.domain import customer as rules
from billing_subscriptions.domain.customer import Customer, Party, Terms
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.events import CustomerUpdated
from billing_subscriptions.operations.ports import UnitOfWork


async def update_customer(
    uow: UnitOfWork, customer_id: UUID, change: Callable[[Terms], Terms], party: Party | None, etag: str
) -> Customer:
    """`change` gives the new terms; `party` is None when the party stays.

    Raises CustomerNotFound, Conflict, CustomerArchived, ExternalIdTaken and what the terms refuse.
    """
    before = await uow.customers.lock(customer_id)
    check_etag(etag, before.version)
    now = await uow.now()
    after = rules.change(before, change(before.terms), party, now=now)
    await uow.customers.save(after, party)
    await uow.publish(CustomerUpdated(after, now))
    return after
