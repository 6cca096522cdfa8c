"""Twins: subscriptions that are alike in everything that a boundary looks at. A month's end decides once for all of
them: the step of one is the step of each, under its own ids.
"""

from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from billing_subscriptions.domain.charges import Charge, ChargeReason, charge_id
from billing_subscriptions.domain.step import Step, regular_due
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


def _charge(charge: Charge, item_id: Any) -> Charge:
    return Charge(
        charge_id(item_id, charge.service_period, charge.item.kind),
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
