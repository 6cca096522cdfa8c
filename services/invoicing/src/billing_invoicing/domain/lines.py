"""A charge becomes a line of an invoice: the one place that carries its fields over."""

from uuid import UUID

from billing_invoicing.domain.due import Charge, TaxedLine
from billing_invoicing.domain.invoice import Line


def line_of(line_id: UUID, position: int, charge: Charge, tax: TaxedLine) -> Line:
    """The line of a charge that is priced, discounted and taxed."""
    return Line(
        line_id,
        charge.charge_id,
        position,
        charge.description,
        charge.code,
        charge.period_start,
        charge.period_end,
        charge.quantity,
        charge.unit_amount,
        charge.exact,
        charge.amount_minor,
        tax.net_minor,
        tax.tax_minor,
        charge.tax_behavior,
        tax.taxes,
        charge.explanation,
        charge.rating_id,
        charge.event_count,
        charge.discount_minor,
        charge.discounts,
        None,
        charge.reason,
        charge.proration,
        charge.when,
        charge.settlement,
    )
