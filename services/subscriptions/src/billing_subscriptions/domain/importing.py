"""A subscription as another system knows it, taken over: nothing is billed that was billed there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from billing_kernel.cycle import Cycle
from billing_kernel.errors import Violation

from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import InvalidImport
from billing_subscriptions.domain.pause import PauseOrder, pause
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import Alignment
from billing_subscriptions.domain.standing import mark_standing
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.step import AddOnOffer, Offers, Step, StepKind
from billing_subscriptions.domain.subscription import AppliedCoupon, PauseBilling, PriceOverride, State

IMPORTABLE = frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Imported:
    """`state` None: TRIALING while the trial runs, else ACTIVE. `billed_until` None: the end of the period that runs.

    A trial that is over gives the instant from which periods are counted. `alignment` None: the plan version's. Prices
    of its own and coupons count their periods from the next one on; a coupon's None are those of the coupon.
    """

    external_id: str
    start_at: datetime | None
    state: State | None = None
    trial_end_at: datetime | None = None
    billed_until: datetime | None = None
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    add_ons: Mapping[str, Fraction] = field(default_factory=dict)
    overrides: tuple[PriceOverride, ...] = ()
    coupons: Mapping[str, int | None] = field(default_factory=dict)
    alignment: Alignment | None = None
    ends_at: datetime | None = None
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    resume_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def order_of(imported: Imported, version: PlanVersion, zone: str, *, now: datetime) -> Order:
    """The start to which it comes down. Raises InvalidImport, which names the field, and InvalidAnchor."""
    start_at = _checked_start(imported, now)
    trial_end_at = imported.trial_end_at
    trialing = trial_end_at is not None and trial_end_at > now
    _check_state(imported, trialing, now)
    _check_end(imported, now)
    alignment, begins_at = imported.alignment or version.terms.alignment, trial_end_at or start_at
    billed = None if trialing else imported.billed_until or _period_end(version, alignment, zone, begins_at, now)
    return Order(
        external_id=imported.external_id,
        start_at=start_at,
        quantities=imported.quantities,
        trial_days=0,
        metadata=imported.metadata,
        alignment=imported.alignment,
        add_ons=imported.add_ons,
        overrides=imported.overrides,
        ends_at=imported.ends_at,
        billed_from=billed,
        trial_ends_at=trial_end_at,
    )


def steps_of(imported: Imported, first: Step, offers: Offers, prices: PriceBook, *, now: datetime) -> list[Step]:
    """The start and what leads to the state of the other system; it bills nothing. Raises InvalidImport."""
    steps = [replace(first, kind=StepKind.IMPORTED)]
    after = first.after
    special = _cancels(imported) is not None or imported.state in (State.PAST_DUE, State.PAUSED)
    if special and after.period.end <= now:
        raise _invalid("billed_until_time", "lies before the period that runs now; bill that first")
    if imported.state is State.PAST_DUE:
        marked = mark_standing(after, unpaid=True, at=now, now=now)
        assert marked is not None, "an active subscription becomes past due"
        steps.append(marked)
    canceling = _cancels(imported)
    if canceling is not None:
        steps.append(cancel(steps[-1].after, canceling, offers, prices, now=now))
    if imported.state is State.PAUSED:
        order = PauseOrder(PauseBilling.VOID, resume_at=imported.resume_at)
        steps.append(_without_lines(pause(steps[-1].after, order, offers, prices, now=now)))
    return steps


def _cancels(imported: Imported) -> CancelOrder | None:
    if imported.cancel_at is not None:
        return CancelOrder(CancelAt.ON_DATE, imported.cancel_at)
    return CancelOrder(CancelAt.PERIOD_END) if imported.cancel_at_period_end else None


def _without_lines(paused: Step) -> Step:
    """The pause began in the other system, which settled it: no charge and no credit of it is ours."""
    return replace(paused, charges=(), made=(), due=None, after=replace(paused.after, pending=()))


def _checked_start(imported: Imported, now: datetime) -> datetime:
    start_at, trial_end_at = imported.start_at, imported.trial_end_at
    if start_at is None:
        raise _invalid("start_time", "is needed: periods are counted from it")
    if start_at > now:
        raise _invalid("start_time", "lies in the future; create a subscription that begins later")
    if trial_end_at is not None and trial_end_at <= start_at:
        raise _invalid("trial_end_time", "does not lie behind the start")
    if imported.billed_until is not None and imported.billed_until < (trial_end_at or start_at):
        raise _invalid("billed_until_time", "lies before anything was billed")
    return start_at


def _check_state(imported: Imported, trialing: bool, now: datetime) -> None:
    state = imported.state or (State.TRIALING if trialing else State.ACTIVE)
    if (state is State.TRIALING) != trialing:
        text = "says that the trial runs" if trialing else "is needed for a trial, and lies in the future"
        raise _invalid("trial_end_time", text)
    if state not in IMPORTABLE:
        raise _invalid("state", "cannot be imported: TRIALING, ACTIVE, PAST_DUE and PAUSED can")
    if trialing and imported.billed_until is not None:
        raise _invalid("billed_until_time", "belongs to a subscription that is billed, and its trial runs")
    if imported.resume_at is not None and (state is not State.PAUSED or imported.resume_at <= now):
        raise _invalid("resume_time", "belongs to a pause, and lies in the future")


def _check_end(imported: Imported, now: datetime) -> None:
    ends_at, cancel_at = imported.ends_at, imported.cancel_at
    if ends_at is not None and ends_at <= now:
        raise _invalid("end_time", "does not lie in the future")
    if cancel_at is not None and imported.cancel_at_period_end:
        raise _invalid("cancel_time", "does not go with cancel_at_period_end")
    if cancel_at is not None and cancel_at <= now:
        raise _invalid("cancel_time", "does not lie in the future")
    if cancel_at is not None and ends_at is not None and cancel_at >= ends_at:
        raise _invalid("cancel_time", "lies behind the planned end")


def refuse_charged_once(imported: Imported, add_ons: Mapping[str, AddOnOffer]) -> None:
    """What is charged once was charged by the other system. Raises InvalidImport."""
    for index, code in enumerate(imported.add_ons):
        if code in add_ons and add_ons[code].once:
            raise _invalid(f"add_ons[{index}]", "is charged once, and was charged where it comes from")


def with_periods_left(imported: Imported, coupons: Sequence[AppliedCoupon]) -> tuple[AppliedCoupon, ...]:
    """The coupons for as many periods as the other system had left. Raises InvalidImport."""
    found = []
    for index, coupon in enumerate(coupons):
        left = imported.coupons[coupon.code]
        if left is not None and coupon.periods_left is not None and left > coupon.periods_left:
            raise _invalid(f"coupons[{index}].periods_left", "is more than the coupon gives")
        found.append(coupon if left is None else replace(coupon, periods_left=left))
    return tuple(found)


def _period_end(version: PlanVersion, alignment: Alignment, zone: str, begins_at: datetime, now: datetime) -> datetime:
    """The end of the period that runs now."""
    anchor = alignment.anchor(begins_at, zone, version.interval)
    cycle = Cycle(anchor, zone, version.interval, begins_at, alignment.first_stub)
    lead = cycle.lead()
    if lead is not None and now < lead.end:
        return lead.end
    return cycle.period(max(cycle.index_at(now), 0)).end


def _invalid(field_name: str, text: str) -> InvalidImport:
    return InvalidImport(f"{field_name} {text}", violations=[Violation(field_name, text, "import")])
