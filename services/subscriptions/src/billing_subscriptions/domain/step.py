"""One step in the life of a subscription: what was before, what is after, and what it bills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from billing_subscriptions.domain.charges import Charge, Commitment
from billing_subscriptions.domain.newer import Newer
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.plan_item import PlanItem
from billing_subscriptions.domain.policy import ChangeKind, ChangeRule
from billing_subscriptions.domain.subscription import AppliedCoupon, Subscription

DUES = UUID("0b7c2c8e-58c4-5b6b-8a8f-0f5b1c8c0c5e")  # the namespace of due ids, fixed for good


Rules = tuple[tuple[ChangeKind, ChangeRule], ...]


class StepKind(StrEnum):
    """What happened, as the history records it. A boundary at which more happens has the weightiest kind."""

    CREATED = "CREATED"
    STARTED = "STARTED"
    TRIAL_ENDED = "TRIAL_ENDED"
    RENEWED = "RENEWED"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    QUANTITY_CHANGED = "QUANTITY_CHANGED"
    INTERVAL_CHANGED = "INTERVAL_CHANGED"
    ITEM_ADDED = "ITEM_ADDED"
    ITEM_REMOVED = "ITEM_REMOVED"
    PRICE_OVERRIDDEN = "PRICE_OVERRIDDEN"
    CHANGE_SCHEDULED = "CHANGE_SCHEDULED"
    CHANGE_UNSCHEDULED = "CHANGE_UNSCHEDULED"
    SCHEDULE_SET = "SCHEDULE_SET"
    PAUSE_SCHEDULED = "PAUSE_SCHEDULED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    CANCEL_SCHEDULED = "CANCEL_SCHEDULED"
    CANCEL_UNDONE = "CANCEL_UNDONE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    ACTIVATED = "ACTIVATED"
    PAST_DUE = "PAST_DUE"
    PAID = "PAID"
    COUPON_REDEEMED = "COUPON_REDEEMED"
    COUPON_REMOVED = "COUPON_REMOVED"
    RELABELED = "RELABELED"
    VERSION_MOVED = "VERSION_MOVED"
    IMPORTED = "IMPORTED"
    MIGRATED = "MIGRATED"


@dataclass(frozen=True, slots=True)
class DueKey:
    """`index` counts the regular boundaries that bill: 0 is the start or the end of the trial. None: in between."""

    id: UUID
    index: int | None


@dataclass(frozen=True, slots=True)
class AddOnOffer:
    """The version of an add-on that is sold now, as an item whose code is its own, in the subscription's currency.

    Codes of what it requires: of the plans one is enough, of the add-ons each is needed. It is not sold beside any plan
    or add-on that it excludes.
    """

    item: PlanItem
    once: bool = False
    requires_plans: tuple[str, ...] = ()
    requires_add_ons: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offers:
    """What a step may need of the catalogue: plan versions as seen in the subscription's currency.

    `versions`: its own and those of its scheduled and wanted changes. `newer`: by plan, the newest first, those
    that subscriptions of the plan move to at their renewal. `add_ons` by code. `plan_codes` by plan id, for the
    conditions of add-ons.
    """

    versions: Mapping[UUID, PlanVersion]
    newer: Newer = field(default_factory=dict)
    add_ons: Mapping[str, AddOnOffer] = field(default_factory=dict)
    plan_codes: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One new version of a subscription, `before` None at its creation.

    `at` is business time. `charges` are settled now by `due`, with what was pending; `made` are all charges and credits
    of this step, also those that wait in after.pending. `due` is None when there is nothing to settle. `coupons` take
    something off the charges of the due. `rules`: the kinds of change it was taken for, each with the rule used.
    """

    kind: StepKind
    at: datetime
    before: Subscription | None
    after: Subscription
    charges: tuple[Charge, ...] = ()
    made: tuple[Charge, ...] = ()
    due: DueKey | None = None
    commitment: Commitment | None = None
    coupons: tuple[AppliedCoupon, ...] = ()
    rules: Rules = ()
    twin: "Step | None" = field(default=None, compare=False, repr=False)  # the same step of a subscription just like it


def regular_due(subscription_id: UUID, index: int) -> DueKey:
    """The due of a regular boundary: the same on every attempt."""
    return DueKey(uuid5(DUES, f"{subscription_id}|{index}"), index)


def extra_due(subscription_id: UUID, version: int) -> DueKey:
    """The due of a step between boundaries; `version` is the subscription's after it."""
    return DueKey(uuid5(DUES, f"{subscription_id}|v{version}"), None)
