"""The end of a subscription: canceled, its planned end or its term reached, or never paid."""

from collections.abc import Sequence
from datetime import datetime

from billing_subscriptions.domain.agenda import bills
from billing_subscriptions.domain.charges import REGULAR, Cause, Charge, ChargeReason, Commitment, PriceBook
from billing_subscriptions.domain.commitments import commitment_of
from billing_subscriptions.domain.credits import credit_of_end
from billing_subscriptions.domain.items import Frame, arrears, window_rule
from billing_subscriptions.domain.moves import Fields
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import ChangeWhen, Settlement, TermEnd
from billing_subscriptions.domain.settling import Made, between, changed, regular
from billing_subscriptions.domain.step import DueKey, Offers, Step, StepKind
from billing_subscriptions.domain.subscription import Cancelation, State, Subscription, moved


def end_state(before: Subscription, version: PlanVersion, at: datetime) -> State | None:
    """What it becomes where it ends at `at`: canceled where that was asked for, else expired; None: it goes on."""
    if before.cancelation is not None and before.cancelation.at <= at:
        return State.CANCELED
    if before.planned_end_at is not None and before.planned_end_at <= at:
        return State.EXPIRED
    last = before.term_periods_left == 1 and before.period_index >= 0 and not before.voided
    return State.EXPIRED if last and version.terms.term_end is TermEnd.EXPIRE else None


def finished(
    before: Subscription,
    state: State,
    made: Sequence[Charge],
    key: DueKey,
    *,
    at: datetime,
    now: datetime,
    commitment: Commitment | None = None,
) -> Step:
    """It ends with a regular boundary, whose due takes everything that waited."""
    after = changed(before, at=at, now=now, **_end_fields(before, state, at))
    kind = StepKind.CANCELED if state is State.CANCELED else StepKind.EXPIRED
    return regular(kind, before, after, made, key, at=at, commitment=commitment)


def ended(before: Subscription, offers: Offers, prices: PriceBook, *, at: datetime, now: datetime) -> Step:
    """It ends inside a period, as planned or as a cancelation has asked for."""
    version = offers.versions[before.plan_version_id]
    state = end_state(before, version, at)
    assert state is not None, "it ends by a plan or a cancelation"
    asked = before.cancelation if state is State.CANCELED else None
    return ended_now(before, version, prices, state, asked, at=at, now=now)


def ended_now(
    before: Subscription,
    version: PlanVersion,
    prices: PriceBook,
    state: State,
    asked: Cancelation | None,
    *,
    at: datetime,
    now: datetime,
) -> Step:
    """What was used until `at` is charged, what was paid ahead given back where that was asked for; all is settled.

    One that never ran, for want of its first payment, bills nothing.
    """
    if before.state is State.INCOMPLETE:
        return _never_began(before, state, at=at, now=now)
    made: tuple[Charge, ...] = ()
    frame = Frame(before, version, prices, before.version + 1)
    commitment: Commitment | None = None
    if bills(before):
        made, commitment = _last_lines(frame, at, asked), commitment_of(frame, at)
    after = changed(before, at=at, now=now, **_end_fields(before, state, at))
    kind = StepKind.CANCELED if state is State.CANCELED else StepKind.EXPIRED
    return between(kind, before, after, Made(now=made), at=at, flush=True, commitment=commitment)


def expired(before: Subscription, *, at: datetime, now: datetime) -> Step:
    """The first payment never came."""
    return _never_began(before, State.EXPIRED, at=at, now=now)


def _never_began(before: Subscription, state: State, *, at: datetime, now: datetime) -> Step:
    """It still names when it would have expired: by that invoicing knows to void what was billed and never paid."""
    fields = _end_fields(before, state, at) | {"expires_at": before.expires_at, "pending": ()}
    kind = StepKind.CANCELED if state is State.CANCELED else StepKind.EXPIRED
    return Step(kind, at, before, changed(before, at=at, now=now, **fields))


def _last_lines(frame: Frame, at: datetime, asked: Cancelation | None) -> tuple[Charge, ...]:
    rule = (asked.proration if asked else None) or frame.version.terms.proration
    gives_back = asked is not None and asked.credit and asked.settlement is not Settlement.NO_CREDIT
    why = _why_ended(frame.subscription, asked, gives_back)
    found: list[Charge | None] = []
    for item in frame.subscription.items:
        found.append(arrears(frame, item, min(at, frame.end), window_rule(rule), why))
        if gives_back:
            found.append(credit_of_end(frame, item, at, rule, why))
    return tuple(each for each in found if each is not None)


def _why_ended(before: Subscription, asked: Cancelation | None, gives_back: bool) -> Cause:
    """A cancelation inside a period was planned for a date, or is done now; either way all is settled at once."""
    if asked is None:
        return REGULAR
    when = ChangeWhen.ON_DATE if asked is before.cancelation else ChangeWhen.NOW
    return Cause(ChargeReason.CANCELATION, when, Settlement.AT_ONCE if gives_back else Settlement.NO_CREDIT)


def _end_fields(before: Subscription, state: State, at: datetime) -> Fields:
    return {
        "state": moved(before.state, state),
        "ends_at": at,
        "canceled_at": at if state is State.CANCELED else before.canceled_at,
        "cancelation": None,
        "pause": None,
        "scheduled": (),
        "expires_at": None,
    }
