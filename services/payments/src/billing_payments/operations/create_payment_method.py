"""A gateway's token becomes a customer's payment method."""

from collections.abc import Mapping
from dataclasses import replace

from billing_kernel.ids import uuid7

from billing_payments.domain import payment_method as rules
from billing_payments.domain.errors import UnknownGateway
from billing_payments.domain.events import PaymentMethodAttached
from billing_payments.domain.payment_method import MethodDraft, PaymentMethod
from billing_payments.operations.ports import AttachedToken, Gateway, UnitOfWork
from billing_payments.operations.wake_payments import wake_payments


async def attach_token(gateways: Mapping[str, Gateway], draft: MethodDraft) -> AttachedToken:
    """Outside of any transaction. Raises CardNumberRefused, UnknownGateway, UnknownToken."""
    rules.check_draft(draft)
    gateway = gateways.get(draft.gateway)
    if gateway is None:
        raise UnknownGateway("no such gateway", facts={"gateways": ", ".join(sorted(gateways))})
    return await gateway.attach(draft.token)


async def create_payment_method(uow: UnitOfWork, draft: MethodDraft, attached: AttachedToken) -> PaymentMethod:
    """The default when the customer has none; then payments that wait for a method become due."""
    await uow.lock_customers([draft.customer_id])
    others = await uow.default_methods([draft.customer_id])
    now = await uow.now()
    draft = replace(draft, token=attached.token)
    method = rules.attach(draft, method_id=uuid7(), label=attached.label, is_default=not others, now=now)
    await uow.insert_method(method)
    await uow.publish(PaymentMethodAttached(method, now))
    if method.is_default:
        await wake_payments(uow, method.customer_id, now=now)
    return method
