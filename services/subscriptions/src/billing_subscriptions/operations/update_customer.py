"""Changes the terms of a customer, and its party as a new version."""

from collections.abc import Callable
from uuid import UUID

from billing_subscriptions.domain import customer as rules
from billing_subscriptions.domain.customer import Customer, Party, Terms
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.events import CustomerUpdated
from billing_subscriptions.domain.hierarchy import check_pays
from billing_subscriptions.operations.check_line import check_line
from billing_subscriptions.operations.ports import UnitOfWork


async def update_customer(
    uow: UnitOfWork,
    customer_id: UUID,
    change: Callable[[Terms], Terms],
    party: Party | None,
    etag: str,
    *,
    in_tree: bool = False,
) -> Customer:
    """`change` gives the new terms; `party` is None when the party stays. `in_tree`: it may change who stands above
    whom or who pays: the parent, that it pays, or the currency.

    Raises CustomerNotFound, Conflict, CustomerArchived, ExternalIdTaken and what the terms and the parent refuse.
    """
    if in_tree:
        await uow.customers.lock_tree()
    before = await uow.customers.lock(customer_id)
    check_etag(etag, before.version)
    now = await uow.now()
    after = rules.change(before, change(before.terms), party, now=now)
    if in_tree:
        check_pays(before, after.terms, pays_for=await uow.customers.pays_for(customer_id))
        await check_line(uow, customer_id, after.terms, after.seller_id)
    await uow.customers.save(after, party)
    await uow.publish(CustomerUpdated(after, now))
    return after
