"""BillingDue, both ways: from the event, and into the payload of a parked due. Its charges are in `charges`."""

from collections.abc import Sequence

from billing.common.v1 import tax_facts_pb2
from billing.subscriptions.v1 import events_pb2

from billing_invoicing.domain.due import Due, TaxFacts
from billing_invoicing.wire.charges import (
    DueIncomplete,
    charge_from_pb,
    charge_to_pb,
    commitment_from_pb,
    commitment_to_pb,
    discount_from_pb,
    discount_to_pb,
)
from billing_invoicing.wire.values import (
    COLLECTIONS_TO_PB,
    CUSTOMER,
    PARTY,
    RUN,
    SELLER,
    SUBSCRIPTION,
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
        charges=tuple([charge_from_pb(charge, due.currency_code) for charge in due.charges]),
        discounts=tuple([discount_from_pb(discount, due.currency_code) for discount in due.discounts]),
        commitment=commitment_from_pb(due.commitment, due.currency_code) if due.HasField("commitment") else None,
    )


def _facts(facts: tax_facts_pb2.TaxFacts) -> TaxFacts:
    return TaxFacts(facts.country_code, facts.region, tax_ids_from_pb(facts.tax_ids))


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
        charges=[charge_to_pb(charge, due.currency) for charge in due.charges],
        discounts=[discount_to_pb(discount, due.currency) for discount in due.discounts],
        commitment=commitment_to_pb(due.commitment, due.currency) if due.commitment else None,
    )


def facts_to_pb(facts: TaxFacts) -> tax_facts_pb2.TaxFacts:
    return tax_facts_pb2.TaxFacts(
        country_code=facts.country, region=facts.region, tax_ids=tax_ids_to_pb(facts.tax_ids) if facts.tax_ids else ()
    )


def joined(parts: Sequence[events_pb2.BillingDue]) -> events_pb2.BillingDue:
    """The due that all its parts make up, in the order of their numbers. Raises DueIncomplete."""
    ordered = sorted(parts, key=lambda part: part.part)
    if [part.part for part in ordered] != list(range(1, ordered[0].parts + 1)):
        raise DueIncomplete("the parts of a due do not belong together", facts={"due_id": ordered[0].due_id})
    whole = events_pb2.BillingDue()
    whole.CopyFrom(ordered[0])
    for part in ordered[1:]:
        whole.charges.extend(part.charges)
        if part.HasField("commitment"):
            whole.commitment.CopyFrom(part.commitment)
    whole.part = whole.parts = 1
    return whole
