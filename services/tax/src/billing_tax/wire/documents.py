"""Documents to tax and taxed documents between protobuf and domain."""

from functools import lru_cache

from billing.common.v1 import tax_facts_pb2
from billing.tax.v1 import tax_document_pb2 as pb

from billing_tax.domain.document import Behavior, Line, LineTax, RoundingScope, TaxedDocument, TaxedLine, TaxOrder
from billing_tax.domain.place_of_supply import Assessment, Rule
from billing_tax.domain.places import Place
from billing_tax.domain.tax_ids import TaxId, TaxIdType
from billing_tax.wire.percents import percent_to_pb
from billing_tax.wire.values import CUSTOMER, SELLER, id_from_pb, instant_from_pb

TEMPLATES_MAX = 4_096

_ID_TYPES = {
    tax_facts_pb2.TAX_ID_TYPE_EU_VAT: TaxIdType.EU_VAT,
    tax_facts_pb2.TAX_ID_TYPE_GB_VAT: TaxIdType.GB_VAT,
    tax_facts_pb2.TAX_ID_TYPE_CH_UID: TaxIdType.CH_UID,
    tax_facts_pb2.TAX_ID_TYPE_NO_ORG: TaxIdType.NO_ORG,
    tax_facts_pb2.TAX_ID_TYPE_AU_ABN: TaxIdType.AU_ABN,
    tax_facts_pb2.TAX_ID_TYPE_OTHER: TaxIdType.OTHER,
}
assert set(_ID_TYPES.values()) == set(TaxIdType)

_BEHAVIORS = {
    tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE: Behavior.EXCLUSIVE,
    tax_facts_pb2.TAX_BEHAVIOR_INCLUSIVE: Behavior.INCLUSIVE,
}
assert set(_BEHAVIORS.values()) == set(Behavior)

_SCOPES = {
    pb.TAX_ROUNDING_UNSPECIFIED: RoundingScope.PER_LINE,
    pb.TAX_ROUNDING_PER_LINE: RoundingScope.PER_LINE,
    pb.TAX_ROUNDING_PER_TAX: RoundingScope.PER_TAX,
    pb.TAX_ROUNDING_PER_DOCUMENT: RoundingScope.PER_DOCUMENT,
}
_SCOPES_PB = {
    RoundingScope.PER_LINE: pb.TAX_ROUNDING_PER_LINE,
    RoundingScope.PER_TAX: pb.TAX_ROUNDING_PER_TAX,
    RoundingScope.PER_DOCUMENT: pb.TAX_ROUNDING_PER_DOCUMENT,
}
assert set(_SCOPES_PB) == set(RoundingScope)

_RULES_PB = {
    Rule.CUSTOMER_PLACE: pb.TAX_RULE_CUSTOMER_PLACE,
    Rule.DOMESTIC: pb.TAX_RULE_DOMESTIC,
    Rule.REVERSE_CHARGE: pb.TAX_RULE_REVERSE_CHARGE,
    Rule.EXEMPT: pb.TAX_RULE_EXEMPT,
    Rule.OUT_OF_SCOPE: pb.TAX_RULE_OUT_OF_SCOPE,
    Rule.NOT_REGISTERED: pb.TAX_RULE_NOT_REGISTERED,
}
assert set(_RULES_PB) == set(Rule)


def order_from_pb(document: pb.TaxDocument) -> TaxOrder:
    """Of a document that passed its rules. Raises InvalidId, InvalidTime."""
    facts = document.tax_facts
    return TaxOrder(
        seller_id=id_from_pb(SELLER, document.seller_id),
        seller_country=document.seller_country_code,
        customer_id=id_from_pb(CUSTOMER, document.customer_id) if document.customer_id else None,
        place=Place(facts.country_code, facts.region),
        tax_ids=tuple(TaxId(_ID_TYPES[tax_id.type], tax_id.value) for tax_id in facts.tax_ids),
        currency=document.currency_code,
        lines=tuple(_line_from_pb(line, index) for index, line in enumerate(document.lines)),
        scope=_SCOPES[document.rounding],
    )


def _line_from_pb(line: pb.TaxableLine, index: int) -> Line:
    return Line(
        line.reference,
        line.amount_minor,
        line.tax_category,
        _BEHAVIORS[line.tax_behavior],
        instant_from_pb(line.supply_time, f"lines[{index}].supply_time"),
    )


def document_to_pb(reference: str, document: TaxedDocument) -> pb.TaxedDocument:
    return pb.TaxedDocument(
        reference=reference,
        lines=map(_line_to_pb, document.lines),
        net_minor=document.net.minor,
        tax_minor=document.tax.minor,
    )


def _line_to_pb(line: TaxedLine) -> pb.TaxedLine:
    taxes = map(_tax_to_pb, line.taxes)
    return pb.TaxedLine(reference=line.reference, net_minor=line.net_minor, tax_minor=line.tax_minor, taxes=taxes)


def _tax_to_pb(tax: LineTax) -> pb.TaxAmount:
    message = pb.TaxAmount()
    message.CopyFrom(_template(tax.assessment, tax.scope))
    message.base_minor = tax.base_minor
    message.amount_minor = tax.amount_minor
    return message


@lru_cache(TEMPLATES_MAX)
def _template(assessment: Assessment, scope: RoundingScope) -> pb.TaxAmount:
    """All that is the same for every amount of one decision: a batch repeats few of them."""
    return pb.TaxAmount(
        name=assessment.name,
        country_code=assessment.place.country,
        region=assessment.place.region,
        rate_percent=percent_to_pb(assessment.percent),
        rule=_RULES_PB[assessment.rule],
        rate_date=assessment.rate_date.isoformat(),
        source=assessment.source,
        rounding=_SCOPES_PB[scope],
        legal_note=assessment.legal_note,
    )
