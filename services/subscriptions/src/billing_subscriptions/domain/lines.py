"""The charges and credits of a change inside a paid period: what is closed, what is opened, what goes on untouched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from billing_kernel.proration import Basis

from billing_subscriptions.domain.charges import Cause, Charge
from billing_subscriptions.domain.credits import credit_of_change
from billing_subscriptions.domain.items import Frame, arrears, open_window, window_rule
from billing_subscriptions.domain.plan_item import ItemKind, PlanItem, Timing
from billing_subscriptions.domain.policy import ChangeRule, Settlement, TierWindows
from billing_subscriptions.domain.settling import Made, settled_as
from billing_subscriptions.domain.subscription import SubscriptionItem

RuleOf = Callable[[str], tuple[ChangeRule, Cause]]


@dataclass(frozen=True, slots=True)
class Cut:
    """A change at an instant: the subscription as seen before and after, and the rule by which an item goes.

    `all_anew`: a new period begins, so that nothing goes on untouched. `recommits`: another minimum commitment begins,
    so that what goes on is charged for each part.
    """

    before: Frame
    after: Frame
    at: datetime
    rule_of: RuleOf
    all_anew: bool = False
    recommits: bool = False

    @property
    def keeps_metered(self) -> bool:
        """Until the regular boundary, where a plan-wide commitment counts it."""
        return self.before.version.terms.commitment(self.before.subscription.currency) is not None


def lines(cut: Cut, items: tuple[SubscriptionItem, ...]) -> tuple[tuple[SubscriptionItem, ...], Made]:
    """The items after the change, with their windows, and what was made: per item first the credit, then the charge."""
    made, kept = Made(), []
    if cut.all_anew:
        items = tuple(each for each in items if not (each.once and each.covered is not None))
    there = {each.id for each in items}
    for before in cut.before.subscription.items:
        if before.id not in there:
            made += _closed(cut, before, *cut.rule_of(before.code))
    old = {each.id: each for each in cut.before.subscription.items}
    for item in items:
        window, charges = _changed(cut, old.get(item.id), item)
        made += charges
        kept.append(window)
    return tuple(kept), made


def untouched(cut: Cut, before: SubscriptionItem, after: SubscriptionItem) -> bool:
    """Price and quantity are as they were."""
    old, new = cut.before.definition(before), cut.after.definition(after)
    return not cut.all_anew and before.quantity == after.quantity and same_terms(old, new)


def same_terms(one: PlanItem, other: PlanItem) -> bool:
    """Both cost the same, are charged and taxed the same."""
    return one is other or (
        one.price == other.price
        and (one.kind, one.timing, one.meter_code, one.tax_category, one.tax_behavior)
        == (other.kind, other.timing, other.meter_code, other.tax_category, other.tax_behavior)
    )


def _changed(cut: Cut, before: SubscriptionItem | None, item: SubscriptionItem) -> tuple[SubscriptionItem, Made]:
    rule, why = cut.rule_of(item.code)
    if before is not None and untouched(cut, before, item):
        if not cut.recommits or item.once:
            return item, Made()
        rule, why = _split(cut, rule, why)
    elif before is not None and _runs_on(cut, before, item, rule):
        return item, Made()
    closed = _closed(cut, before, rule, why) if before is not None else Made()
    opened, charge = open_window(cut.after, item, cut.at, rule.proration, why)
    opened = replace(opened, tiers_from=_tiers_from(cut, before, item))
    return opened, closed + settled_as([charge] if charge else [], rule.settlement)


def _split(cut: Cut, rule: ChangeRule, why: Cause) -> tuple[ChangeRule, Cause]:
    """By which a fee that goes on is charged for both parts: what is given back of it is charged again."""
    no_credit = rule.settlement is Settlement.NO_CREDIT
    settlement = Settlement.NEXT_INVOICE if no_credit else rule.settlement
    proration = window_rule(cut.after.version.terms.proration)
    return ChangeRule(rule.when, proration, settlement), replace(why, settlement=settlement)


def _runs_on(cut: Cut, before: SubscriptionItem, item: SubscriptionItem, rule: ChangeRule) -> bool:
    """Without proration a fee in arrears is not cut: its whole period costs what it costs at its end."""
    definitions = (cut.before.definition(before), cut.after.definition(item))
    fees = all(each.kind is not ItemKind.METERED and each.timing is Timing.ARREARS for each in definitions)
    return fees and rule.proration.basis is Basis.NONE and not (cut.all_anew or cut.recommits)


def _closed(cut: Cut, before: SubscriptionItem, rule: ChangeRule, why: Cause) -> Made:
    """The window up to the change is charged, what was paid ahead from it on given back: the day of a removal too."""
    found: list[Charge | None] = [arrears(cut.before, before, cut.at, window_rule(rule.proration), why)]
    if rule.settlement is not Settlement.NO_CREDIT:
        found.append(credit_of_change(cut.before, before, cut.at, rule.proration, why))
    charges = [each for each in found if each is not None]
    return settled_as(charges, rule.settlement, keeps_metered=cut.keeps_metered)


def _tiers_from(cut: Cut, before: SubscriptionItem | None, item: SubscriptionItem) -> datetime | None:
    """Where the tiers of a metered item go on from, if it had a window in this period."""
    definition = cut.after.definition(item)
    if before is None or definition.kind is not ItemKind.METERED or cut.all_anew:
        return None
    if cut.after.version.terms.tier_windows is TierWindows.RESTART:
        return None
    if cut.before.definition(before).meter_code != definition.meter_code:
        return None
    began = before.since or cut.before.begin
    return before.tiers_from or (began if began < cut.at else None)
