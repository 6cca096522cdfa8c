"""Credits: what is given back of an advance charge, never more than is left of it."""

from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_kernel.proration import Basis, Proration, charged_share, unused_share
from billing_pricing import Explanation, explanation_from_json
from billing_pricing.nodes import Constant, Maximum

from billing_subscriptions.domain.charges import CREDIT, Cause, Charge, CreditOf, Priced, charge_id
from billing_subscriptions.domain.items import TICK, Frame, covered_of, proration_name
from billing_subscriptions.domain.plan_item import Timing
from billing_subscriptions.domain.references import referred
from billing_subscriptions.domain.subscription import Covered, SubscriptionItem


def credit_of_change(frame: Frame, item: SubscriptionItem, at: datetime, rule: Proration, why: Cause) -> Charge | None:
    """What a change at `at` gives back of the item's advance charge: the part that the new window is charged for.

    None where nothing is left, and under Basis.NONE.
    """
    covered = covered_of(frame, item)
    if covered is None or rule.basis is Basis.NONE or at >= covered.span.end:
        return None
    part = charged_share(Period(max(at, covered.span.start), covered.span.end), frame.cycle, rule)
    return _credit(frame, item, covered, at, part, rule, why)


def credit_of_end(frame: Frame, item: SubscriptionItem, at: datetime, rule: Proration, why: Cause) -> Charge | None:
    """What an end (or a pause) at `at` gives back: the unused part. By inclusive days, the day of it was used."""
    covered = covered_of(frame, item)
    if covered is None or at >= covered.span.end:
        return None
    part = unused_share(covered.span, at, frame.cycle, rule)
    return _credit(frame, item, covered, at, part, rule, why)


def credit_of_part(
    frame: Frame, item: SubscriptionItem, covered: Covered, until: datetime, rule: Proration, why: Cause
) -> Charge | None:
    """What lies before `until` of an advance charge, given back."""
    if until <= covered.span.start:
        return None
    if until >= covered.span.end:
        part = covered.share
    else:
        part = covered.share - charged_share(Period(until, covered.span.end), frame.cycle, rule)
    return _credit(frame, item, covered, covered.span.start, part, rule, why, until=min(until, covered.span.end))


def credited(item: SubscriptionItem, covered: Covered, credit: Charge | None) -> SubscriptionItem:
    """The item that remembers a credit of its charge."""
    if credit is None:
        return item
    given_back = Money(covered.amount.currency, -credit.rounded_minor)
    return replace(item, covered=replace(covered, credited=covered.credited + given_back))


def _credit(
    frame: Frame,
    item: SubscriptionItem,
    covered: Covered,
    at: datetime,
    part: Fraction,
    rule: Proration,
    why: Cause,
    until: datetime | None = None,
) -> Charge | None:
    definition, left = frame.definition(item), covered.amount - covered.credited
    part = min(part, covered.share)
    if part <= 0 or left.minor <= 0:
        return None
    priced = frame.prices.price(
        definition, covered.quantity, -part, left.currency, label=frame.words(rule), at=covered.span.start
    )
    given = part / covered.share
    if -priced.rounded.minor > left.minor:
        priced, given = _capped(priced, left), Fraction(left.minor, covered.amount.minor)
    if not priced.rounded:
        return None
    proration = proration_name(rule)
    served = Period(max(at, covered.span.start), until or covered.span.end)
    return Charge(
        id=charge_id(item.id, served, CREDIT, frame.ordinal),
        item=definition,
        subscription_item_id=item.id,
        description=f"{definition.name} (unused part of the period)",
        service_period=served,
        supply_at=covered.span.start if definition.timing is Timing.ADVANCE else covered.span.end - TICK,
        priced=referred(priced, definition, frame.version.id, served, why, proration),
        credit_of=CreditOf(covered.charge_id, given),
        reason=why.reason,
        proration=proration,
        when=why.when,
        settlement=why.settlement,
    )


def _capped(priced: Priced, left: Money) -> Priced:
    """No more than is left of the charge."""
    found = explanation_from_json(priced.explanation)
    rest = -left.exact().value
    tree = Maximum((found.tree, Constant(rest, f"{left.currency} left of the charge")))
    capped = Explanation(tree, left.currency, found.rounding, found.references, found.places)
    return Priced(priced.quantity, priced.unit_amount, (-left).exact(), -left, capped.to_json())
