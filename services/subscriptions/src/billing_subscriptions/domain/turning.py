"""What else turns with a regular boundary: a pause ends, a newer version, scheduled changes, a pause begins."""

from dataclasses import dataclass, replace
from datetime import datetime

from billing_subscriptions.domain.change import step_kind
from billing_subscriptions.domain.change_matrix import Part, Wishes, parts_of, plan_kind
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.newer import newer_at
from billing_subscriptions.domain.own_items import aged
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import ChangeKind, ChangeRule
from billing_subscriptions.domain.shape import Items, feasible, shaped
from billing_subscriptions.domain.step import Offers, Rules, StepKind
from billing_subscriptions.domain.subscription import (
    Change,
    Pause,
    ScheduledChange,
    State,
    Subscription,
    SubscriptionItem,
    moved,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a subscription goes on behind a boundary. `kind` is None where nothing turned."""

    version: PlanVersion
    items: Items
    state: State
    pause: Pause | None
    scheduled: tuple[ScheduledChange, ...]
    rules: Rules = ()
    kind: StepKind | None = None


def turned(
    before: Subscription, version: PlanVersion, offers: Offers, prices: PriceBook, at: datetime, *, renews: bool
) -> Turn:
    """In this order: a pause ends, the newer version is taken (`renews`), changes due take effect, a pause begins."""
    items = fresh(before.items, ages=renews and not before.voided)
    turn = Turn(version, items, before.state, before.pause, before.scheduled)
    if before.pause is not None:
        turn = _resumed(before, turn, at)
    if renews:
        turn = _version_moved(before, turn, offers, prices, at)
    if before.scheduled and before.scheduled[0].at <= at:
        turn = _changed(before, turn, offers, prices, at)
    if turn.pause is not None and turn.state is not State.PAUSED and turn.pause.since <= at:
        turn = replace(turn, state=moved(turn.state, State.PAUSED), kind=StepKind.PAUSED)
    return turn


def fresh(items: Items, *, ages: bool) -> Items:
    """The items in a new period: whole windows; with `ages` one more paid period of own definitions is over."""
    if all(_plain(item) for item in items):
        return items
    left = (item for item in items if not (item.once and (ages or item.covered is not None)))
    there = (aged(item) if ages else item for item in left)
    return tuple(replace(item, since=None, covered=None, tiers_from=None) for item in there if item is not None)


def running(subscription: Subscription) -> State:
    """The state of one that runs and is not in its trial."""
    return State.PAST_DUE if subscription.unpaid else State.ACTIVE


def parts_due(
    before: Subscription, version: PlanVersion, due: ScheduledChange, offers: Offers, prices: PriceBook, at: datetime
) -> tuple[Part, ...]:
    """The parts of a scheduled change whose time has come, as far as they are still possible."""
    wanted = feasible(due.change, before.items, version, offers)
    shape = shaped(before, version, wanted, offers, strict=False)
    wishes = Wishes(None, due.proration, due.settlement)
    return parts_of(before, version, wanted, shape, offers, prices, wishes, at, strict=False)


def _plain(item: SubscriptionItem) -> bool:
    own = item.own
    return (
        item.since is None
        and not item.once
        and item.covered is None
        and item.tiers_from is None
        and (own is None or own.periods_left is None)
    )


def _resumed(before: Subscription, turn: Turn, at: datetime) -> Turn:
    pause = turn.pause
    if turn.state is not State.PAUSED or pause is None or pause.resume_at is None or pause.resume_at > at:
        return turn
    return replace(turn, state=moved(State.PAUSED, running(before)), pause=None, kind=StepKind.RESUMED)


def _version_moved(before: Subscription, turn: Turn, offers: Offers, prices: PriceBook, at: datetime) -> Turn:
    newer = newer_at(offers.newer, turn.version, at) if offers.newer else None
    if newer is None:
        return turn
    taken = replace(before, items=turn.items)
    known = replace(offers, versions={**offers.versions, newer.id: newer})
    shape = shaped(taken, turn.version, Change(newer.id), known, strict=False)
    kind = plan_kind(taken, turn.version, shape, prices, at)
    rule = (kind, turn.version.terms.rule(kind))
    return replace(turn, version=newer, items=shape.items, rules=(rule,), kind=StepKind.VERSION_MOVED)


def _changed(before: Subscription, turn: Turn, offers: Offers, prices: PriceBook, at: datetime) -> Turn:
    """Every scheduled change due, in order; changes of the plan first where several fall on one instant."""
    rules: list[tuple[ChangeKind, ChangeRule]] = list(turn.rules)
    version, items, kind = turn.version, turn.items, turn.kind
    for due in before.scheduled:
        if due.at > at:
            break
        taken = replace(before, items=items, plan_version_id=version.id)
        parts = parts_due(taken, version, due, offers, prices, at)
        for part in parts:
            shape = shaped(replace(taken, items=items), version, part.change, offers, strict=False)
            version, items = shape.version, shape.items
            rules.append((part.kind, part.rule))
        kind = step_kind(parts) if parts else kind
    left = tuple(each for each in before.scheduled if each.at > at)
    return replace(turn, version=version, items=items, scheduled=left, rules=tuple(rules), kind=kind)
