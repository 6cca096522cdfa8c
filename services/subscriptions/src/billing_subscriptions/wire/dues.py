"""Dues and their charges -> BillingDue messages, cut into parts that the event machinery can carry."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from billing.subscriptions.v1 import charge_pb2, events_pb2

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.wire.charges import charge_to_pb, commitment_to_pb, discount_to_pb
from billing_subscriptions.wire.customers import COLLECTION_METHODS, tax_facts_to_pb
from billing_subscriptions.wire.ids import (
    customer_text,
    item_text,
    party_text,
    run_text,
    seller_text,
    subscription_text,
)
from billing_subscriptions.wire.times import time_to_pb

CHARGES_MAX = 500
BYTES_MAX = 512 * 1024
_HEAD_BYTES = 32 * 1024  # room for everything but the charges: each part carries all discounts


class DueBook:
    """Makes BillingDue; the charges of twins are written once and copied."""

    def __init__(self) -> None:
        self._twins: dict[int, events_pb2.BillingDue] = {}

    def due(self, due: BillingDue) -> events_pb2.BillingDue:
        """The whole due as one part."""
        step, like = due.step, due.step.twin
        if like is None:
            return due_to_pb(due)
        known = self._twins.get(id(like))
        if known is None:
            known = self._twins[id(like)] = due_to_pb(replace(due, step=like))
        assert step.before is not None, "a twin passes a boundary"
        assert step.due is not None, "a twin bills"
        message = events_pb2.BillingDue()
        message.CopyFrom(known)
        message.subscription_version = step.before.version
        _add_payer(message, due.payer)
        name_due(
            message,
            str(step.due.id),
            subscription_text(step.before.id),
            customer_text(step.before.customer_id),
            customer_text(due.payer.id),
            party_text(due.payer.party_id),
            [(str(charge.id), item_text(charge.subscription_item_id)) for charge in step.charges],
        )
        return message


def name_due(
    message: events_pb2.BillingDue,
    due_id: str,
    subscription_id: str,
    customer_id: str,
    payer_customer_id: str,
    party_id: str,
    charges: Iterable[tuple[str, str]],
) -> None:
    """Puts the names of a due into that of a twin; `charges` are ids of charge and item."""
    message.due_id = due_id
    message.subscription_id = subscription_id
    message.customer_id = customer_id
    message.payer_customer_id = payer_customer_id
    message.party_id = party_id
    for told, (charge_id, item_id) in zip(message.charges, charges, strict=True):
        told.charge_id = charge_id
        told.subscription_item_id = item_id


def _add_payer(message: events_pb2.BillingDue, payer: Customer) -> None:
    message.payer_customer_id = customer_text(payer.id)
    message.party_id = party_text(payer.party_id)
    message.party_version = payer.party_version
    message.collection_method = COLLECTION_METHODS.to_pb(payer.terms.collection)
    message.net_terms_days = payer.terms.net_terms_days
    message.tax_facts.CopyFrom(tax_facts_to_pb(payer))


def due_to_pb(due: BillingDue) -> events_pb2.BillingDue:
    """The whole due as one part.

    A regular boundary names the version before it, whose prices and quantities were used; a due in between names the
    version that it made, in which the windows are cut.
    """
    step, payer = due.step, due.payer
    assert step.due is not None, "a step without a due bills nothing"
    known = step.after if step.before is None or step.due.index is None else step.before
    message = events_pb2.BillingDue(
        due_id=str(step.due.id),
        part=1,
        parts=1,
        run_id=run_text(due.run_id) if due.run_id else "",
        subscription_id=subscription_text(known.id),
        subscription_version=due.told_version or known.version,
        customer_id=customer_text(known.customer_id),
        seller_id=seller_text(known.seller_id),
        currency_code=known.currency,
        effective_time=time_to_pb(step.at),
        charges=map(charge_to_pb, step.charges),
        discounts=map(discount_to_pb, step.coupons),
    )
    _add_payer(message, payer)
    if step.commitment is not None:
        message.commitment.CopyFrom(commitment_to_pb(step.commitment))
    return message


def parts_of(whole: events_pb2.BillingDue) -> list[events_pb2.BillingDue]:
    """The due itself, or parts of at most CHARGES_MAX charges and BYTES_MAX bytes, with the charges in their order."""
    if len(whole.charges) <= CHARGES_MAX and whole.ByteSize() <= BYTES_MAX:
        return [whole]
    groups = _groups(list(whole.charges))
    return [_part(whole, group, number, len(groups)) for number, group in enumerate(groups, 1)]


def _groups(charges: Sequence[charge_pb2.Charge]) -> list[list[charge_pb2.Charge]]:
    groups: list[list[charge_pb2.Charge]] = []
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
    whole: events_pb2.BillingDue, charges: Sequence[charge_pb2.Charge], number: int, count: int
) -> events_pb2.BillingDue:
    part = events_pb2.BillingDue()
    part.CopyFrom(whole)
    del part.charges[:]
    part.charges.extend(charges)
    part.part, part.parts = number, count
    return part
