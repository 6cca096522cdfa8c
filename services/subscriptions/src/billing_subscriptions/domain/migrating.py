"""What a bulk migration does with one subscription: the change that ChangeSubscription would make, or why not."""

from dataclasses import dataclass
from datetime import datetime

from billing_kernel.errors import DomainError

from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import ScheduledChangeConflict
from billing_subscriptions.domain.migration import NewMigration, Outcome, Result, money_of, nothing
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Change, Subscription

ENDED = ("SUBSCRIPTION_ENDED", "the subscription has ended")
ON_TARGET = ("ALREADY_ON_TARGET", "the subscription is on the target version already")
OFF_SOURCE = ("NOT_ON_SOURCE", "the subscription has left the source versions")
WAITING = ("ALREADY_SCHEDULED", "a change to the target version waits for the end of the period already")


@dataclass(frozen=True, slots=True)
class Decision:
    """`caught` are the boundaries that were due before the move, `steps` the move; none when there is no move."""

    result: Result
    caught: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()


def decide(
    before: Subscription,
    wanted: NewMigration,
    offers: Offers,
    prices: PriceBook,
    *,
    now: datetime,
    has_payment_method: bool = True,
) -> Decision:
    """Refusals become results: one subscription never stops the others. `offers` hold the target version."""
    try:
        caught = tuple(catch_up(before, offers, prices, now=now, has_payment_method=has_payment_method))
        current = caught[-1].after if caught else before
        if reason := _idle(current, wanted):
            return skipped(before, *reason)
        steps = _moved(current, wanted, offers, prices, now)
        if not steps:
            return skipped(before, *WAITING)
        return Decision(_result(current, wanted, steps), caught, steps)
    except DomainError as refusal:
        return refused(before, refusal)


def skipped(before: Subscription, reason: str, message: str) -> Decision:
    return Decision(
        Result(before.id, before.customer_id, Outcome.SKIPPED, nothing(before.currency), None, reason, message)
    )


def refused(before: Subscription, refusal: DomainError) -> Decision:
    money = nothing(before.currency)
    return Decision(
        Result(before.id, before.customer_id, Outcome.REFUSED, money, None, refusal.reason, refusal.message)
    )


def _idle(current: Subscription, wanted: NewMigration) -> tuple[str, str] | None:
    """Why there is nothing to do, also after the boundaries that were due."""
    if current.ended:
        return ENDED
    if current.plan_version_id == wanted.to_version_id:
        return ON_TARGET
    return None if current.plan_version_id in wanted.from_version_ids else OFF_SOURCE


def _moved(
    current: Subscription, wanted: NewMigration, offers: Offers, prices: PriceBook, now: datetime
) -> tuple[Step, ...]:
    """No step where the same change waits for the same instant already. Raises as `change`."""
    order = ChangeOrder(
        Change(plan_version_id=wanted.to_version_id), Wishes(wanted.when, wanted.proration, wanted.settlement)
    )
    try:
        return change(current, order, offers, prices, now=now, kind=StepKind.MIGRATED)
    except ScheduledChangeConflict:
        if any(each.change == order.change and each.at == current.period.end for each in current.scheduled):
            return ()
        raise


def _result(current: Subscription, wanted: NewMigration, steps: tuple[Step, ...]) -> Result:
    money = money_of((charge for step in steps for charge in step.made), current.currency)
    after = steps[-1].after
    if after.plan_version_id == wanted.to_version_id:
        return Result(current.id, current.customer_id, Outcome.MIGRATED, money, steps[-1].at)
    there = {each.id for each in current.scheduled}
    at = next(each.at for each in after.scheduled if each.id not in there)
    return Result(current.id, current.customer_id, Outcome.SCHEDULED, money, at)
