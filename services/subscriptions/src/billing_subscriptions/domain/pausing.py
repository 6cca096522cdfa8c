"""Pauses inside a period: what is closed when one begins, what is opened when it ends."""

from dataclasses import replace
from datetime import datetime

from billing_kernel.proration import Proration

from billing_subscriptions.domain.agenda import bills
from billing_subscriptions.domain.charges import Cause, Charge, ChargeReason, PriceBook
from billing_subscriptions.domain.credits import credit_of_end
from billing_subscriptions.domain.items import Frame, arrears, covered_of, open_window, window_rule
from billing_subscriptions.domain.periods import first_period
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.plan_item import ItemKind
from billing_subscriptions.domain.policy import ChangeWhen, Settlement, TierWindows
from billing_subscriptions.domain.settling import Made, between, changed, settled_as
from billing_subscriptions.domain.shape import Items
from billing_subscriptions.domain.step import Offers, Step, StepKind
from billing_subscriptions.domain.subscription import (
    Boundary,
    Pause,
    PauseBilling,
    State,
    Subscription,
    SubscriptionItem,
    moved,
)
from billing_subscriptions.domain.turning import Turn, running


def begin_pause(before: Subscription, offers: Offers, prices: PriceBook, *, at: datetime, now: datetime) -> Step:
    """The planned pause begins."""
    pause = before.pause
    assert pause is not None, "a planned pause begins"
    return paused(before, offers.versions[before.plan_version_id], pause, prices, at=at, now=now)


def paused(
    before: Subscription, version: PlanVersion, pause: Pause, prices: PriceBook, *, at: datetime, now: datetime
) -> Step:
    """Paused at `at`. VOID charges what was used and gives back what was paid ahead, unless by NO_CREDIT.

    By the rules of the pause, else by the proration of the plan version and with the next invoice.

    Raises InvalidTransition.
    """
    state, items, made = moved(before.state, State.PAUSED), before.items, Made()
    if pause.billing is PauseBilling.VOID and bills(before):
        when = ChangeWhen.ON_DATE if pause is before.pause else ChangeWhen.NOW
        settlement = pause.settlement or Settlement.NEXT_INVOICE
        frame, why = Frame(before, version, prices, before.version + 1), Cause(ChargeReason.PAUSE, when, settlement)
        items, charges = _shut(frame, at, pause.proration or version.terms.proration, why)
        committed = version.terms.commitment(before.currency) is not None
        made = settled_as(charges, settlement, keeps_metered=committed)
    after = changed(before, at=at, now=now, state=state, pause=replace(pause, since=at), items=items)
    return between(StepKind.PAUSED, before, after, made, at=at)


def end_pause(
    before: Subscription,
    offers: Offers,
    prices: PriceBook,
    *,
    at: datetime,
    now: datetime,
    settlement: Settlement = Settlement.AT_ONCE,
) -> Step:
    """It runs again from `at` on: held charges and those for the rest of the period are settled by `settlement`.

    A trial that stood still goes on, or is over: then its first paid period begins.
    """
    version = offers.versions[before.plan_version_id]
    trial = before.next_boundary is Boundary.TRIAL_END
    if trial and before.voided and at >= before.period.end:
        turn = Turn(version, before.items, running(before), None, before.scheduled, kind=StepKind.RESUMED)
        return first_period(before, version, turn, prices, at=at, now=now)
    state = moved(State.PAUSED, State.TRIALING if trial else running(before))
    items, made = before.items, Made()
    if before.voided and before.period_index >= 0:
        opened = replace(before, state=state, pause=None)
        planned = before.pause is not None and before.pause.resume_at == at
        why = Cause(ChargeReason.RESUME, ChangeWhen.ON_DATE if planned else ChangeWhen.NOW, settlement)
        items, charges = _reopened(Frame(opened, version, prices, before.version + 1), before.pause, at, why)
        made = settled_as(charges, settlement)
    after = changed(before, at=at, now=now, state=state, pause=None, items=items)
    held = before.pause is not None and before.pause.billing is PauseBilling.HOLD
    return between(StepKind.RESUMED, before, after, made, at=at, flush=held and settlement is Settlement.AT_ONCE)


def _shut(frame: Frame, at: datetime, rule: Proration, why: Cause) -> tuple[Items, tuple[Charge, ...]]:
    """Where nothing is given back, the items remember what was paid ahead: it counts again when they are resumed."""
    keeps, found = why.settlement is Settlement.NO_CREDIT, list[Charge | None]()
    items = frame.subscription.items
    for item in items:
        found.append(arrears(frame, item, at, window_rule(rule), why))
        if not keeps:
            found.append(credit_of_end(frame, item, at, rule, why))
    if keeps:
        items = tuple(replace(item, covered=item.covered or covered_of(frame, item)) for item in items)
    shut = tuple(_shut_item(frame, item, at) for item in items)
    return shut, tuple(each for each in found if each is not None)


def _shut_item(frame: Frame, item: SubscriptionItem, at: datetime) -> SubscriptionItem:
    """A metered item remembers its first window of the period: its tiers go on from there when it is resumed."""
    continues = frame.version.terms.tier_windows is TierWindows.CONTINUE
    if frame.definition(item).kind is not ItemKind.METERED or not continues:
        return item
    began = item.since or frame.begin
    return replace(item, tiers_from=item.tiers_from or (began if began < at else None))


def _reopened(frame: Frame, pause: Pause | None, at: datetime, why: Cause) -> tuple[Items, tuple[Charge, ...]]:
    """Prorated as the pause was; what it did not give back is not charged again."""
    rule = (pause.proration if pause else None) or frame.version.terms.proration
    kept = pause is not None and pause.settlement is Settlement.NO_CREDIT
    found = [
        (item, None) if kept and _paid_ahead(frame, item) else open_window(frame, item, at, rule, why)
        for item in frame.subscription.items
    ]
    return tuple(item for item, _ in found), tuple(charge for _, charge in found if charge is not None)


def _paid_ahead(frame: Frame, item: SubscriptionItem) -> bool:
    """To the end of the period, at the present price and quantity."""
    covered, definition = item.covered, frame.definition(item)
    if covered is None or covered.span.end < frame.end:
        return False
    return (covered.price_id, covered.quantity) == (definition.price_id, item.quantity)
