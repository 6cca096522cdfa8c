"""Invoices between domain and protobuf."""

from billing.common.v1 import money_pb2, period_pb2
from billing.invoicing.v1 import events_pb2, invoice_pb2

from billing_invoicing.domain.due import LineDiscount, LineTax
from billing_invoicing.domain.invoice import AppliedPayment, CreditedLine, Invoice, Line, State, TaxSum
from billing_invoicing.domain.printing import line_sentence
from billing_invoicing.domain.seller import Party
from billing_invoicing.wire.values import (
    BEHAVIORS_TO_PB,
    COLLECTIONS_TO_PB,
    CUSTOMER,
    INVOICE,
    LINE,
    PAYMENT,
    REDEMPTION,
    RUN,
    SELLER,
    SUBSCRIPTION,
    cached_id_to_pb,
    id_to_pb,
    instant_to_pb,
    party_to_pb,
    tax_ids_to_pb,
)

STATES = {
    State.DRAFT: invoice_pb2.INVOICE_STATE_DRAFT,
    State.OPEN: invoice_pb2.INVOICE_STATE_OPEN,
    State.PAID: invoice_pb2.INVOICE_STATE_PAID,
    State.VOID: invoice_pb2.INVOICE_STATE_VOID,
}
assert set(STATES) == set(State)
_STATES_FROM_PB = {int(number): state for state, number in STATES.items()}


def state_from_pb(number: int) -> State | None:
    """None for UNSPECIFIED: no filter."""
    return _STATES_FROM_PB.get(number)


def invoice_to_pb(invoice: Invoice, party: Party | None = None) -> invoice_pb2.Invoice:
    """The resource; `party` is the frozen copy where there is one. A preview has no id and no etag."""
    preview = invoice.version == 0
    return invoice_pb2.Invoice(
        invoice_id="" if preview else id_to_pb(INVOICE, invoice.invoice_id),
        number=invoice.number,
        state=STATES[invoice.state],
        seller_id=id_to_pb(SELLER, invoice.seller_id),
        customer_id=id_to_pb(CUSTOMER, invoice.customer_id),
        subscription_id=id_to_pb(SUBSCRIPTION, invoice.subscription_id),
        run_id=id_to_pb(RUN, invoice.run_id),
        currency_code=invoice.currency,
        lines=[_line_to_pb(line, invoice.currency, preview) for line in invoice.lines],
        net_minor=invoice.net_minor,
        tax_minor=invoice.tax_minor,
        total_minor=invoice.total_minor,
        paid_minor=invoice.paid_minor,
        due_minor=invoice.due_minor,
        tax_summary=[_sum_to_pb(tax) for tax in invoice.tax_summary],
        collection_method=COLLECTIONS_TO_PB[invoice.collection],
        invoice_time=instant_to_pb(invoice.invoice_at),
        due_time=instant_to_pb(invoice.due_at),
        finalize_time=instant_to_pb(invoice.finalized_at),
        paid_time=instant_to_pb(invoice.paid_at),
        content_hash=invoice.content_hash,
        customer_party=party_to_pb(party) if party else None,
        customer_tax_ids=tax_ids_to_pb(invoice.tax_ids),
        etag="" if preview else str(invoice.version),
        create_time=None if preview else instant_to_pb(invoice.created_at),
        update_time=None if preview else instant_to_pb(invoice.updated_at),
        metadata=invoice.metadata,
        payments=[_payment_to_pb(payment) for payment in invoice.payments],
        discount_minor=invoice.discount_minor,
        credit_applied_minor=invoice.credit_applied_minor,
        credit_granted_minor=invoice.credit_granted_minor,
    )


def preview_to_pb(invoice: Invoice, party: Party | None) -> invoice_pb2.Invoice:
    """An invoice that does not exist yet."""
    return invoice_to_pb(invoice._replace(version=0), party)


def _line_to_pb(line: Line, currency: str, preview: bool) -> invoice_pb2.InvoiceLine:
    return invoice_pb2.InvoiceLine(
        line_id="" if preview else id_to_pb(LINE, line.line_id),
        charge_id=str(line.charge_id),
        position=line.position,
        description=line.description,
        code=line.code,
        service_period=period_pb2.Period(start=instant_to_pb(line.period_start), end=instant_to_pb(line.period_end)),
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        exact_amount=money_pb2.ExactAmount(
            currency_code=currency, numerator=line.exact.numerator, denominator=line.exact.denominator
        ),
        amount_minor=line.amount_minor,
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        tax_behavior=BEHAVIORS_TO_PB[line.tax_behavior],
        taxes=[_tax_to_pb(tax) for tax in line.taxes],
        explanation=line.explanation,
        explanation_sentence=line_sentence(line, currency),
        rating_id=str(line.rating_id) if line.rating_id else "",
        event_count=line.event_count,
        discount_minor=line.discount_minor,
        discounts=[_discount_to_pb(discount) for discount in line.discounts],
        credit_of=_credit_of_to_pb(line.credit_of) if line.credit_of else None,
        reason=line.reason,
        proration=line.proration,
        when=line.when,
        settlement=line.settlement,
    )


def _discount_to_pb(discount: LineDiscount) -> invoice_pb2.LineDiscount:
    return invoice_pb2.LineDiscount(
        redemption_id=id_to_pb(REDEMPTION, discount.redemption_id),
        coupon_code=discount.coupon_code,
        percent=discount.percent,
        amount_minor=discount.amount_minor,
    )


def _credit_of_to_pb(of: CreditedLine) -> invoice_pb2.LineCreditOf:
    return invoice_pb2.LineCreditOf(
        charge_id=str(of.charge_id), invoice_id=id_to_pb(INVOICE, of.invoice_id), line_id=id_to_pb(LINE, of.line_id)
    )


def _tax_to_pb(tax: LineTax) -> invoice_pb2.LineTax:
    return invoice_pb2.LineTax(
        name=tax.name,
        country_code=tax.country,
        region=tax.region,
        rate_percent=tax.rate_percent,
        base_minor=tax.base_minor,
        amount_minor=tax.amount_minor,
        rule=tax.rule,
        rate_date=tax.rate_date,
        rounding=tax.rounding,
        source=tax.source,
        legal_note=tax.legal_note,
    )


def _sum_to_pb(tax: TaxSum) -> invoice_pb2.TaxSummary:
    return invoice_pb2.TaxSummary(
        name=tax.name,
        country_code=tax.country,
        region=tax.region,
        rate_percent=tax.rate_percent,
        base_minor=tax.base_minor,
        amount_minor=tax.amount_minor,
        rule=tax.rule,
        legal_note=tax.legal_note,
    )


def _payment_to_pb(payment: AppliedPayment) -> invoice_pb2.AppliedPayment:
    return invoice_pb2.AppliedPayment(
        payment_id=id_to_pb(PAYMENT, payment.payment_id),
        reference=payment.reference,
        amount_minor=payment.amount_minor,
        paid_time=instant_to_pb(payment.paid_at),
        unapplied_minor=payment.unapplied_minor,
    )


def invoice_facts_to_pb(invoice: Invoice) -> events_pb2.InvoiceFacts:
    """Without personal data."""
    currency = invoice.currency
    return events_pb2.InvoiceFacts(
        invoice_id=id_to_pb(INVOICE, invoice.invoice_id),
        version=invoice.version,
        number=invoice.number,
        seller_id=cached_id_to_pb(SELLER, invoice.seller_id),
        customer_id=id_to_pb(CUSTOMER, invoice.customer_id),
        subscription_ids=(id_to_pb(SUBSCRIPTION, invoice.subscription_id),),
        run_id=cached_id_to_pb(RUN, invoice.run_id) if invoice.run_id else "",
        total=money_pb2.Money(currency_code=currency, amount_minor=invoice.total_minor),
        tax=money_pb2.Money(currency_code=currency, amount_minor=invoice.tax_minor),
        due=money_pb2.Money(currency_code=currency, amount_minor=invoice.due_minor),
        collection_method=COLLECTIONS_TO_PB[invoice.collection],
        invoice_time=instant_to_pb(invoice.invoice_at),
        due_time=instant_to_pb(invoice.due_at),
        content_hash=invoice.content_hash,
        credit_applied=_money(invoice.credit_applied_minor, currency) if invoice.credit_applied_minor else None,
        credit_granted=_money(invoice.credit_granted_minor, currency) if invoice.credit_granted_minor else None,
    )


def _money(amount_minor: int, currency: str) -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, amount_minor=amount_minor)
