"""What this service hears: settlements and paid invoices of invoicing, failed payments and methods of payments."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from billing.invoicing.v1 import events_pb2 as invoicing
from billing.payments.v1 import events_pb2 as payments
from billing_runtime.consumer import Consumer, Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_subscriptions.operations.ports import Outcome, Settlement, UnitOfWork
from billing_subscriptions.operations.record_standing import Standing, record_paid, record_unpaid
from billing_subscriptions.operations.settle_dues import settle_dues
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import customer_uuid, invoice_uuid, payment_method_uuid, subscription_uuid

NAME = "subscriptions"
TOPICS = ("billing.invoicing.v1", "billing.payments.v1")
OUTCOMES = EnumTable(invoicing.SettlementOutcome, Outcome, "SETTLEMENT_OUTCOME_")

Work = Callable[[Transaction], UnitOfWork]
PaidOrVoid = invoicing.InvoicePaid | invoicing.InvoiceVoided
Method = payments.PaymentMethodAttached | payments.PaymentMethodDetached


def consumer(work: Work) -> Consumer:
    """`work` makes the unit of work of a handler's transaction."""

    async def settled(tx: Transaction, events: Sequence[tuple[Received, invoicing.BillingDueSettled]]) -> None:
        settlements = [Settlement(UUID(each.due_id), OUTCOMES.from_pb(each.outcome)) for _, each in events]
        await settle_dues(work(tx), settlements)

    async def failed(tx: Transaction, events: Sequence[tuple[Received, payments.PaymentFailed]]) -> None:
        await record_unpaid(work(tx), [each for event, message in events for each in _of_payment(event, message)])

    async def paid(tx: Transaction, events: Sequence[tuple[Received, PaidOrVoid]]) -> None:
        """Paid or void: neither waits for money, but only the first begins what waited for its first payment."""
        await record_paid(work(tx), [each for event, message in events for each in _of_invoice(event, message)])

    async def attached(tx: Transaction, events: Sequence[tuple[Received, payments.PaymentMethodAttached]]) -> None:
        await work(tx).payment_methods.attach([_method(message) for _, message in events])

    async def detached(tx: Transaction, events: Sequence[tuple[Received, payments.PaymentMethodDetached]]) -> None:
        await work(tx).payment_methods.detach([_method(message) for _, message in events])

    handlers: Mapping[str, Handler] = {
        str(message.DESCRIPTOR.full_name): Handler(message, handle)
        for message, handle in (
            (invoicing.BillingDueSettled, settled),
            (invoicing.InvoicePaid, paid),
            (invoicing.InvoiceVoided, paid),
            (payments.PaymentFailed, failed),
            (payments.PaymentMethodAttached, attached),
            (payments.PaymentMethodDetached, detached),
        )
    }
    return Consumer(NAME, TOPICS, handlers)


def _of_payment(event: Received, message: payments.PaymentFailed) -> list[Standing]:
    return _standings(event, message.payment.invoice_id, message.payment.subscription_ids)


def _of_invoice(event: Received, message: PaidOrVoid) -> list[Standing]:
    paid = isinstance(message, invoicing.InvoicePaid)
    return _standings(event, message.invoice.invoice_id, message.invoice.subscription_ids, paid=paid)


def _standings(
    event: Received, invoice_id: str, subscription_ids: Sequence[str], *, paid: bool = False
) -> list[Standing]:
    if not subscription_ids:
        return []
    invoice = invoice_uuid(invoice_id)
    return [Standing(subscription_uuid(each), invoice, event.effective_at, paid) for each in subscription_ids]


def _method(message: Method) -> tuple[UUID, UUID]:
    return customer_uuid(message.customer_id), payment_method_uuid(message.payment_method_id)
