"""Payments in: what was collected, and that collection was tried at all (the test clock waits for that)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from billing.payments.v1 import events_pb2
from billing_runtime.consumer import Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_invoicing.operations.apply_payments import Collected, apply_payments
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.wire.values import INVOICE, PAYMENT, id_from_pb, money_from_pb

TOPIC = "billing.payments.v1"

Unit = Callable[[Transaction], UnitOfWork]


def payment_handlers(unit: Unit) -> Mapping[str, Handler]:
    """By event type."""

    async def succeeded(tx: Transaction, events: Sequence[tuple[Received, Any]]) -> None:
        await apply_payments(unit(tx), [_collected(received, message.payment) for received, message in events])

    async def tried(tx: Transaction, events: Sequence[tuple[Received, Any]]) -> None:
        invoice_ids = [id_from_pb(INVOICE, message.payment.invoice_id) for _, message in events]
        await unit(tx).invoices.tried(invoice_ids, events[0][0].effective_at)

    return {
        _type(events_pb2.PaymentSucceeded): Handler(events_pb2.PaymentSucceeded, succeeded),
        _type(events_pb2.PaymentFailed): Handler(events_pb2.PaymentFailed, tried),
        _type(events_pb2.PaymentRequiresAction): Handler(events_pb2.PaymentRequiresAction, tried),
    }


def _collected(received: Received, payment: events_pb2.PaymentFacts) -> Collected:
    return Collected(
        payment_id=id_from_pb(PAYMENT, payment.payment_id),
        invoice_id=id_from_pb(INVOICE, payment.invoice_id),
        amount=money_from_pb(payment.amount),
        paid_at=received.effective_at,
        cause=received,
    )


def _type(message: Any) -> str:
    return str(message.DESCRIPTOR.full_name)
