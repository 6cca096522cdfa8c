"""Commitments, and looking ahead: what falls due next, billing schedules."""

from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.cycle import FirstStub, InvalidAnchor
from billing_kernel.money import Money
from billing_kernel.period import Interval, InvalidPeriod, Period
from billing_kernel.proration import Basis, Proration
from billing_pricing import explanation_from_json
from billing_subscriptions.domain.boundary import boundary
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import (
    Alignment,
    AlignmentKind,
    ChangeWhen,
    MinimumCommitment,
    PlanTerms,
    Settlement,
)
from billing_subscriptions.domain.preview import ScheduleOrder, billing_schedule, foreseen, next_due
from billing_subscriptions.domain.previewed_bill import Bill, bill_of
from billing_subscriptions.domain.subscription import Change
from subscriptions_builders import amounts, billed, renewed, utc

OF = build.version([build.flat(), build.seat()])
LARGE = build.version([build.flat("99"), build.seat()])
KNOWN = build.offers(OF, LARGE)
DAYS = Proration(Basis.BY_DAYS)


def runs(of=OF, start="2026-01-01", **order):
    return renewed(build.subscription(of, start=start, **order), of)[0].after


def seats(quantity):
    return Change(quantities=build.quantities(seats=quantity))


def test_a_commitment_of_the_plan_counts_what_was_billed_for_the_same_period():
    committed = PlanTerms(minimum_commitments=(MinimumCommitment(Money("EUR", 10000)),))
    of = build.version([build.flat("31"), build.seat(), build.metered()], terms=committed)
    before = runs(of)
    order = ChangeOrder(seats("2"), Wishes(settlement=Settlement.AT_ONCE))
    (up,) = change(before, order, build.offers(of), PriceBook(), now=utc("2026-01-16T12:00"))
    (renewal,) = renewed(up.after, of)
    found = renewal.commitment
    assert (found.amount, found.billed) == (Money("EUR", 10000), Money("EUR", 3100 + 1000 - 500 + 1000))
    assert found.service_period == Period(utc("2026-01-01"), utc("2026-02-01"))
    assert explanation_from_json(found.explanation).rounded == found.amount
    step = cancel(renewal.after, CancelOrder(CancelAt.NOW), build.offers(of), PriceBook(), now=utc("2026-02-15"))
    assert (step.commitment.amount, step.commitment.billed) == (Money("EUR", 5000), Money("EUR", 5100))
    assert step.due is not None


def test_looking_ahead_is_the_rules_themselves():
    trial = build.subscription(OF, trial_days=14)
    ahead = next_due(trial, KNOWN, PriceBook())
    assert ahead == boundary(trial, KNOWN, PriceBook(), now=utc("2026-01-15"))
    order = ChangeOrder(seats("3"), Wishes(ChangeWhen.ON_DATE), utc("2026-03-16T12:00"))
    (waits,) = change(runs(), order, KNOWN, PriceBook(), now=utc("2026-01-05"))
    made = foreseen(waits.after, KNOWN, PriceBook(), utc("2026-03-16T12:00"))
    assert amounts(made) == {"seats/credit": "-5.00 EUR", "seats": "15.00 EUR"}
    assert {each.when for each in made} == {ChangeWhen.ON_DATE}
    ended = cancel(runs(), CancelOrder(CancelAt.NOW), KNOWN, PriceBook(), now=utc("2026-01-05")).after
    assert next_due(ended, KNOWN, PriceBook()) is None
    assert bill_of(None, "EUR") == Bill((), (), None, Money("EUR", 0), Money("EUR", 0))


def schedule(start, interval=None, **order):
    return billing_schedule(ScheduleOrder(utc(start), interval or Interval("month"), proration=DAYS, **order))


def test_a_schedule_of_periods_with_shares_and_amounts():
    """Billing day 31, first invoice from 2 March 2012: 29 of the 31 days since 29 February."""
    found = schedule(
        "2012-03-02", alignment=Alignment(AlignmentKind.ANCHOR_DAY, 31), amount=Money("USD", 59995), periods=2
    )
    assert [(each.period.end, each.share, each.amount.minor) for each in found] == [
        (utc("2012-03-31"), Fraction(29, 31), 56124),
        (utc("2012-04-30"), Fraction(1), 59995),
    ]
    assert found[0].explanation == "29/31 periods, by days"


@pytest.mark.parametrize(
    ("start", "end", "day", "total"),
    [
        ("2012-02-01", "2012-02-15", 1, Fraction(14, 29)),
        ("2010-12-15", "2011-03-17", 15, 3 + Fraction(2, 31)),
    ],
)
def test_the_shares_of_a_schedule_add_up(start, end, day, total):
    found = schedule(start, end=utc(end), alignment=Alignment(AlignmentKind.ANCHOR_DAY, day))
    assert sum(each.share for each in found) == total


def test_a_schedule_begins_with_a_free_stub_or_where_it_is_asked_for():
    free = Alignment(AlignmentKind.CALENDAR, first_stub=FirstStub.NONE)
    lead, first = schedule("2021-01-10", alignment=free, periods=2)
    assert (lead.index, lead.share, lead.explanation) == (-1, 0, "free of charge")
    assert (first.index, first.period.start) == (0, utc("2021-02-01"))
    (of_then,) = schedule("2019-04-30", from_at=utc("2020-03-29"), periods=1)
    assert (of_then.index, of_then.period.start) == (10, utc("2020-02-29"))
    with pytest.raises(InvalidAnchor):
        schedule("2021-01-10", alignment=Alignment(AlignmentKind.ANCHOR_DAY))
    with pytest.raises(InvalidPeriod):
        schedule("2021-01-10", end=utc("2021-01-10"))


def test_a_month_in_arrears_is_charged_by_what_it_was():
    of = build.version([build.flat("31", Timing.ARREARS), build.metered()])
    order = ChangeOrder(Change(LARGE.id), Wishes(ChangeWhen.NOW))
    known = build.offers(of, LARGE)
    (step,) = change(runs(of), order, known, PriceBook(), now=utc("2026-01-11"))
    assert amounts(step.made) == {"base": "67.06 EUR", "calls": None, "seats": "6.77 EUR"}
    base = [str(each.priced.rounded) for each in step.made if each.item.code == "base"]
    assert base == ["10.00 EUR", "67.06 EUR"]


def test_a_commitment_ends_with_its_period_where_another_interval_begins():
    terms = PlanTerms(minimum_commitments=(MinimumCommitment(Money("EUR", 31000)),))
    of, yearly = (
        build.version([build.flat("31"), build.metered()], terms=terms),
        build.version([build.flat("300"), build.metered()], Interval("year")),
    )
    order = ChangeOrder(Change(yearly.id), Wishes(settlement=Settlement.NEXT_INVOICE))
    (step,) = change(runs(of), order, build.offers(of, yearly), PriceBook(), now=utc("2026-01-11"))
    assert (step.commitment.amount, step.commitment.billed) == (Money("EUR", 10000), Money("EUR", 1000))
    assert billed(step) == {"base/credit": "-21.00 EUR", "base": "300.00 EUR", "calls": None}
    assert (step.after.pending, step.after.period_billed_minor) == ((), 30000)
