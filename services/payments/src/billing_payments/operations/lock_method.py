"""The lock under which a payment method changes: its customer's first, then its own."""

from uuid import UUID

from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.operations.ports import UnitOfWork


async def lock_method(uow: UnitOfWork, method_id: UUID) -> PaymentMethod:
    """Two changes of one customer's methods wait for each other, so the default is moved once. Raises
    PaymentMethodNotFound."""
    found = (await uow.methods([method_id])).get(method_id)
    if found is not None:
        await uow.lock_customers([found.customer_id])
    return await uow.lock_method(method_id)
