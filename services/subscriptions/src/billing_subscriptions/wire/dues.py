"""Dues and their charges -> BillingDue messages, cut into parts that the event machinery can carry."""

from collections.abc import Sequence

from billing.common.v1 import money_pb2
from billing.subscriptions.v1 import events_pb2
from billing_kernel.money import format_decimal

from billing_subscriptions.domain.charges import Charge
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.wire.customers import COLLECTION_METHODS, tax_facts_to_pb
from billing_subscriptions.wire.ids import (
    customer_text,
    item_text,
    party_text,
    price_text,
    run_text,
    seller_text,
    subscription_text,
)
from billing_subscriptions.wire.plans import KINDS, TAX_BEHAVIORS
from billing_subscriptions.wire.times import period_to_pb, time_to_pb

CHARGES_MAX = 500
BYTES_MAX = 512 * 1024
_HEAD_BYTES = 4 * 1024  # room for everything but the charges


def due_to_pb(due: BillingDue) -> events_pb2.BillingDue:
    """The whole due as one part."""
    renewal, customer = due.renewal, due.customer
    before = renewal.before
    return events_pb2.BillingDue(
        due_id=str(renewal.due_id),
        part=1,
        parts=1,
        run_id=run_text(due.run_id) if due.run_id else "",
        subscription_id=subscription_text(before.id),
        subscription_version=before.version,
        customer_id=customer_text(customer.id),
        payer_customer_id=customer_text(customer.id),
        party_id=party_text(customer.party_id),
        party_version=customer.party_version,
        seller_id=seller_text(before.seller_id),
        currency_code=before.currency,
        collection_method=COLLECTION_METHODS.to_pb(customer.terms.collection),
        net_terms_days=customer.terms.net_terms_days,
        tax_facts=tax_facts_to_pb(customer),
        effective_time=time_to_pb(renewal.at),
        charges=map(_charge_to_pb, renewal.charges),
    )


def parts_of(whole: events_pb2.BillingDue) -> list[events_pb2.BillingDue]:
    """The due itself, or parts of at most CHARGES_MAX charges and BYTES_MAX bytes, with the charges in their order."""
    if len(whole.charges) <= CHARGES_MAX and whole.ByteSize() <= BYTES_MAX:
        return [whole]
    groups = _groups(list(whole.charges))
    return [_part(whole, group, number, len(groups)) for number, group in enumerate(groups, 1)]


def _groups(charges: Sequence[events_pb2.Charge]) -> list[list[events_pb2.Charge]]:
    groups: list[list[events_pb2.Charge]] = []
    left = -1
    for charge in charges:
        size = charge.ByteSize() + 8
        if size > left or len(groups[-1]) >= CHARGES_MAX:
            groups.append([])
            left = BYTES_MAX - _HEAD_BYTES
        groups[-1].append(charge)
        left -= size
    return groups


def _part(
    whole: events_pb2.BillingDue, charges: Sequence[events_pb2.Charge], number: int, count: int
) -> events_pb2.BillingDue:
    part = events_pb2.BillingDue()
    part.CopyFrom(whole)
    del part.charges[:]
    part.charges.extend(charges)
    part.part, part.parts = number, count
    return part


def _charge_to_pb(charge: Charge) -> events_pb2.Charge:
    item, priced = charge.item, charge.priced
    message = events_pb2.Charge(
        charge_id=str(charge.id),
        kind=KINDS.to_pb(item.kind),
        subscription_item_id=item_text(charge.subscription_item_id),
        code=item.code,
        description=charge.description,
        service_period=period_to_pb(charge.service_period),
        price_id=price_text(item.price_id),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
        supply_time=time_to_pb(charge.supply_at),
    )
    if priced is not None:
        currency, exact = priced.exact.currency, priced.exact.value
        message.quantity = format_decimal(priced.quantity)
        message.unit_amount = "" if priced.unit_amount is None else format_decimal(priced.unit_amount)
        message.exact_amount.CopyFrom(_exact(currency, exact.numerator, exact.denominator))
        message.amount.CopyFrom(money_pb2.Money(currency_code=currency, amount_minor=priced.rounded.minor))
        message.explanation = priced.explanation
    return message


def _exact(currency: str, numerator: int, denominator: int) -> money_pb2.ExactAmount:
    return money_pb2.ExactAmount(currency_code=currency, numerator=str(numerator), denominator=str(denominator))
