"""Changes of plan, quantities, add-ons and prices: now, at the end of the period or on a date, by the change matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from billing_kernel.errors import Violation

from billing_subscriptions.domain.agenda import bills
from billing_subscriptions.domain.catalog_errors import PlanVersionArchived
from billing_subscriptions.domain.change_matrix import Part, Wishes, parts_of
from billing_subscriptions.domain.charges import Cause, ChargeReason, PriceBook
from billing_subscriptions.domain.commitments import commitment_of, commits_anew
from billing_subscriptions.domain.errors import (
    InvalidChange,
    InvalidChangeTime,
    PlanVersionNotPublished,
    SubscriptionIsCanceled,
)
from billing_subscriptions.domain.items import Frame
from billing_subscriptions.domain.lines import Cut, RuleOf, lines
from billing_subscriptions.domain.moves import anew, moved_plan
from billing_subscriptions.domain.plan import PlanVersion, PlanVersionState
from billing_subscriptions.domain.policy import ChangeKind, ChangeWhen
from billing_subscriptions.domain.scheduling import planned, scheduled_with, without_waiting
from billing_subscriptions.domain.settling import Made, between, changed, rescheduled
from billing_subscriptions.domain.shape import Shape, shaped
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Change, State, Subscription

KINDS: Mapping[ChangeKind, StepKind] = {
    ChangeKind.INTERVAL_CHANGE: StepKind.INTERVAL_CHANGED,
    ChangeKind.UPGRADE: StepKind.UPGRADE,
    ChangeKind.DOWNGRADE: StepKind.DOWNGRADE,
    ChangeKind.QUANTITY_UP: StepKind.QUANTITY_CHANGED,
    ChangeKind.QUANTITY_DOWN: StepKind.QUANTITY_CHANGED,
    ChangeKind.ITEM_ADDED: StepKind.ITEM_ADDED,
    ChangeKind.ITEM_REMOVED: StepKind.ITEM_REMOVED,
}
assert set(KINDS) == set(ChangeKind)


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """A change as it is asked for; `at` is the instant of ChangeWhen.ON_DATE."""

    change: Change
    wishes: Wishes = field(default_factory=Wishes)
    at: datetime | None = None


def change(
    before: Subscription,
    order: ChangeOrder,
    offers: Offers,
    prices: PriceBook,
    *,
    now: datetime,
    kind: StepKind | None = None,
    replaces: bool = False,
) -> tuple[Step, ...]:
    """What takes effect now as one step, what waits as one more. The subscription is caught up to `now`.

    `kind` names the step otherwise in the history (MIGRATED). `replaces`: a change of the same items that waits for the
    same instant is replaced instead of refused.
    Raises SubscriptionIsCanceled, PlanVersionNotPublished, PlanVersionArchived, InvalidChange, InvalidChangeTime,
    ScheduledChangeConflict, InvalidQuantity, SubscriptionItemNotFound, InvalidPrice, AddOnNotFound, AddOnNotAllowed.
    """
    refuse_ended(before)
    version = offers.versions[before.plan_version_id]
    parts = parts_wanted(before, version, order.change, offers, prices, order.wishes, now)
    instants = [(part, effective_at(before, part, order.at, now)) for part in parts]
    at_once = tuple(part for part, at in instants if at <= now)
    steps: list[Step] = []
    if at_once:
        steps.append(_instead(take(before, at_once, offers, prices, at=now, now=now, kind=kind), at_once))
        before = steps[-1].after
    later = [(part, at) for part, at in instants if at > now]
    if later:
        waiting = [planned(before, index, at, part.change, order.wishes) for index, (part, at) in enumerate(later)]
        rules = tuple((part.kind, part.rule) for part, _ in later)
        after = changed(before, at=now, now=now, scheduled=scheduled_with(before, waiting, replaces=replaces))
        steps.append(Step(StepKind.CHANGE_SCHEDULED, now, before, after, rules=rules))
    return tuple(steps)


def _instead(step: Step, parts: Sequence[Part]) -> Step:
    """Quantities that are set now replace those of the same items that wait, but for what a schedule plans."""
    quantities = (ChangeKind.QUANTITY_UP, ChangeKind.QUANTITY_DOWN)
    codes = {code for part in parts for code in part.change.quantities}
    codes |= {code for part in parts if part.kind in quantities for code in part.change.add_ons}
    left = without_waiting(step.after.scheduled, codes)
    return step if left == step.after.scheduled else replace(step, after=rescheduled(step.after, left))


def parts_wanted(
    before: Subscription,
    version: PlanVersion,
    wanted: Change,
    offers: Offers,
    prices: PriceBook,
    wishes: Wishes,
    at: datetime,
) -> tuple[Part, ...]:
    """The parts of a change that a call asks for, every one possible. Raises as `change`."""
    refuse_unsold(wanted, version, offers)
    shape = shaped(before, version, wanted, offers)
    parts = parts_of(before, version, wanted, shape, offers, prices, wishes, at)
    if not parts:
        text = "the change changes nothing"
        raise InvalidChange(text, violations=[Violation("change", text, "change.nothing")])
    return parts


def effective_at(before: Subscription, part: Part, at: datetime | None, now: datetime) -> datetime:
    """When a part takes effect. Raises InvalidChangeTime."""
    when = part.rule.when
    if (when is ChangeWhen.ON_DATE) != (at is not None):
        raise bad_time("effective_time", "is needed with ON_DATE" if at is None else "belongs to ON_DATE")
    if at is not None:
        if at < now:
            raise bad_time("effective_time", "lies in the past", at=at.isoformat(), now=now.isoformat())
        return at
    if when is ChangeWhen.NOW or before.state is State.SCHEDULED:
        return now
    return before.period.end


def take(
    before: Subscription,
    parts: Sequence[Part],
    offers: Offers,
    prices: PriceBook,
    *,
    at: datetime,
    now: datetime,
    kind: StepKind | None = None,
    strict: bool = True,
) -> Step:
    """The step by which parts of a change take effect inside a period."""
    version = offers.versions[before.plan_version_id]
    shape = Shape(version, before.items)
    for part in parts:
        taken = replace(before, plan_version_id=shape.version.id, items=shape.items)
        shape = shaped(taken, shape.version, part.change, offers, strict=strict)
    rules = tuple((part.kind, part.rule) for part in parts)
    named = kind or step_kind(parts)
    if not bills(before):
        fields = anew(before, shape.version, at) if shape.version.interval != version.interval else {}
        if before.voided and commits_anew(version, shape.version, before.currency):
            fields = {"committed_from": at, "period_billed_minor": 0} | fields
        after = changed(
            before,
            at=at,
            now=now,
            items=shape.items,
            **moved_plan(version, shape.version, before.term_periods_left),
            **fields,
        )
        return between(named, before, after, Made(), at=at, rules=rules)
    return _with_lines(before, version, shape, parts, prices, named, at=at, now=now)


def _with_lines(
    before: Subscription,
    version: PlanVersion,
    shape: Shape,
    parts: Sequence[Part],
    prices: PriceBook,
    kind: StepKind,
    *,
    at: datetime,
    now: datetime,
) -> Step:
    turns = shape.version.interval != version.interval
    fields = moved_plan(version, shape.version, before.term_periods_left)
    if turns:
        fields |= anew(before, shape.version, at)
    ordinal = before.version + 1
    old = Frame(before, version, prices, ordinal)
    new = Frame(replace(before, **fields), shape.version, prices, ordinal)
    recommits = not turns and commits_anew(version, shape.version, before.currency)
    if recommits and before.committed_from != at:
        fields |= {"committed_from": at, "period_billed_minor": 0}
    items, made = lines(Cut(old, new, at, _rule_of(parts), all_anew=turns, recommits=recommits), shape.items)
    after = changed(before, at=at, now=now, items=items, **fields)
    commitment = commitment_of(old, at, cut=recommits) if turns or recommits else None
    rules = tuple((part.kind, part.rule) for part in parts)
    flush = commitment is not None  # it counts what was billed for its part, so nothing of it may wait
    return between(kind, before, after, made, at=at, flush=flush, commitment=commitment, rules=rules)


def _rule_of(parts: Sequence[Part]) -> RuleOf:
    by_code = {code: (part.rule, _cause(part)) for part in parts for code in part.change.codes}
    first = (parts[0].rule, _cause(parts[0]))
    if parts[0].change.plan_version_id is not None:
        return lambda _code: first
    return lambda code: by_code.get(code, first)


def _cause(part: Part) -> Cause:
    return Cause(ChargeReason(part.kind.value), part.rule.when, part.rule.settlement)


def step_kind(parts: Sequence[Part]) -> StepKind:
    """What the history calls a change: the weightiest of its kinds."""
    first = parts[0]
    own_price = first.change.overrides and first.change.plan_version_id is None
    return StepKind.PRICE_OVERRIDDEN if own_price else KINDS[first.kind]


def refuse_ended(subscription: Subscription) -> None:
    """Raises SubscriptionIsCanceled."""
    if subscription.ended:
        raise SubscriptionIsCanceled("the subscription has ended", facts={"state": subscription.state.value})


def refuse_unsold(wanted: Change, version: PlanVersion, offers: Offers) -> None:
    """Raises PlanVersionNotPublished, PlanVersionArchived, for a version that is not sold."""
    if wanted.plan_version_id in (None, version.id):
        return
    target = offers.versions[wanted.plan_version_id]
    violation = Violation("change.plan_version_id", f"is {target.state.value.lower()}", "plan_version.sold")
    if target.state is PlanVersionState.ARCHIVED:
        raise PlanVersionArchived("an archived plan version is sold no more", violations=[violation])
    if target.state is not PlanVersionState.PUBLISHED:
        raise PlanVersionNotPublished("only a published plan version is sold", violations=[violation])


def bad_time(field_name: str, description: str, **facts: str) -> InvalidChangeTime:
    return InvalidChangeTime(
        f"{field_name} {description}", facts=facts, violations=[Violation(field_name, description, "time.order")]
    )
