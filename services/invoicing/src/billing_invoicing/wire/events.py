"""Domain event -> topic, key, type and payload. The key is the customer that pays; else the aggregate."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from billing.invoicing.v1 import events_pb2 as pb
from billing_runtime.events import Event
from google.protobuf.message import Message

from billing_invoicing.domain.due import Outcome, Settlement
from billing_invoicing.domain.events import (
    DueSettled,
    InvoiceFinalized,
    InvoicePaid,
    InvoicePartlyPaid,
    InvoiceVoided,
    InvoicingEvent,
    RunCompleted,
    SellerCreated,
    SellerUpdated,
)
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.domain.seller import Seller
from billing_invoicing.wire.invoices import invoice_facts_to_pb
from billing_invoicing.wire.sellers import seller_facts_to_pb
from billing_invoicing.wire.values import CUSTOMER, INVOICE, RUN, SUBSCRIPTION, cached_id_to_pb, id_to_pb, instant_to_pb

TOPIC = "billing.invoicing.v1"

OUTCOMES = {
    Outcome.INVOICED: pb.SETTLEMENT_OUTCOME_INVOICED,
    Outcome.PARKED: pb.SETTLEMENT_OUTCOME_PARKED,
    Outcome.NOTHING_TO_BILL: pb.SETTLEMENT_OUTCOME_NOTHING_TO_BILL,
}
assert set(OUTCOMES) == set(Outcome)
_FINALIZED, _PAID, _PARTLY_PAID, _VOIDED, _SETTLED, _COMPLETED, _CREATED, _UPDATED = (
    str(message.DESCRIPTOR.full_name)
    for message in (
        pb.InvoiceFinalized,
        pb.InvoicePaid,
        pb.InvoicePartlyPaid,
        pb.InvoiceVoided,
        pb.BillingDueSettled,
        pb.BillingRunCompleted,
        pb.SellerCreated,
        pb.SellerUpdated,
    )
)


def event_to_pb(event: InvoicingEvent) -> Event:
    """The event as it is published; its sequence is the version of the aggregate."""
    return _WRITERS[type(event)](event)


def _of_seller(kind: str, payload: Message, seller: Seller, at: datetime) -> Event:
    name = seller_facts_to_pb(seller).seller_id
    return Event(TOPIC, name, kind, name, payload, at, seller.version)


def _of_invoice(kind: str, payload: Message, invoice: Invoice, facts: pb.InvoiceFacts, at: datetime) -> Event:
    return Event(TOPIC, facts.customer_id, kind, facts.invoice_id, payload, at, invoice.version)


def _created(event: SellerCreated) -> Event:
    payload = pb.SellerCreated(seller=seller_facts_to_pb(event.seller))
    return _of_seller(_CREATED, payload, event.seller, event.effective_at)


def _updated(event: SellerUpdated) -> Event:
    payload = pb.SellerUpdated(seller=seller_facts_to_pb(event.seller))
    return _of_seller(_UPDATED, payload, event.seller, event.effective_at)


def _finalized(event: InvoiceFinalized) -> Event:
    facts = invoice_facts_to_pb(event.invoice)
    return _of_invoice(_FINALIZED, pb.InvoiceFinalized(invoice=facts), event.invoice, facts, event.effective_at)


def _paid(event: InvoicePaid) -> Event:
    facts = invoice_facts_to_pb(event.invoice)
    return _of_invoice(_PAID, pb.InvoicePaid(invoice=facts), event.invoice, facts, event.effective_at)


def _partly_paid(event: InvoicePartlyPaid) -> Event:
    facts = invoice_facts_to_pb(event.invoice)
    return _of_invoice(_PARTLY_PAID, pb.InvoicePartlyPaid(invoice=facts), event.invoice, facts, event.effective_at)


def _voided(event: InvoiceVoided) -> Event:
    facts = invoice_facts_to_pb(event.invoice)
    payload = pb.InvoiceVoided(invoice=facts, reason=event.reason)
    return _of_invoice(_VOIDED, payload, event.invoice, facts, event.effective_at)


def _settled(event: DueSettled) -> Event:
    payload = settlement_to_pb(event.settlement)
    payer = id_to_pb(CUSTOMER, event.settlement.payer_id)
    return Event(TOPIC, payer, _SETTLED, payload.due_id, payload, event.effective_at)


def settlement_to_pb(settlement: Settlement) -> pb.BillingDueSettled:
    return pb.BillingDueSettled(
        due_id=str(settlement.due_id),
        run_id=cached_id_to_pb(RUN, settlement.run_id) if settlement.run_id else "",
        subscription_id=id_to_pb(SUBSCRIPTION, settlement.subscription_id),
        outcome=OUTCOMES[settlement.outcome],
        invoice_id=id_to_pb(INVOICE, settlement.invoice_id),
        reason=settlement.reason,
    )


def _completed(event: RunCompleted) -> Event:
    run, tally = event.run, event.tally
    payload = pb.BillingRunCompleted(
        run_id=id_to_pb(RUN, run.run_id),
        as_of=instant_to_pb(run.as_of),
        settled=tally.settled,
        parked=tally.parked,
        invoices=tally.invoices,
    )
    return Event(TOPIC, payload.run_id, _COMPLETED, payload.run_id, payload, event.effective_at, run.version)


_WRITERS: Mapping[type[Any], Callable[[Any], Event]] = {
    SellerCreated: _created,
    SellerUpdated: _updated,
    InvoiceFinalized: _finalized,
    InvoicePaid: _paid,
    InvoicePartlyPaid: _partly_paid,
    InvoiceVoided: _voided,
    DueSettled: _settled,
    RunCompleted: _completed,
}
