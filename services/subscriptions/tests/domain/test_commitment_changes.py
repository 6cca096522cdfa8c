"""The minimum commitment of a plan where a change inside a period leaves it, joins it or moves to another one."""

import subscriptions_builders as build
from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import ChangeWhen, MinimumCommitment, PlanTerms, Settlement
from billing_subscriptions.domain.subscription import Change
from subscriptions_builders import billed, renewed, utc


def terms(minor):
    return PlanTerms(minimum_commitments=(MinimumCommitment(Money("EUR", minor)),))


def plans(fee, timing, *minors):
    return [
        build.version([build.flat(fee, timing), build.metered()], terms=terms(minor) if minor else None)
        for minor in minors
    ]


def june(of):
    return renewed(build.subscription(of, start="2026-06-01"), of)[0].after


def moved(before, to, known, at="2026-06-30", settlement=Settlement.NEXT_INVOICE):
    order = ChangeOrder(Change(to.id), Wishes(ChangeWhen.NOW, settlement=settlement))
    (step,) = change(before, order, known, PriceBook(), now=utc(at))
    return step


def missed(step):
    """What the commitment of a step's due misses of its amount, by the rule of invoicing; use costs nothing."""
    found = step.commitment
    within = [each for each in step.charges if each.service_period.start >= found.service_period.start]
    within = [each for each in within if each.service_period.end <= found.service_period.end]
    return found.amount.minor - found.billed.minor - sum(each.rounded_minor for each in within)


def test_leaving_a_commitment_settles_the_part_of_the_period():
    a, b = plans("100", Timing.ARREARS, 1000000, 0)
    left = moved(june(a), b, build.offers(a, b))
    assert left.due is not None
    assert left.commitment.service_period == Period(utc("2026-06-01"), utc("2026-06-30"))
    assert (left.commitment.amount, left.commitment.billed) == (Money("EUR", 966667), Money("EUR", 0))
    assert billed(left) == {"base": "96.67 EUR", "calls": None}
    assert missed(left) == 966667 - 9667
    (renewal,) = renewed(left.after, build.offers(a, b))
    assert renewal.commitment is None
    assert billed(renewal) == {"base": "3.33 EUR", "calls": None}


def test_joining_a_commitment_commits_the_rest_of_the_period():
    a, b = plans("100", Timing.ARREARS, 1000000, 0)
    joined = moved(june(b), a, build.offers(a, b))
    assert (joined.due, joined.commitment) == (None, None)
    assert joined.after.committed_from == utc("2026-06-30")
    (renewal,) = renewed(joined.after, build.offers(a, b))
    assert renewal.commitment.service_period == Period(utc("2026-06-30"), utc("2026-07-01"))
    assert renewal.commitment.amount == Money("EUR", 33333)
    assert missed(renewal) == 33333 - 333
    (whole,) = renewed(renewal.after, build.offers(a, b))
    assert (whole.before.committed_from, whole.commitment.amount) == (None, Money("EUR", 1000000))


def test_other_commitments_count_each_for_its_part():
    a, b = plans("100", Timing.ADVANCE, 1000000, 2000000)
    changed = moved(june(a), b, build.offers(a, b), at="2026-06-16")
    assert (changed.commitment.amount, changed.commitment.billed) == (Money("EUR", 500000), Money("EUR", 5000))
    assert missed(changed) == 500000 - 5000
    (renewal,) = renewed(changed.after, build.offers(a, b))
    assert (renewal.commitment.amount, renewal.commitment.billed) == (Money("EUR", 1000000), Money("EUR", 5000))
    assert missed(renewal) == 1000000 - 5000
    ended = cancel(changed.after, CancelOrder(CancelAt.NOW), build.offers(a, b), PriceBook(), now=utc("2026-06-25"))
    assert (ended.commitment.amount, missed(ended)) == (Money("EUR", 600000), 600000 - 5000)


def test_a_fee_ahead_counts_for_the_commitment_of_its_part_alone():
    """Whatever waits: what was given back of the fee before never counts for the commitment that begins."""
    for settlement in Settlement:
        a, b = plans("100", Timing.ADVANCE, 1000000, 0)
        joined = moved(june(b), a, build.offers(a, b), "2026-06-16", settlement)
        (renewal,) = renewed(joined.after, build.offers(a, b))
        assert (renewal.commitment.amount, missed(renewal)) == (Money("EUR", 500000), 500000 - 5000)


def test_changes_at_one_instant_count_once():
    a, b = plans("100", Timing.ADVANCE, 1000000, 0)
    known = build.offers(a, b)
    step = moved(june(a), b, known, "2026-06-16")
    assert missed(step) == 500000 - 5000
    back = moved(step.after, a, known, "2026-06-16")
    assert back.commitment is None
    (renewal,) = renewed(back.after, known)
    assert missed(renewal) == 500000 - 5000
    thrice = moved(moved(june(b), a, known, "2026-06-16").after, b, known, "2026-06-16")
    (plain,) = renewed(thrice.after, known)
    assert (thrice.commitment, plain.commitment) == (None, None)
    assert sum(each.rounded_minor for each in plain.charges) == 10000


def test_a_version_with_the_same_commitment_goes_on_with_the_period():
    a, b = plans("100", Timing.ADVANCE, 1000000, 1000000)
    changed = moved(june(a), b, build.offers(a, b), "2026-06-16")
    assert (changed.commitment, changed.after.committed_from, changed.made) == (None, None, ())
    (renewal,) = renewed(changed.after, build.offers(a, b))
    assert (renewal.commitment.amount, missed(renewal)) == (Money("EUR", 1000000), 1000000 - 10000)
