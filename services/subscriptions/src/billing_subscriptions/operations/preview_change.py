"""What ChangeSubscription would make, by the same code; writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.errors import Violation

from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.charges import Charge
from billing_subscriptions.domain.errors import InvalidChangeTime
from billing_subscriptions.domain.preview import foreseen, next_due
from billing_subscriptions.domain.previewed_bill import Bill, bill_of
from billing_subscriptions.domain.subscription import Change
from billing_subscriptions.operations.change_subscription import change_by
from billing_subscriptions.operations.life import Decided, Opened, open_life
from billing_subscriptions.operations.ports import Reads
from billing_subscriptions.operations.shelf import NO_CHANGES


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """`ahead`: what the next boundary that bills something bills behind the change."""

    decided: Decided
    ahead: Bill


async def preview_change(
    reads: Reads, subscription_id: UUID, order: ChangeOrder, at: datetime | None = None
) -> ChangePreview:
    """`at`: when the change is thought to be made; None means now. Raises as `change_subscription`."""
    opened = await open_preview(reads, subscription_id, at, changes=(order.change,))
    decided = Decided(opened, tuple(change_by(order)(opened.current, opened.sight)))
    sight, able = opened.sight, opened.has_payment_method
    ahead = next_due(decided.subscription, sight.offers, sight.prices, has_payment_method=able)
    return ChangePreview(decided, bill_of(ahead, decided.subscription.currency))


async def open_preview(
    reads: Reads, subscription_id: UUID, at: datetime | None, *, changes: Sequence[Change] = NO_CHANGES
) -> Opened:
    """The subscription caught up to `at`; None means now. Raises SubscriptionNotFound, InvalidChangeTime."""
    before = await reads.subscription(subscription_id)
    now = at or await reads.now()
    if now < before.effective_at:
        violation = Violation("at_time", "lies before the last change of the subscription", "time.order")
        facts = {"last_change": before.effective_at.isoformat()}
        raise InvalidChangeTime("at_time lies before the last change", facts=facts, violations=[violation])
    return await open_life(reads, before, changes=changes, now=now)


def charges_of(decided: Decided) -> tuple[Charge, ...]:
    """What a change makes: now, and, as far as is known now, when the time of what waits has come."""
    known = {each.id for each in decided.opened.current.scheduled}
    waiting = {each.at for each in decided.subscription.scheduled if each.id not in known}
    sight, after, able = decided.opened.sight, decided.subscription, decided.opened.has_payment_method
    later = (foreseen(after, sight.offers, sight.prices, at, has_payment_method=able) for at in sorted(waiting))
    return decided.made + tuple(charge for charges in later for charge in charges)


def effective_at(decided: Decided) -> datetime:
    """When a change takes effect: its first part."""
    known = {each.id for each in decided.opened.current.scheduled}
    waiting = [each.at for each in decided.subscription.scheduled if each.id not in known]
    at_once = [step.at for step in decided.steps if step.after.scheduled == decided.opened.current.scheduled]
    return min([*at_once, *waiting], default=decided.opened.sight.now)
