"""Subscriptions: a customer's agreement to a plan version, its states and everything it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.errors import Violation
from billing_kernel.money import Money
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Proration
from billing_pricing import Price

from billing_subscriptions.domain.charges import Charge
from billing_subscriptions.domain.errors import InvalidTransition
from billing_subscriptions.domain.plan_item import PlanItem
from billing_subscriptions.domain.policy import Settlement


class State(StrEnum):
    SCHEDULED = "SCHEDULED"  # begins in the future
    INCOMPLETE = "INCOMPLETE"  # waits for its first payment; grants nothing
    TRIALING = "TRIALING"  # in its trial; nothing is charged yet
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"  # runs with an unpaid invoice
    PAUSED = "PAUSED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"  # ended without being canceled: the term is over, or the first payment never came


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.INCOMPLETE, State.TRIALING, State.ACTIVE, State.CANCELED}),
    State.INCOMPLETE: frozenset({State.ACTIVE, State.CANCELED, State.EXPIRED}),
    State.TRIALING: frozenset({State.ACTIVE, State.PAST_DUE, State.PAUSED, State.CANCELED, State.EXPIRED}),
    State.ACTIVE: frozenset({State.PAST_DUE, State.PAUSED, State.CANCELED, State.EXPIRED}),
    State.PAST_DUE: frozenset({State.ACTIVE, State.PAUSED, State.CANCELED, State.EXPIRED}),
    State.PAUSED: frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.CANCELED, State.EXPIRED}),
    State.CANCELED: frozenset(),
    State.EXPIRED: frozenset(),
}
assert set(TRANSITIONS) == set(State)
ENDED = frozenset(state for state, onward in TRANSITIONS.items() if not onward)


class Boundary(StrEnum):
    """What the next regular boundary is: the start, the end of the trial, or the end of a period."""

    START = "START"
    TRIAL_END = "TRIAL_END"
    PERIOD_END = "PERIOD_END"


class Backdating(StrEnum):
    """What becomes of the time behind a start in the past."""

    CHARGE = "CHARGE"
    CREDIT = "CREDIT"  # charged and given back in the same dues; use is not charged
    WAIVE = "WAIVE"  # not billed at all


class PauseBilling(StrEnum):
    VOID = "VOID"  # nothing is billed for the pause, and what was paid ahead is given back
    BILL = "BILL"  # billing goes on
    HOLD = "HOLD"  # charges wait until it is resumed


@dataclass(frozen=True, slots=True)
class OwnItem:
    """A definition that this subscription alone has: an add-on, or a plan item at another price.

    `periods_left` None: for good. After them `then` counts; None: the item of the version, and an add-on is gone.
    """

    item: PlanItem
    periods_left: int | None = None
    then: "OwnItem | None" = None


@dataclass(frozen=True, slots=True)
class Covered:
    """The advance charge in force of an item: what it paid for, and what was given back of it before.

    `share` is the part of a whole period's price that was charged for `span`.
    """

    charge_id: UUID
    span: Period
    price_id: UUID
    quantity: Fraction
    amount: Money
    share: Fraction
    credited: Money


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """`quantity` is None for metered items and 1 for flat ones.

    `since`: where the present window began, None for the start of the period. `covered`: the advance charge in force,
    None while it is the regular one of the period. `tiers_from`: where the tiers of earlier windows of this period go
    on from. `once`: charged whole, in one period, and gone with its end.
    """

    id: UUID
    plan_item_id: UUID
    code: str
    quantity: Fraction | None
    since: datetime | None = None
    covered: Covered | None = None
    own: OwnItem | None = None
    add_on_code: str = ""
    tiers_from: datetime | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A price in the subscription's currency for one item; `periods` None: for good."""

    code: str
    price: Price
    periods: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What changes; empty parts stay. Quantities by item code, add-ons by their code with their quantity."""

    plan_version_id: UUID | None = None
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    add_ons: Mapping[str, Fraction] = field(default_factory=dict)
    remove_codes: tuple[str, ...] = ()
    overrides: tuple[PriceOverride, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """The items it names."""
        return frozenset({*self.quantities, *self.add_ons, *self.remove_codes, *(each.code for each in self.overrides)})


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """A change that waits for its time. Rules that are None are those of the plan version at that time."""

    id: UUID
    at: datetime
    change: Change
    proration: Proration | None = None
    settlement: Settlement | None = None
    phase_code: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """`since` in the future: it is planned. `resume_at` None: until a call. Rules that are None: see `paused`."""

    since: datetime
    resume_at: datetime | None
    billing: PauseBilling
    proration: Proration | None = None
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Cancelation:
    """An end that was asked for. `credit`: what was paid ahead for the time behind `at` is given back."""

    at: datetime
    credit: bool = False
    proration: Proration | None = None
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class AppliedCoupon:
    """A redeemed coupon: `percent` of the eligible charges, or an `amount` a period, for `periods_left` more periods.

    `periods_left` None: for ever; 0: used up, it still reaches what is invoiced within the last of its periods.
    `item_codes` empty: all items.
    """

    redemption_id: UUID
    coupon_id: UUID
    code: str
    redeemed_at: datetime
    periods_left: int | None
    percent: Fraction | None = None
    amount: Money | None = None
    item_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Business times are UTC.

    period, period_index      the one claimed last, before the start the first; -1: trial, free stub; never goes back
    cycle_start_at, _index    where the present cycle of periods began, and which period_index was its first
    anchor_at, first_stub     where its boundaries lie
    next_due_at, _boundary    when the next thing happens by itself (see agenda) or None, and the regular boundary ahead
    ends_at                   when it ends or ended: the planned end or the cancelation, whichever is first
    planned_end_at            the end that was agreed at the start; cancelation: one that was asked for and is to come
    pending                   charges and credits that wait for the next due
    billed_from               nothing before this instant is billed
    backdated_until           Backdating.CREDIT gives back what lies before this instant
    term_periods_left         paid periods of the present term that have not ended yet; None without a term
    period_billed_minor       what dues have billed for the current period, credits taken off, metered charges left out
    committed_from            where the present minimum commitment began inside the period; None: with the period
    effective_at              business time of the last change; never goes back
    """

    id: UUID
    external_id: str
    customer_id: UUID
    plan_id: UUID
    plan_version_id: UUID
    state: State
    currency: str
    zone: str
    anchor_at: datetime
    cycle_start_at: datetime
    cycle_index: int
    first_stub: FirstStub
    started_at: datetime
    period: Period
    period_index: int
    trial_end_at: datetime | None
    ends_at: datetime | None
    planned_end_at: datetime | None
    cancelation: Cancelation | None
    canceled_at: datetime | None
    next_due_at: datetime | None
    next_boundary: Boundary
    items: tuple[SubscriptionItem, ...]
    scheduled: tuple[ScheduledChange, ...]
    pause: Pause | None
    coupons: tuple[AppliedCoupon, ...]
    pending: tuple[Charge, ...]
    expires_at: datetime | None
    billed_from: datetime | None
    backdating: Backdating
    backdated_until: datetime | None
    term_periods_left: int | None
    unpaid: bool
    payment_gated: bool
    period_billed_minor: int
    committed_from: datetime | None
    seller_id: UUID | None
    metadata: Mapping[str, str]
    version: int
    effective_at: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def cancels_at_period_end(self) -> bool:
        return self.cancelation is not None and self.cancelation.at == self.period.end

    @property
    def running_period(self) -> Period | None:
        """The current period as far as it runs; None when the subscription ended at its very start."""
        if self.ends_at is None or self.ends_at >= self.period.end:
            return self.period
        return Period(self.period.start, self.ends_at) if self.ends_at > self.period.start else None

    @property
    def pauses(self) -> bool:
        """A pause is planned that has not begun."""
        return self.pause is not None and self.state is not State.PAUSED

    @property
    def voided(self) -> bool:
        """It is paused and nothing is billed meanwhile."""
        return self.state is State.PAUSED and self.pause is not None and self.pause.billing is PauseBilling.VOID

    def cycle(self, interval: Interval) -> Cycle:
        """The periods of the present cycle: its period k is the one with period_index cycle_index + k."""
        return Cycle(self.anchor_at, self.zone, interval, self.cycle_start_at, self.first_stub)

    def term_end_at(self, interval: Interval) -> datetime | None:
        """End of the present fixed term at the present cycle; None without one."""
        if self.term_periods_left is None or self.ended:
            return None
        last = max(self.period_index, self.cycle_index) - self.cycle_index + self.term_periods_left - 1
        return self.cycle(interval).period(max(last, 0)).end


def moved(before: State, after: State) -> State:
    """`after`. Raises InvalidTransition, naming both, where the table of transitions forbids it."""
    if after not in TRANSITIONS[before]:
        text, facts = f"{before} never becomes {after}", {"from": before.value, "to": after.value}
        broken = Violation("state", text, "state.transition")
        raise InvalidTransition(f"a subscription that is {text}", facts=facts, violations=[broken])
    return after
