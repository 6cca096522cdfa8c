"""The start of a subscription: now, later or in the past, with trial, phases, add-ons, prices of its own and a gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_kernel.cycle import Cycle
from billing_kernel.errors import Violation
from billing_kernel.period import Interval, Period, period

from billing_subscriptions.domain.agenda import next_due_at
from billing_subscriptions.domain.catalog_errors import PlanVersionArchived
from billing_subscriptions.domain.change import bad_time
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import Customer, CustomerState
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    InvalidChange,
    PaymentMethodRequired,
    PlanVersionNotPublished,
    StartTooOld,
)
from billing_subscriptions.domain.own_items import aged, first_quantity, phased
from billing_subscriptions.domain.periods import start_boundary
from billing_subscriptions.domain.plan import PlanVersion, PlanVersionState
from billing_subscriptions.domain.policy import Alignment
from billing_subscriptions.domain.redemption import check_redeemable
from billing_subscriptions.domain.shape import Items, Wanted, new_item, with_add_ons, with_overrides, with_quantities
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import (
    AppliedCoupon,
    Backdating,
    Boundary,
    Change,
    PriceOverride,
    State,
    Subscription,
)

PERIODS_BEHIND_MAX = 1200  # a start this many periods ago would be a mistake: each period is a due of its own


@dataclass(frozen=True, slots=True)
class Order:
    """A subscription as it is asked for. None: start now, the version's trial and alignment, no planned end.

    `billed_from`: what lies before was billed elsewhere; it begins in the period that contains that instant.
    `trial_ends_at`: the trial has this end, whatever its days.
    """

    external_id: str = ""
    start_at: datetime | None = None
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    trial_days: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    alignment: Alignment | None = None
    add_ons: Mapping[str, Fraction] = field(default_factory=dict)
    overrides: tuple[PriceOverride, ...] = ()
    coupons: tuple[AppliedCoupon, ...] = ()
    backdating: Backdating = Backdating.CHARGE
    payment_gated: bool = False
    ends_at: datetime | None = None
    billed_from: datetime | None = None
    trial_ends_at: datetime | None = None


def start(
    order: Order,
    customer: Customer,
    version: PlanVersion,
    offers: Offers,
    prices: PriceBook,
    *,
    subscription_id: UUID,
    now: datetime,
    has_payment_method: bool = True,
) -> Step:
    """A new subscription; its first due is its start, or the end of its trial. `version` is seen in its currency.

    Payment-gated with something to pay, the first due is made at once. With `billed_from` the step is IMPORTED.
    Raises CustomerArchived, PlanVersionNotPublished, PlanVersionArchived, InvalidChange for a gate where nothing is
    paid at the start or more than the first period is over, InvalidChangeTime, StartTooOld, InvalidAnchor,
    PaymentMethodRequired, InvalidQuantity, SubscriptionItemNotFound, InvalidPrice, AddOnNotFound, AddOnNotAllowed,
    CouponApplied, CurrencyMismatch.
    """
    refuse_unsellable(customer, version)
    started_at = order.start_at or now
    made = _begun(order, customer, version, subscription_id, started_at, now)
    if made.trial_end_at is not None and version.terms.trial_needs_payment_method and not has_payment_method:
        raise PaymentMethodRequired("the trial of this plan needs a payment method from the start")
    made = replace(made, items=_items(order, made, version, offers))
    for index, coupon in enumerate(order.coupons):
        check_redeemable(order.coupons[:index], coupon, made.currency)
    if order.payment_gated:
        _refuse_gate(made, now)
    kind = StepKind.IMPORTED if order.billed_from is not None else StepKind.CREATED
    if order.payment_gated and started_at <= now and made.next_boundary is Boundary.START:
        return _gated(made, version, offers, prices, kind, now)
    made = replace(made, next_due_at=next_due_at(made))
    return Step(kind, made.effective_at, None, made)


def refuse_unsellable(customer: Customer, version: PlanVersion) -> None:
    """Raises CustomerArchived, PlanVersionNotPublished, PlanVersionArchived."""
    if customer.state is CustomerState.ARCHIVED:
        raise CustomerArchived("an archived customer takes no subscription")
    if version.state is PlanVersionState.ARCHIVED:
        raise PlanVersionArchived("an archived plan version is sold no more")
    if version.state is not PlanVersionState.PUBLISHED:
        raise PlanVersionNotPublished("only a published plan version is sold")


def _refuse_gate(made: Subscription, now: datetime) -> None:
    """A gate waits for the invoice of the first period, which is made at the start. Raises InvalidChange."""
    if made.trial_end_at is not None and made.period_index < 0:
        text = "does not go with a trial, which begins without a payment"
    elif made.period_index < 0:
        text = "does not go with a first stub that is free"
    elif made.period.end <= now:
        text = "does not go with a start that lies more than a period in the past"
    else:
        return
    violation = Violation("payment_gated", text, "gate.first_period")
    raise InvalidChange(f"payment_gated {text}", violations=[violation])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a subscription stands in its periods when it is created."""

    state: State
    period: Period
    index: int
    boundary: Boundary


def _begun(
    order: Order, customer: Customer, version: PlanVersion, subscription_id: UUID, started_at: datetime, now: datetime
) -> Subscription:
    zone, trial = customer.terms.zone, _trial(order, version, customer.terms.zone, started_at)
    begins_at = trial.end if trial else started_at
    alignment = order.alignment or version.terms.alignment
    anchor = alignment.anchor(begins_at, zone, version.interval)
    cycle = Cycle(anchor, zone, version.interval, begins_at, alignment.first_stub)
    waived = order.backdating is Backdating.WAIVE and started_at < now
    billed_from = order.billed_from or (now if waived else None)
    _check_times(order, started_at, now)
    place = _placed(cycle, trial, started_at, billed_from, now)
    if cycle.index_at(now) - max(place.index, 0) > PERIODS_BEHIND_MAX:
        raise StartTooOld(f"the start lies more than {PERIODS_BEHIND_MAX} periods in the past")
    return Subscription(
        id=subscription_id,
        external_id=order.external_id,
        customer_id=customer.id,
        plan_id=version.plan_id,
        plan_version_id=version.id,
        state=place.state,
        currency=version.currency,
        zone=zone,
        anchor_at=anchor,
        cycle_start_at=begins_at,
        cycle_index=0,
        first_stub=alignment.first_stub,
        started_at=started_at,
        period=place.period,
        period_index=place.index,
        trial_end_at=trial.end if trial else None,
        ends_at=order.ends_at,
        planned_end_at=order.ends_at,
        cancelation=None,
        canceled_at=None,
        next_due_at=None,
        next_boundary=place.boundary,
        items=(),
        scheduled=(),
        pause=None,
        coupons=order.coupons,
        pending=(),
        expires_at=None,
        billed_from=billed_from,
        backdating=order.backdating,
        backdated_until=now if order.backdating is Backdating.CREDIT and started_at < now else None,
        term_periods_left=_term_left(version, max(place.index, 0)),
        unpaid=False,
        payment_gated=order.payment_gated,
        period_billed_minor=0,
        committed_from=None,
        seller_id=customer.seller_id,
        metadata=order.metadata,
        version=1,
        effective_at=min(started_at, now),
        created_at=now,
        updated_at=now,
    )


def _trial(order: Order, version: PlanVersion, zone: str, started_at: datetime) -> Period | None:
    if order.trial_ends_at is not None:
        return Period(started_at, order.trial_ends_at)
    days = version.trial_days if order.trial_days is None else order.trial_days
    return period(started_at, zone, Interval("day", days), 0) if days else None


def _check_times(order: Order, started_at: datetime, now: datetime) -> None:
    if order.ends_at is not None and order.ends_at <= started_at:
        raise bad_time("end_time", "does not lie behind the start", start=started_at.isoformat())
    if order.billed_from is not None and order.billed_from < started_at:
        raise bad_time("billed_from_time", "lies before the start", start=started_at.isoformat())
    if order.billed_from is not None and started_at > now:
        raise bad_time("billed_from_time", "belongs to a subscription that runs", start=started_at.isoformat())


def _placed(
    cycle: Cycle, trial: Period | None, started_at: datetime, billed_from: datetime | None, now: datetime
) -> _Place:
    known_at = started_at if billed_from is None else min(billed_from, now)
    lead = cycle.lead()
    if started_at > now:
        first = trial or lead or cycle.period(0)
        return _Place(State.SCHEDULED, first, -1 if trial or lead else 0, Boundary.START)
    if trial is not None and known_at < trial.end:
        return _Place(State.TRIALING, trial, -1, Boundary.TRIAL_END)
    if lead is not None and known_at < lead.end:
        return _Place(State.ACTIVE, lead, -1, Boundary.PERIOD_END)
    index = cycle.index_at(known_at)
    running = cycle.period(index)
    paid = billed_from is not None and billed_from >= running.end
    return _Place(State.ACTIVE, running, index, Boundary.PERIOD_END if paid else Boundary.START)


def _term_left(version: PlanVersion, periods_over: int) -> int | None:
    """Of the term that runs; terms before it were renewed."""
    term = version.terms.term_periods
    return term - periods_over % term if term else None


def _items(order: Order, made: Subscription, version: PlanVersion, offers: Offers) -> Items:
    wanted = Wanted(made.id, 1, made.currency, version, strict=True)
    phases = version.terms.phases
    items: Items = tuple(
        replace(new_item(wanted, each, first_quantity(each)), own=phased(each, phases, made.currency))
        for each in version.items
    )
    for _ in range(max(made.period_index, 0)):
        items = tuple(item for item in map(aged, items) if item is not None)
    items = with_add_ons(wanted, items, order.add_ons, offers)
    items = with_quantities(wanted, items, order.quantities)
    return with_overrides(wanted, items, Change(overrides=order.overrides))


def _gated(
    made: Subscription, version: PlanVersion, offers: Offers, prices: PriceBook, kind: StepKind, now: datetime
) -> Step:
    """Created and begun in one step: its first due is made at once and waits for its payment."""
    waiting = replace(made, state=State.SCHEDULED)
    known = replace(offers, versions={**offers.versions, version.id: version})
    opened = start_boundary(waiting, known, prices, at=now, now=now)
    return replace(opened, kind=kind, before=None, after=replace(opened.after, version=made.version))
