"""Pauses that void, bill or hold; trials that stand still."""

from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.period import Period
from billing_subscriptions.domain.charges import ChargeReason
from billing_subscriptions.domain.errors import (
    InvalidChangeTime,
    InvalidTransition,
)
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import PauseBilling, State
from subscriptions_builders import amounts, billed, renewed, utc
from subscriptions_life import ALL, paused, resumed, runs


def test_a_pause_that_voids_gives_back_and_the_resume_charges_the_rest():
    stopped = paused(runs(), at="2026-01-11")
    assert (stopped.after.state, stopped.due) == (State.PAUSED, None)
    assert amounts(stopped.made) == {"base/credit": "-21.00 EUR", "calls": None, "support": "2.26 EUR"}
    assert {(each.reason, each.when, each.settlement) for each in stopped.made} == {
        (ChargeReason.PAUSE, ChangeWhen.NOW, Settlement.NEXT_INVOICE)
    }
    (usage,) = (each for each in stopped.made if each.priced is None)
    assert (usage.proration, usage.limits_share) == ("BY_SECONDS, ACTUAL_PERIOD", Fraction(10, 31))
    again = resumed(stopped.after, at="2026-01-21")
    assert (again.after.state, amounts(again.made)) == (State.ACTIVE, {"base": "11.00 EUR"})
    assert again.due is not None
    assert len(again.charges) == 4
    assert {(each.when, each.settlement) for each in again.made} == {(ChangeWhen.NOW, Settlement.AT_ONCE)}
    (renewal,) = renewed(again.after, ALL)
    assert billed(renewal) == {"base": "31.00 EUR", "calls": None, "support": "2.48 EUR"}
    calls = next(each for each in renewal.charges if each.priced is None)
    assert (calls.service_period.start, calls.tiers_from) == (utc("2026-01-21"), utc("2026-01-01"))


def test_boundaries_in_a_void_pause_bill_nothing_but_what_waits():
    stopped = paused(runs(), at="2026-01-11", resume_at=utc("2026-03-16T12:00"))
    first, second, back = renewed(stopped.after, ALL, 3)
    assert billed(first) == amounts(stopped.made)
    assert (second.due, second.after.state, second.after.period_index) == (None, State.PAUSED, 2)
    assert (back.kind, back.at, amounts(back.made)) == (
        StepKind.RESUMED,
        utc("2026-03-16T12:00"),
        {"base": "15.50 EUR"},
    )
    assert (back.after.pause, back.after.state) == (None, State.ACTIVE)
    assert {(each.when, each.settlement) for each in back.made} == {(ChangeWhen.ON_DATE, Settlement.AT_ONCE)}


def test_a_pause_that_bills_goes_on_billing():
    stopped = paused(runs(), at="2026-01-11", billing=PauseBilling.BILL)
    (renewal,) = renewed(stopped.after, ALL)
    assert (renewal.after.state, billed(renewal)) == (
        State.PAUSED,
        {"base": "31.00 EUR", "calls": None, "support": "7.00 EUR"},
    )
    assert resumed(renewal.after, at="2026-02-11").made == ()


def test_held_charges_are_billed_when_it_is_resumed():
    stopped = paused(runs(), at="2026-01-11", billing=PauseBilling.HOLD)
    (renewal,) = renewed(stopped.after, ALL)
    assert (renewal.due, renewal.after.pending) == (None, renewal.made)
    again = resumed(renewal.after, at="2026-02-11")
    assert (again.charges, again.after.pending) == (renewal.made, ())
    until = paused(runs(), at="2026-01-11", billing=PauseBilling.HOLD, resume_at=utc("2026-03-01"))
    held, freed = renewed(until.after, ALL, 2)
    assert (held.due, freed.kind, freed.charges) == (None, StepKind.RESUMED, held.made + freed.made)


def test_a_pause_at_the_end_of_the_period_begins_with_it_and_is_taken_back_until_then():
    planned = paused(runs(), at="2026-01-11", when=ChangeWhen.PERIOD_END)
    assert (planned.kind, planned.after.state, planned.after.pauses) == (StepKind.PAUSE_SCHEDULED, State.ACTIVE, True)
    (begun,) = renewed(planned.after, ALL)
    assert (begun.kind, begun.after.state, billed(begun)) == (
        StepKind.PAUSED,
        State.PAUSED,
        {"calls": None, "support": "7.00 EUR"},
    )
    back = resumed(planned.after, at="2026-01-12")
    assert (back.kind, back.after.pause) == (StepKind.CHANGE_UNSCHEDULED, None)


def test_pauses_that_make_no_sense_are_refused():
    with pytest.raises(InvalidChangeTime) as refused:
        paused(runs(), at="2026-01-11", resume_at=utc("2026-01-11"))
    assert refused.value.violations[0].field == "resume_time"
    with pytest.raises(InvalidChangeTime):
        paused(runs(), at="2026-01-11", when=ChangeWhen.ON_DATE)
    with pytest.raises(InvalidTransition) as forbidden:
        paused(paused(runs(), at="2026-01-11").after, at="2026-01-12")
    assert dict(forbidden.value.facts) == {"from": "PAUSED", "to": "PAUSED"}
    with pytest.raises(InvalidTransition):
        resumed(runs(), at="2026-01-11")
    with pytest.raises(InvalidTransition):
        paused(build.started(ALL, start="2026-02-01", now="2026-01-01").after, at="2026-01-02")


def test_a_paused_trial_stands_still_and_its_first_period_begins_when_it_is_resumed():
    trial = build.subscription(ALL, trial_days=14)
    stopped = paused(trial, at="2026-01-05")
    assert stopped.after.next_due_at is None
    assert resumed(stopped.after, at="2026-01-07").after.state is State.TRIALING
    late = resumed(stopped.after, at="2026-02-10")
    assert (late.after.state, billed(late)) == (State.ACTIVE, {"base": "31.00 EUR"})
    assert late.after.period == Period(utc("2026-02-10"), utc("2026-03-10"))
    assert (late.due.index, late.after.period_index) == (0, 0)
