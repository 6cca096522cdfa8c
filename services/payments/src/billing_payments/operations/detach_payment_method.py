"""A payment method is never charged again."""

from uuid import UUID

from billing_payments.domain import payment_method as rules
from billing_payments.domain.etag import check_etag
from billing_payments.domain.events import PaymentMethodDetached
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.operations.lock_method import lock_method
from billing_payments.operations.ports import UnitOfWork


async def detach_payment_method(uow: UnitOfWork, method_id: UUID, etag: str) -> PaymentMethod:
    """No other one becomes the default. Raises PaymentMethodNotFound, MethodIsDetached, Conflict."""
    before = await lock_method(uow, method_id)
    check_etag(etag, before.version)
    now = await uow.now()
    after = rules.detach(before, now=now)
    await uow.save_methods(after)
    await uow.publish(PaymentMethodDetached(after, now))
    return after
