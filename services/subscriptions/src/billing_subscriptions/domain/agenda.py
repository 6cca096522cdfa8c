"""What happens to a subscription by itself, and when.

At one instant, in this order: an unpaid start expires; the regular boundary (which also ends, resumes, moves, changes
and pauses what falls on it); the end; the end of a pause; scheduled changes; the beginning of a pause.
"""

from datetime import datetime
from enum import IntEnum

from billing_subscriptions.domain.subscription import Boundary, Pause, PauseBilling, State, Subscription


class Happening(IntEnum):
    """In the order in which they happen at one instant."""

    EXPIRY = 0
    REGULAR = 1
    END = 2
    RESUME = 3
    CHANGE = 4
    PAUSE = 5


Entry = tuple[datetime, Happening]


def next_entry(subscription: Subscription) -> Entry | None:
    """The next thing that happens by itself; None when nothing does any more.

    An incomplete subscription only ends or expires: its periods wait for the payment.
    """
    if subscription.ended:
        return None
    found: list[Entry] = []
    if subscription.ends_at is not None:
        found.append((subscription.ends_at, Happening.END))
    if subscription.state is State.INCOMPLETE:
        if subscription.expires_at is not None:
            found.append((subscription.expires_at, Happening.EXPIRY))
        return min(found, default=None)
    regular = regular_at(subscription)
    if regular is not None:
        found.append((regular, Happening.REGULAR))
    if subscription.scheduled:
        found.append((subscription.scheduled[0].at, Happening.CHANGE))
    if subscription.pause is not None:
        found += _of_pause(subscription.state, subscription.pause)
    return min(found, default=None)


def next_due_at(subscription: Subscription) -> datetime | None:
    entry = next_entry(subscription)
    return entry[0] if entry else None


def regular_at(subscription: Subscription) -> datetime | None:
    """When the next regular boundary is; None while a trial stands still in a pause that bills nothing."""
    if subscription.next_boundary is Boundary.START:
        return max(subscription.period.start, subscription.billed_from or subscription.period.start)
    if subscription.next_boundary is Boundary.TRIAL_END and subscription.voided:
        return None
    return subscription.period.end


def _of_pause(state: State, pause: Pause) -> list[Entry]:
    if state is not State.PAUSED:
        return [(pause.since, Happening.PAUSE)]
    return [(pause.resume_at, Happening.RESUME)] if pause.resume_at is not None else []


def trial_ahead(subscription: Subscription) -> bool:
    """The end of its trial is still to come: then a payment method may be asked for."""
    first = subscription.trial_end_at is not None and subscription.period_index < 0
    return first and subscription.next_boundary is not Boundary.PERIOD_END and not subscription.ended


def holds(subscription: Subscription) -> bool:
    """Charges are held back until it is resumed."""
    pause = subscription.pause
    return subscription.state is State.PAUSED and pause is not None and pause.billing is PauseBilling.HOLD


def bills(subscription: Subscription) -> bool:
    """A paid period runs whose charges were made: a change inside of it makes charges and credits."""
    return (
        subscription.period_index >= 0
        and subscription.next_boundary is Boundary.PERIOD_END
        and subscription.state not in (State.SCHEDULED, State.TRIALING)
        and not subscription.ended
        and not subscription.voided
    )
