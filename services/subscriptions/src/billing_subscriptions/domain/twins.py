"""Twins: subscriptions that are alike in everything that a boundary looks at. A month's end decides once for all of
them: the step of one is the step of each, under its own ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from billing_kernel.id_columns import texts, uuid5s

from billing_subscriptions.domain.charges import CHARGES, Charge, ChargeReason, after_item, charge_id
from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.step import DUES, Step, regular_due
from billing_subscriptions.domain.subscription import Boundary, State, Subscription, SubscriptionItem

_PLAIN = frozenset({State.ACTIVE, State.PAST_DUE})
_EVERY = tuple(each.name for each in fields(Subscription))
_ALL_OF = attrgetter(*_EVERY)
_ALIKE = attrgetter(
    "plan_version_id",
    "state",
    "currency",
    "zone",
    "anchor_at",
    "cycle_start_at",
    "cycle_index",
    "first_stub",
    "started_at",
    "period.start",
    "period_index",
    "trial_end_at",
    "next_due_at",
    "canceled_at",
    "backdating",
    "unpaid",
    "payment_gated",
    "period_billed_minor",
    "seller_id",
)
# What a boundary of a plain subscription changes.
_CHANGED = ("state", "period", "period_index", "next_due_at", "next_boundary", "period_billed_minor")


ITEMS_MAX = 24  # of twins that are written together, and charges
EXPLANATIONS_MAX = 256 * 1024  # characters: what is larger may have to be cut into parts


@dataclass(frozen=True, slots=True)
class Twins:
    """Subscriptions of which every column is that of `first` but ids and external ids, and so of their customers.

    The fields are columns with one entry each: ids are 16 bytes, external ids UTF-8 and all as long as the first's.
    `item_ids` has one column an item, in the order of first.items. The first is among them, as the first.
    """

    first: Subscription
    customer: Customer
    ids: Sequence[bytes]
    customer_ids: Sequence[bytes]
    party_ids: Sequence[bytes]
    external_ids: Sequence[bytes]
    customer_external_ids: Sequence[bytes]
    item_ids: Sequence[Sequence[bytes]]

    def __len__(self) -> int:
        return len(self.ids)


def likeness(subscription: Subscription) -> tuple[Any, ...] | None:
    """Equal for twins. None for whoever has something of its own: plans, a pause, coupons, what waits, cut windows."""
    if (
        subscription.scheduled
        or subscription.pending
        or subscription.coupons
        or subscription.pause is not None
        or subscription.cancelation is not None
        or subscription.ends_at is not None
        or subscription.billed_from is not None
        or subscription.backdated_until is not None
        or subscription.committed_from is not None
        or subscription.expires_at is not None
        or subscription.term_periods_left is not None
        or subscription.next_boundary is not Boundary.PERIOD_END
        or subscription.state not in _PLAIN
    ):
        return None
    items = tuple([_item(each) for each in subscription.items])
    return None if None in items else (*_ALIKE(subscription), items)


def _item(item: SubscriptionItem) -> tuple[Any, ...] | None:
    own = item.since or item.covered or item.own or item.tiers_from or item.once or item.add_on_code
    return None if own else (item.plan_item_id, item.quantity)


def teaches(step: Step) -> bool:
    """Whether the step of one tells that of its twins: it changed nothing but the period."""
    before, after = step.before, step.after
    if before is None or after.items is not before.items or step.commitment or step.due is None:
        return False
    quiet = step.made == step.charges and not after.pending and step.due.index is not None
    quiet = quiet and all(each.reason is ChargeReason.REGULAR and each.credit_of is None for each in step.charges)
    return quiet and all(getattr(before, name) == getattr(after, name) for name in _QUIET)


def teaches_all(step: Step, twins: Twins) -> bool:
    """Whether the step of the first is that of all, in a message of one part, and they pay for themselves."""
    if likeness(twins.first) is None or not teaches(step) or twins.customer.terms.billed_to_parent:
        return False
    explained = sum(len(each.priced.explanation) for each in step.charges if each.priced)
    small = max(len(twins.item_ids), len(step.charges)) <= ITEMS_MAX and explained <= EXPLANATIONS_MAX
    return small and all(each.id == _regular_id(each, each.subscription_item_id) for each in step.charges)


def due_ids(step: Step, twins: Twins) -> list[bytes]:
    """The id of each twin's due."""
    assert step.due is not None, "only what bills teaches"
    tail = f"|{step.due.index}".encode()
    return uuid5s(DUES, [text + tail for text in texts(twins.ids)])


def item_columns(step: Step, twins: Twins) -> list[Sequence[bytes]]:
    """For each charge of the step the twins' items that it charges."""
    columns = {item.id: column for item, column in zip(twins.first.items, twins.item_ids, strict=True)}
    return [columns[each.subscription_item_id] for each in step.charges]


def charge_ids(step: Step, twins: Twins) -> list[list[bytes]]:
    """For each charge of the step the ids that the twins' charges have."""
    found = []
    for charge, items in zip(step.charges, item_columns(step, twins), strict=True):
        tail = after_item(charge.service_period, charge.item.kind).encode()
        found.append(uuid5s(CHARGES, [text + tail for text in texts(items)]))
    return found


_QUIET = tuple(
    name for name in _EVERY if name not in {*_CHANGED, "version", "effective_at", "updated_at", "period", "items"}
)


def twin_step(step: Step, twin: Subscription, *, now: datetime) -> Step:
    """The step of `twin`, whose likeness is that of `step.before`."""
    assert step.before is not None, "only a boundary teaches"
    assert step.due is not None, "only what bills teaches"
    assert step.due.index is not None, "only a regular boundary teaches"
    after = Subscription(*_ALL_OF(twin))
    for name in _CHANGED:
        object.__setattr__(after, name, getattr(step.after, name))
    object.__setattr__(after, "version", twin.version + 1)
    object.__setattr__(after, "effective_at", max(step.at, twin.effective_at))
    object.__setattr__(after, "updated_at", max(now, twin.updated_at))
    ids = {old.id: new.id for old, new in zip(step.before.items, twin.items, strict=True)}
    charges = tuple([_charge(each, ids[each.subscription_item_id]) for each in step.charges])
    due = regular_due(twin.id, step.due.index)
    return Step(step.kind, step.at, twin, after, charges, charges, due, None, (), step.rules, step)


def _regular_id(charge: Charge, item_id: UUID) -> UUID:
    return charge_id(item_id, charge.service_period, charge.item.kind)


def _charge(charge: Charge, item_id: UUID) -> Charge:
    return Charge(
        _regular_id(charge, item_id),
        charge.item,
        item_id,
        charge.description,
        charge.service_period,
        charge.supply_at,
        charge.priced,
        charge.credit_of,
        charge.reason,
        charge.proration,
        charge.tiers_from,
        charge.limits_share,
        charge.when,
        charge.settlement,
    )
