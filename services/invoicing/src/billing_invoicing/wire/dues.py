"""BillingDue and its charges, both ways: from the event, and into the payload of a parked due."""

from collections.abc import Sequence

from billing.common.v1 import money_pb2, period_pb2, tax_facts_pb2
from billing.subscriptions.v1 import events_pb2, plan_pb2
from billing_kernel.errors import Invalid

from billing_invoicing.domain.due import Charge, Due, Exact, TaxFacts
from billing_invoicing.wire.values import (
    BEHAVIORS_TO_PB,
    COLLECTIONS_TO_PB,
    CUSTOMER,
    ITEM,
    PARTY,
    PRICE,
    RUN,
    SELLER,
    SUBSCRIPTION,
    behavior_from_pb,
    cached_id_from_pb,
    collection_from_pb,
    id_from_pb,
    id_to_pb,
    instant_from_pb,
    instant_to_pb,
    tax_ids_from_pb,
    tax_ids_to_pb,
    uuid_from_pb,
)

METERED = plan_pb2.PLAN_ITEM_KIND_METERED
NO_AMOUNT = Exact("0", "1")


class DueIncomplete(Invalid):
    """A due whose parts do not belong together, or a charge without an amount."""

    reason = "DUE_INCOMPLETE"


def due_from_pb(due: events_pb2.BillingDue) -> Due:
    """A whole due. Raises InvalidId, InvalidTime, ValueUnspecified, DueIncomplete."""
    customer_id = id_from_pb(CUSTOMER, due.customer_id)
    same = due.payer_customer_id in ("", due.customer_id)
    return Due(
        due_id=uuid_from_pb(due.due_id, "due_id"),
        run_id=cached_id_from_pb(RUN, due.run_id) if due.run_id else None,
        subscription_id=id_from_pb(SUBSCRIPTION, due.subscription_id),
        subscription_version=due.subscription_version,
        customer_id=customer_id,
        payer_id=customer_id if same else id_from_pb(CUSTOMER, due.payer_customer_id),
        party_id=id_from_pb(PARTY, due.party_id),
        party_version=due.party_version,
        seller_id=cached_id_from_pb(SELLER, due.seller_id) if due.seller_id else None,
        currency=due.currency_code,
        collection=collection_from_pb(due.collection_method),
        net_terms_days=due.net_terms_days,
        tax_facts=_facts(due.tax_facts),
        effective_at=instant_from_pb(due.effective_time, "effective_time"),
        charges=tuple([_charge(charge, due.currency_code) for charge in due.charges]),
    )


def _facts(facts: tax_facts_pb2.TaxFacts) -> TaxFacts:
    return TaxFacts(facts.country_code, facts.region, tax_ids_from_pb(facts.tax_ids))


def _charge(charge: events_pb2.Charge, currency: str) -> Charge:
    metered = charge.kind == METERED
    if charge.kind == plan_pb2.PLAN_ITEM_KIND_UNSPECIFIED:
        raise DueIncomplete("the kind of a charge is unspecified", facts={"charge_id": charge.charge_id})
    period = charge.service_period
    amount_minor, exact = (0, NO_AMOUNT) if metered else _amount(charge, currency)
    return Charge(
        uuid_from_pb(charge.charge_id, "charge_id"),
        metered,
        id_from_pb(ITEM, charge.subscription_item_id) if metered else None,
        cached_id_from_pb(PRICE, charge.price_id) if metered else None,
        charge.code,
        charge.description,
        instant_from_pb(period.start, "service_period.start"),
        instant_from_pb(period.end, "service_period.end"),
        charge.quantity,
        charge.unit_amount,
        exact,
        amount_minor,
        charge.explanation,
        charge.tax_category,
        behavior_from_pb(charge.tax_behavior),
        instant_from_pb(charge.supply_time, "supply_time"),
    )


def _amount(charge: events_pb2.Charge, currency: str) -> tuple[int, Exact]:
    amount, exact = charge.amount, charge.exact_amount
    if amount.currency_code != currency or exact.currency_code != currency:
        raise DueIncomplete("a charge has no amount in the currency of its due", facts={"charge_id": charge.charge_id})
    return amount.amount_minor, Exact(exact.numerator, exact.denominator)


def due_to_pb(due: Due) -> events_pb2.BillingDue:
    """The inverse of due_from_pb."""
    return events_pb2.BillingDue(
        due_id=str(due.due_id),
        part=1,
        parts=1,
        run_id=id_to_pb(RUN, due.run_id),
        subscription_id=id_to_pb(SUBSCRIPTION, due.subscription_id),
        subscription_version=due.subscription_version,
        customer_id=id_to_pb(CUSTOMER, due.customer_id),
        payer_customer_id=id_to_pb(CUSTOMER, due.payer_id),
        party_id=id_to_pb(PARTY, due.party_id),
        party_version=due.party_version,
        seller_id=id_to_pb(SELLER, due.seller_id),
        currency_code=due.currency,
        collection_method=COLLECTIONS_TO_PB[due.collection],
        net_terms_days=due.net_terms_days,
        tax_facts=facts_to_pb(due.tax_facts),
        effective_time=instant_to_pb(due.effective_at),
        charges=[_charge_to_pb(charge, due.currency) for charge in due.charges],
    )


def facts_to_pb(facts: TaxFacts) -> tax_facts_pb2.TaxFacts:
    return tax_facts_pb2.TaxFacts(
        country_code=facts.country, region=facts.region, tax_ids=tax_ids_to_pb(facts.tax_ids) if facts.tax_ids else ()
    )


def _charge_to_pb(charge: Charge, currency: str) -> events_pb2.Charge:
    made = events_pb2.Charge(
        charge_id=str(charge.charge_id),
        kind=METERED if charge.metered else plan_pb2.PLAN_ITEM_KIND_FLAT,
        subscription_item_id=id_to_pb(ITEM, charge.item_id),
        price_id=id_to_pb(PRICE, charge.price_id),
        code=charge.code,
        description=charge.description,
        service_period=period_pb2.Period(
            start=instant_to_pb(charge.period_start), end=instant_to_pb(charge.period_end)
        ),
        unit_amount=charge.unit_amount,
        tax_category=charge.tax_category,
        tax_behavior=BEHAVIORS_TO_PB[charge.tax_behavior],
        supply_time=instant_to_pb(charge.supply_at),
    )
    if not charge.metered:
        made.quantity, made.explanation = charge.quantity, charge.explanation
        made.amount.CopyFrom(money_pb2.Money(currency_code=currency, amount_minor=charge.amount_minor))
        made.exact_amount.CopyFrom(
            money_pb2.ExactAmount(
                currency_code=currency, numerator=charge.exact.numerator, denominator=charge.exact.denominator
            )
        )
    return made


def joined(parts: Sequence[events_pb2.BillingDue]) -> events_pb2.BillingDue:
    """The due that all its parts make up, in the order of their numbers. Raises DueIncomplete."""
    ordered = sorted(parts, key=lambda part: part.part)
    if [part.part for part in ordered] != list(range(1, ordered[0].parts + 1)):
        raise DueIncomplete("the parts of a due do not belong together", facts={"due_id": ordered[0].due_id})
    whole = events_pb2.BillingDue()
    whole.CopyFrom(ordered[0])
    for part in ordered[1:]:
        whole.charges.extend(part.charges)
    whole.part = whole.parts = 1
    return whole
