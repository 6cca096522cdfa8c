"""The charges of a whole period, in arrears and ahead, and what a backdated start gives back of them."""

from dataclasses import replace
from datetime import datetime

from billing_kernel.money import Money
from billing_kernel.period import Period

from billing_subscriptions.domain.charges import REGULAR, Cause, Charge, ChargeReason
from billing_subscriptions.domain.credits import credit_of_part, credited
from billing_subscriptions.domain.items import Frame, advance, arrears, window_rule
from billing_subscriptions.domain.shape import Items
from billing_subscriptions.domain.subscription import Covered, SubscriptionItem


def closing(frame: Frame, at: datetime, why: Cause = REGULAR) -> list[Charge]:
    """What the windows of all items cost in arrears, up to `at` or the planned end."""
    rule, end = frame.version.terms.proration, min(at, frame.end)
    found: list[Charge] = []
    for item in frame.subscription.items:
        charge = arrears(frame, item, end, window_rule(rule) if item.since else rule, why)
        if charge is not None:
            found.append(charge)
            found += _given_back(frame, item, charge)
    return found


def opening(frame: Frame) -> tuple[Items, list[Charge]]:
    """What the current period costs ahead, from where it begins to be billed.

    Nothing while a pause voids billing.
    """
    items, begin, end = frame.subscription.items, frame.begin, frame.end
    if frame.subscription.voided or begin >= end:
        return items, []
    served, whole = Period(begin, end), begin == frame.subscription.period.start
    charges: list[Charge] = []
    kept: list[SubscriptionItem] = []
    for item in items:
        found = advance(frame, item, served, frame.version.terms.proration)
        if found is None:
            kept.append(item)
            continue
        charge, covered = found
        charges.append(charge)
        window = item if whole else replace(item, since=begin)
        if item.once or not whole:
            window = replace(window, covered=covered)
        credit = _credit_of_past(frame, item, covered)
        if credit is not None:
            charges.append(credit)
            window = credited(window, covered, credit)
        kept.append(window)
    unchanged = all(one is other for one, other in zip(kept, items, strict=True))
    return items if unchanged else tuple(kept), charges


def _given_back(frame: Frame, item: SubscriptionItem, charge: Charge) -> list[Charge]:
    if charge.priced is None or frame.subscription.backdated_until is None:
        return []
    part = frame.share(charge.service_period, frame.version.terms.proration)
    money = charge.priced
    zero = Money.zero(money.rounded.currency)
    covered = Covered(charge.id, charge.service_period, charge.item.price_id, money.quantity, money.rounded, part, zero)
    credit = _credit_of_past(frame, item, covered)
    return [credit] if credit else []


def _credit_of_past(frame: Frame, item: SubscriptionItem, covered: Covered) -> Charge | None:
    """What of a charge lies behind a start in the past whose time is given back."""
    until = frame.subscription.backdated_until
    if until is None or until <= covered.span.start:
        return None
    rule = frame.version.terms.proration
    return credit_of_part(frame, item, covered, until, rule, Cause(ChargeReason.BACKDATED_START))
