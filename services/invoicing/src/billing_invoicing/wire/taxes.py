"""What tax is asked and answers about dues."""

from functools import lru_cache

from billing.tax.v1 import tax_document_pb2, tax_service_pb2

from billing_invoicing.domain.due import Due, LineTax, Refusal, TaxedLine
from billing_invoicing.domain.seller import Seller
from billing_invoicing.wire.dues import facts_to_pb
from billing_invoicing.wire.values import BEHAVIORS_TO_PB, CUSTOMER, SELLER, cached_id_to_pb, id_to_pb, instant_to_pb


def document_to_pb(due: Due, seller: Seller) -> tax_document_pb2.TaxDocument:
    """A due whose charges are all priced: what is left of them after discounts. Credits are not asked about."""
    return tax_document_pb2.TaxDocument(
        reference=str(due.due_id),
        seller_id=cached_id_to_pb(SELLER, seller.seller_id),
        seller_country_code=seller.party.country,
        customer_id=id_to_pb(CUSTOMER, due.payer_id),
        tax_facts=facts_to_pb(due.tax_facts),
        currency_code=due.currency,
        lines=[
            tax_document_pb2.TaxableLine(
                reference=str(charge.charge_id),
                amount_minor=charge.taxable_minor,
                tax_category=charge.tax_category,
                tax_behavior=BEHAVIORS_TO_PB[charge.tax_behavior],
                supply_time=instant_to_pb(charge.supply_at),
            )
            for charge in due.taxable
        ],
    )


def answer_from_pb(answer: tax_service_pb2.TaxAnswer) -> tuple[TaxedLine, ...] | Refusal:
    if answer.WhichOneof("answer") != "document":
        return Refusal(answer.error.reason or "NOT_TAXED", answer.error.message)
    return tuple([_line(line) for line in answer.document.lines])


def _line(line: tax_document_pb2.TaxedLine) -> TaxedLine:
    return TaxedLine(line.net_minor, line.tax_minor, tuple([_tax(tax.SerializeToString()) for tax in line.taxes]))


@lru_cache(maxsize=4096)
def _tax(content: bytes) -> LineTax:
    """Lines of a run share their taxes: equal bytes are read once."""
    tax = tax_document_pb2.TaxAmount.FromString(content)
    return LineTax(
        tax.name,
        tax.country_code,
        tax.region,
        tax.rate_percent,
        tax.base_minor,
        tax.amount_minor,
        tax_document_pb2.TaxRule.Name(tax.rule).removeprefix("TAX_RULE_"),
        tax.rate_date,
        tax_document_pb2.TaxRounding.Name(tax.rounding).removeprefix("TAX_ROUNDING_"),
        tax.source,
        tax.legal_note,
    )
