"""What happened, as frozen values. `wire.events` gives each its topic, key and message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import State, Subscription


@dataclass(frozen=True, slots=True)
class CustomerEvent:
    """`at` is business time."""

    customer: Customer
    at: datetime


class CustomerCreated(CustomerEvent):
    __slots__ = ()


class CustomerUpdated(CustomerEvent):
    __slots__ = ()


class CustomerArchived(CustomerEvent):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PlanVersionPublished:
    plan_version: PlanVersion
    at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionEvent:
    """A subscription after a change, with what other services need of its plan version and customer."""

    subscription: Subscription
    plan_version: PlanVersion
    external_customer_id: str
    at: datetime
    like: Subscription | None = field(default=None, compare=False, repr=False)  # a twin, told in the same way


class SubscriptionStarted(SubscriptionEvent):
    __slots__ = ()


class SubscriptionRenewed(SubscriptionEvent):
    __slots__ = ()


class SubscriptionUpdated(SubscriptionEvent):
    __slots__ = ()


class SubscriptionPastDue(SubscriptionEvent):
    __slots__ = ()


class SubscriptionActivated(SubscriptionEvent):
    __slots__ = ()


class SubscriptionPaused(SubscriptionEvent):
    __slots__ = ()


class SubscriptionResumed(SubscriptionEvent):
    __slots__ = ()


class SubscriptionExpired(SubscriptionEvent):
    __slots__ = ()


class SubscriptionCanceled(SubscriptionEvent):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BillingDue:
    """The due of a step, with the customer that pays. `run_id` is None outside of runs.

    `told_version`: of a due that is only looked at, the version of the subscription that others may know.
    """

    step: Step
    payer: Customer
    run_id: UUID | None = None
    told_version: int | None = None


DomainEvent = CustomerEvent | PlanVersionPublished | SubscriptionEvent

_ENTERED: Mapping[State, type[SubscriptionEvent]] = {
    State.CANCELED: SubscriptionCanceled,
    State.EXPIRED: SubscriptionExpired,
    State.PAUSED: SubscriptionPaused,
    State.PAST_DUE: SubscriptionPastDue,
}


def of_step(step: Step) -> type[SubscriptionEvent]:
    """Which event tells of a step: each new version of a subscription has exactly one."""
    before, after = step.before, step.after
    if before is None:
        return SubscriptionStarted
    if after.state is not before.state:
        if before.state is State.PAUSED and not after.ended:
            return SubscriptionResumed
        entered = _ENTERED.get(after.state)
        if entered is not None:
            return entered
        if after.state is State.ACTIVE:
            return SubscriptionActivated
    return SubscriptionRenewed if after.period_index > before.period_index else SubscriptionUpdated
