"""Whether a customer may have the parent that its terms name; the tree is locked where there is one."""

from uuid import UUID

from billing_subscriptions.domain.customer import Terms
from billing_subscriptions.domain.errors import CustomerNotFound
from billing_subscriptions.domain.hierarchy import check_parent
from billing_subscriptions.operations.ports import UnitOfWork


async def check_line(uow: UnitOfWork, customer_id: UUID, terms: Terms, seller_id: UUID | None) -> None:
    """Raises CustomerNotFound for the parent, InvalidParent, CustomerCycle, HierarchyTooDeep, CustomerArchived,
    CurrencyMismatch."""
    if terms.parent_id is None:
        check_parent(customer_id, terms, seller_id, ())
        return
    line = await uow.customers.line(terms.parent_id)
    if not line:
        raise CustomerNotFound("there is no such customer to be the parent")
    below = await uow.customers.levels_below(customer_id)
    check_parent(customer_id, terms, seller_id, line, below=below)
