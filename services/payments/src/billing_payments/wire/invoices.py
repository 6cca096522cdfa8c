"""Facts of invoices, as invoicing tells them."""

from datetime import datetime

from billing.common.v1.collection_pb2 import COLLECTION_METHOD_CHARGE
from billing.invoicing.v1.events_pb2 import InvoiceFacts

from billing_payments.operations.open_payments import Collectable
from billing_payments.wire.values import CUSTOMER, INVOICE, SUBSCRIPTION, id_from_pb, money_from_pb


def collectable_from_pb(invoice: InvoiceFacts, at: datetime) -> Collectable | None:
    """None for an invoice that is sent and not charged. Raises InvalidId, UnknownCurrency."""
    if invoice.collection_method != COLLECTION_METHOD_CHARGE:
        return None
    return Collectable(
        invoice_id=id_from_pb(INVOICE, invoice.invoice_id),
        customer_id=id_from_pb(CUSTOMER, invoice.customer_id),
        subscription_ids=tuple(id_from_pb(SUBSCRIPTION, each) for each in invoice.subscription_ids),
        due=money_from_pb(invoice.due),
        version=invoice.version,
        at=at,
    )
