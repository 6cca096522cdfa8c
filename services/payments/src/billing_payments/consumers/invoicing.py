"""billing.invoicing.v1: finalised invoices are collected, partly paid ones for the rest, paid and voided ones not."""

from collections.abc import Callable, Sequence

from billing.invoicing.v1.events_pb2 import InvoiceFinalized, InvoicePaid, InvoicePartlyPaid, InvoiceVoided
from billing_runtime.consumer import Consumer, Handler
from billing_runtime.events import Received
from billing_runtime.transaction import Transaction

from billing_payments.operations.cancel_payments import Settled, cancel_payments
from billing_payments.operations.open_payments import open_payments
from billing_payments.operations.ports import UnitOfWork
from billing_payments.operations.take_rests import PartlyPaid, take_rests
from billing_payments.wire.invoices import collectable_from_pb
from billing_payments.wire.values import INVOICE, id_from_pb, money_from_pb

TOPIC = "billing.invoicing.v1"

UnitOf = Callable[[Transaction], UnitOfWork]


def invoicing_consumer(unit_of: UnitOf) -> Consumer:
    """`unit_of` gives the unit of work of the transaction that the runtime has begun."""

    async def finalized(tx: Transaction, events: Sequence[tuple[Received, InvoiceFinalized]]) -> None:
        invoices = [collectable_from_pb(message.invoice, received.effective_at) for received, message in events]
        await open_payments(unit_of(tx), [invoice for invoice in invoices if invoice is not None])

    async def partly_paid(tx: Transaction, events: Sequence[tuple[Received, InvoicePartlyPaid]]) -> None:
        await take_rests(unit_of(tx), [_partly_paid(received, message) for received, message in events])

    async def settled(tx: Transaction, events: Sequence[tuple[Received, InvoicePaid | InvoiceVoided]]) -> None:
        await cancel_payments(unit_of(tx), [_settled(received, message) for received, message in events])

    handlers = {
        "billing.invoicing.v1.InvoiceFinalized": Handler(InvoiceFinalized, finalized),
        "billing.invoicing.v1.InvoicePartlyPaid": Handler(InvoicePartlyPaid, partly_paid),
        "billing.invoicing.v1.InvoicePaid": Handler(InvoicePaid, settled),
        "billing.invoicing.v1.InvoiceVoided": Handler(InvoiceVoided, settled),
    }
    return Consumer("payments", [TOPIC], handlers)


def _partly_paid(received: Received, message: InvoicePartlyPaid) -> PartlyPaid:
    invoice, at = message.invoice, received.effective_at
    invoice_id, rest = id_from_pb(INVOICE, invoice.invoice_id), money_from_pb(invoice.due)
    return PartlyPaid(invoice_id, invoice.version, rest, at, received)


def _settled(received: Received, message: InvoicePaid | InvoiceVoided) -> Settled:
    return Settled(id_from_pb(INVOICE, message.invoice.invoice_id), received.effective_at, received)
