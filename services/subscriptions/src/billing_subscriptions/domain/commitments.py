"""The minimum commitment of a whole plan for a period that ends."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.period import Period
from billing_pricing import Explanation
from billing_pricing.nodes import Constant, Node, Share

from billing_subscriptions.domain.charges import COMMITMENT, WHOLE, Charge, Commitment, charge_id
from billing_subscriptions.domain.items import TICK, Frame, proration_name, window_rule
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.references import period_facts


def commits_anew(old: PlanVersion, new: PlanVersion, currency: str) -> bool:
    """Whether another commitment counts under `new`: then a change inside a period ends one part of it for both."""
    return old.terms.commitment(currency) != new.terms.commitment(currency)


def commitment_of(frame: Frame, end: datetime, *, cut: bool = False) -> Commitment | None:
    """What the period that ends at `end` is committed to: prorated apart from the fees, then rounded; or None.

    Where a change has `cut` the period, each part is committed to for itself, without proration by seconds.
    """
    subscription = frame.subscription
    terms, begin = frame.version.terms, subscription.committed_from or frame.begin
    wanted = terms.commitment(subscription.currency)
    if wanted is None or subscription.period_index < 0 or subscription.voided or end <= begin:
        return None
    served = Period(begin, end)
    rule = window_rule(terms.proration) if cut or subscription.committed_from else terms.proration
    part = frame.share(served, rule)
    tree: Node = Constant(wanted.amount.exact().value, f"{subscription.currency} committed a period")
    if part != WHOLE:
        tree = Share(part, f"of the period, {frame.words(rule)}", tree)
    facts = period_facts(frame.version.id, served, "" if part == WHOLE else proration_name(rule))
    exact = ExactAmount(subscription.currency, wanted.amount.exact().value * part)
    return Commitment(
        charge_id=charge_id(subscription.id, served, COMMITMENT),
        description="Minimum commitment",
        service_period=served,
        amount=round_amount(exact, wanted.rounding),
        exact=exact,
        billed=Money(subscription.currency, subscription.period_billed_minor),
        explanation=Explanation(tree, subscription.currency, wanted.rounding, facts).to_json(),
        tax_category=wanted.tax_category,
        tax_behavior=wanted.tax_behavior,
        supply_at=served.end - TICK,
    )


def counting(commitment: Commitment, waited: Iterable[Charge], made: Iterable[Charge]) -> Commitment:
    """The commitment of a period that was cut short: what its due has beyond the cut counts as billed.

    Of what the cut itself `made`, charges that begin with it belong to what comes after. What lies within the period is
    counted by whoever fills the commitment up.
    """
    served = commitment.service_period
    own = [*waited, *(each for each in made if each.credit_of or each.service_period.start < served.end)]
    beyond = [
        each for each in own if each.service_period.start >= served.start and each.service_period.end > served.end
    ]
    minor = sum(each.rounded_minor for each in beyond)
    return replace(commitment, billed=commitment.billed + Money(commitment.billed.currency, minor))
