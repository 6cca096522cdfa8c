"""The minimum commitment of a whole plan for a period that ends."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.period import Period
from billing_pricing import Explanation
from billing_pricing.nodes import Constant, Node, Share

from billing_subscriptions.domain.charges import COMMITMENT, WHOLE, Charge, Commitment, charge_id
from billing_subscriptions.domain.items import TICK, Frame, proration_name
from billing_subscriptions.domain.references import period_facts


def commitment_of(frame: Frame, end: datetime) -> Commitment | None:
    """What the period that ends at `end` is committed to: prorated apart from the fees, then rounded; or None."""
    subscription = frame.subscription
    terms = frame.version.terms
    wanted = terms.commitment(subscription.currency)
    if wanted is None or subscription.period_index < 0 or subscription.voided or end <= frame.begin:
        return None
    served = Period(frame.begin, end)
    part = frame.share(served, terms.proration)
    tree: Node = Constant(wanted.amount.exact().value, f"{subscription.currency} committed a period")
    if part != WHOLE:
        tree = Share(part, f"of the period, {frame.words(terms.proration)}", tree)
    facts = period_facts(frame.version.id, served, "" if part == WHOLE else proration_name(terms.proration))
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


def counting(commitment: Commitment, charges: Iterable[Charge]) -> Commitment:
    """The commitment of a period that was cut short: what its due makes beyond the cut counts as billed.

    What lies within the period is counted by whoever fills the commitment up.
    """
    served = commitment.service_period
    beyond = sum(
        each.rounded_minor
        for each in charges
        if each.service_period.end > served.end
        and (each.credit_of is not None or each.service_period.start < served.end)
    )
    return replace(commitment, billed=commitment.billed + Money(commitment.billed.currency, beyond))
