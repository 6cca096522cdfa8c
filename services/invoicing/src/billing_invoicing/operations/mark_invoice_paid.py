"""Money came out of band: a bank transfer, cash; for all that is due or for a part of it."""

from uuid import UUID

from billing_kernel.money import Money

from billing_invoicing.domain.events import payment_told
from billing_invoicing.domain.invoice import AppliedPayment, Invoice, out_of_band, with_payment
from billing_invoicing.operations.ports import UnitOfWork


async def mark_invoice_paid(uow: UnitOfWork, invoice_id: UUID, *, amount: Money | None, reference: str) -> Invoice:
    """Raises InvoiceNotFound, InvoiceNotOpen, CurrencyMismatch, AmountNotPositive, PaymentExceedsDue."""
    before = await uow.invoices.lock(invoice_id, lines=True)
    paid_minor = out_of_band(before, amount)
    now = await uow.now()
    payment = AppliedPayment(None, reference, paid_minor, now)
    after = with_payment(before, paid_minor, now=now)._replace(payments=(*before.payments, payment))
    await uow.invoices.apply(after, payment)
    await uow.invoices.save([after])
    await uow.publish(payment_told(after, now))
    return after
