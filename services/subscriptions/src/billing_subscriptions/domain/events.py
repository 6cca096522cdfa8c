"""What happened, as frozen values. `wire.events` gives each its topic, key and message."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.renewal import Renewal
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


class SubscriptionCanceled(SubscriptionEvent):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BillingDue:
    """A renewal that bills something, with the customer that pays. `run_id` is None in a preview."""

    renewal: Renewal
    customer: Customer
    run_id: UUID | None


DomainEvent = CustomerEvent | PlanVersionPublished | SubscriptionEvent


def of_renewal(renewal: Renewal) -> type[SubscriptionEvent]:
    """Which event tells of a renewal: each new version of a subscription has exactly one."""
    before, after = renewal.before, renewal.after
    if after.state is State.CANCELED and before.state is not State.CANCELED:
        return SubscriptionCanceled
    if before.state is State.TRIALING:
        return SubscriptionActivated
    return SubscriptionRenewed if after.period_index > before.period_index else SubscriptionUpdated
