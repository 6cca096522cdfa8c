"""A payment method becomes the default or gets other labels."""

from uuid import UUID

from billing_payments.domain import payment_method as rules
from billing_payments.domain.etag import check_etag
from billing_payments.domain.payment_method import MethodChange, PaymentMethod
from billing_payments.operations.lock_method import lock_method
from billing_payments.operations.ports import UnitOfWork
from billing_payments.operations.wake_payments import wake_payments


async def update_payment_method(uow: UnitOfWork, method_id: UUID, change: MethodChange, etag: str) -> PaymentMethod:
    """The old default steps back. Raises PaymentMethodNotFound, MethodIsDetached, Conflict, DefaultRequired,
    CardNumberRefused."""
    before = await lock_method(uow, method_id)
    check_etag(etag, before.version)
    now = await uow.now()
    after = rules.change(before, change, now=now)
    if not after.is_default or before.is_default:
        await uow.save_methods(after)
        return after
    others = (await uow.default_methods([after.customer_id])).values()
    await uow.save_methods(*(rules.step_back(other, now=now) for other in others), after)
    await wake_payments(uow, after.customer_id, now=now)
    return after
