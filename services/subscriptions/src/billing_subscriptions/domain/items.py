"""One item of a subscription and its window: what closing it charges and gives back, what opening it charges."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID

from billing_kernel.cycle import Cycle
from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_kernel.proration import Basis, Proration, charged_share, label

from billing_subscriptions.domain.charges import REGULAR, WHOLE, Cause, Charge, PriceBook, charge_id
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.plan_item import ItemKind, PlanItem, Timing
from billing_subscriptions.domain.policy import BY_SECONDS, TierWindows
from billing_subscriptions.domain.references import referred
from billing_subscriptions.domain.subscription import Covered, Subscription, SubscriptionItem

TICK = timedelta(microseconds=1)
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Frame:
    """One subscription as one step sees it: its plan version in its currency, its cycle, the prices known so far.

    `ordinal` tells the charges of this step from those of others: 0 for regular boundaries, else the new version.
    """

    subscription: Subscription
    version: PlanVersion
    prices: PriceBook
    ordinal: int = 0
    plan_items: Mapping[UUID, PlanItem] = field(init=False, compare=False, repr=False)
    cycle: Cycle = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan_items", {item.id: item for item in self.version.items})
        object.__setattr__(self, "cycle", self.subscription.cycle(self.version.interval))

    @property
    def end(self) -> datetime:
        """Where the current period ends, or earlier the planned end of the subscription."""
        planned = self.subscription.planned_end_at
        return self.subscription.period.end if planned is None else min(self.subscription.period.end, planned)

    @property
    def begin(self) -> datetime:
        """Where the current period begins to be billed."""
        billed_from = self.subscription.billed_from
        return (
            self.subscription.period.start if billed_from is None else max(self.subscription.period.start, billed_from)
        )

    def definition(self, item: SubscriptionItem) -> PlanItem:
        """The item's own definition, else that of the plan version."""
        return item.own.item if item.own else self.plan_items[item.plan_item_id]

    def share(self, span: Period, rule: Proration) -> Fraction:
        """The part of a whole period's price that `span` costs."""
        if span == self.subscription.period and self.subscription.period_index > self.subscription.cycle_index:
            return WHOLE  # behind the first period of a cycle all are whole
        return charged_share(span, self.cycle, rule)

    def words(self, rule: Proration) -> str:
        return label(rule, self.version.interval)


def arrears(
    frame: Frame, item: SubscriptionItem, end: datetime, rule: Proration, why: Cause = REGULAR
) -> Charge | None:
    """What the item's window costs at its `end`; None for items in advance and for windows without length, and for
    fees of windows that a change has cut so short that they cost nothing."""
    definition, start = frame.definition(item), item.since or frame.begin
    if definition.timing is not Timing.ARREARS:
        return None
    metered = definition.kind is ItemKind.METERED
    if metered and frame.subscription.backdated_until is not None:
        start = max(start, frame.subscription.backdated_until)
    if end <= start:
        return None
    served = Period(start, end)
    part = frame.share(served, rule)
    if metered:
        return _metered(frame, item, definition, served, part, rule, why)
    charge = _fixed(frame, item, definition, served, part, rule, why)
    cut = item.since is not None or end < frame.end
    return charge if charge.rounded_minor or not cut else None


def advance(
    frame: Frame, item: SubscriptionItem, served: Period, rule: Proration, why: Cause = REGULAR
) -> tuple[Charge, Covered] | None:
    """What the item costs ahead for `served`, and what that covers; None for items in arrears."""
    definition = frame.definition(item)
    if definition.timing is not Timing.ADVANCE:
        return None
    part = WHOLE if item.once else frame.share(served, rule)
    charge = _fixed(frame, item, definition, served, part, rule, why)
    money = charge.priced
    assert money is not None, "a fixed item has an amount"
    zero = Money.zero(money.rounded.currency)
    covered = Covered(charge.id, served, definition.price_id, money.quantity, money.rounded, part, zero)
    return charge, covered


def covered_of(frame: Frame, item: SubscriptionItem) -> Covered | None:
    """The advance charge in force: the one the item remembers, else the regular one of the period.

    What is charged once is never given back in parts.
    """
    subscription = frame.subscription
    if item.once:
        return None
    if item.covered is not None or item.since is not None:
        return item.covered
    if subscription.period_index < 0 or frame.begin > subscription.period.start:
        return None
    regular = replace(frame, ordinal=0)
    found = advance(regular, item, Period(subscription.period.start, frame.end), frame.version.terms.proration)
    return found[1] if found else None


def open_window(
    frame: Frame, item: SubscriptionItem, at: datetime, rule: Proration, why: Cause
) -> tuple[SubscriptionItem, Charge | None]:
    """The item with a window from `at`, or where billing begins, to the end of the period, and what that costs ahead.

    Under Basis.NONE nothing is charged before the next period, unless it is charged once.
    """
    if item.once and item.covered is not None:
        return item, None
    begin = max(at, frame.begin)
    opened = replace(item, since=begin, covered=None)
    if begin >= frame.end or (rule.basis is Basis.NONE and not item.once):
        return opened, None
    found = advance(frame, opened, Period(begin, frame.end), rule, why)
    return (replace(opened, covered=found[1]), found[0]) if found else (opened, None)


def window_rule(rule: Proration) -> Proration:
    """The rule for the rest of a period that a change has cut: what is cut is never charged twice as a whole."""
    return BY_SECONDS if rule.basis is Basis.NONE else rule


def proration_name(rule: Proration) -> str:
    """As lines show it: "BY_DAYS, ACTUAL_PERIOD"."""
    days = f" {rule.nominal_days}" if rule.nominal_days else ""
    return f"{rule.basis.value}, {rule.denominator.value}{days}"


def _fixed(
    frame: Frame,
    item: SubscriptionItem,
    definition: PlanItem,
    served: Period,
    part: Fraction,
    rule: Proration,
    why: Cause,
) -> Charge:
    quantity = item.quantity if item.quantity is not None else ONE
    words, proration = ("", "") if part == WHOLE else (frame.words(rule), proration_name(rule))
    priced = frame.prices.price(definition, quantity, part, frame.subscription.currency, label=words, at=served.start)
    return Charge(
        id=charge_id(item.id, served, definition.kind, frame.ordinal),
        item=definition,
        subscription_item_id=item.id,
        description=definition.name if part == WHOLE else f"{definition.name} (part of the period)",
        service_period=served,
        supply_at=served.start if definition.timing is Timing.ADVANCE else served.end - TICK,
        priced=referred(priced, definition, frame.version.id, served, why, proration),
        reason=why.reason,
        proration=proration,
        when=why.when,
        settlement=why.settlement,
    )


def _metered(
    frame: Frame,
    item: SubscriptionItem,
    definition: PlanItem,
    served: Period,
    part: Fraction,
    rule: Proration,
    why: Cause,
) -> Charge:
    goes_on = frame.version.terms.tier_windows is TierWindows.CONTINUE
    return Charge(
        id=charge_id(item.id, served, definition.kind, frame.ordinal),
        item=definition,
        subscription_item_id=item.id,
        description=definition.name,
        service_period=served,
        supply_at=served.end - TICK,
        priced=None,
        reason=why.reason,
        proration="" if part == WHOLE else proration_name(rule),
        tiers_from=item.tiers_from if goes_on else None,
        limits_share=None if part == WHOLE else part,
        when=why.when,
        settlement=why.settlement,
    )
