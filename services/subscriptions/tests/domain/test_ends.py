"""Cancelations, terms, planned ends, payment gates, standing."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.period import Interval, Period
from billing_subscriptions.domain.boundary import boundary, catch_up
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel, undo_cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import (
    InvalidChangeTime,
    NotCanceling,
    RenewalsBehind,
    ScheduledChangeConflict,
    SubscriptionIsCanceled,
)
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import ChangeWhen, PlanTerms, Settlement, TermEnd, TrialEnd
from billing_subscriptions.domain.standing import mark_standing, relabel
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import Change, State
from subscriptions_builders import amounts, billed, renewed, utc
from subscriptions_life import ALL, INCLUSIVE, canceled, paused, resumed, runs


@pytest.mark.parametrize(
    ("trial_end", "state", "kind"),
    [
        (TrialEnd.CONVERT, State.ACTIVE, StepKind.TRIAL_ENDED),
        (TrialEnd.CANCEL, State.CANCELED, StepKind.CANCELED),
        (TrialEnd.PAUSE, State.PAUSED, StepKind.PAUSED),
    ],
)
def test_the_plan_says_what_becomes_of_a_trial_without_a_payment_method(trial_end, state, kind):
    of = build.version(trial_days=14, terms=PlanTerms(trial_end=trial_end))
    trial = build.subscription(of)
    step = boundary(trial, build.offers(of), PriceBook(), now=utc("2026-01-15"), has_payment_method=False)
    assert (step.after.state, step.kind, step.due is None) == (state, kind, state is not State.ACTIVE)
    with_one = boundary(trial, build.offers(of), PriceBook(), now=utc("2026-01-15"))
    assert with_one.after.state is State.ACTIVE


def test_cancel_now_bills_usage_and_the_share_of_arrears_and_keeps_what_was_paid_ahead():
    step = canceled(runs(), at="2026-01-11")
    assert billed(step) == {"calls": None, "support": "2.26 EUR"}
    assert {charge.service_period for charge in step.charges} == {Period(utc("2026-01-01"), utc("2026-01-11"))}
    assert (step.after.state, step.after.next_due_at, step.after.canceled_at) == (
        State.CANCELED,
        None,
        utc("2026-01-11"),
    )
    assert step.due is not None
    assert {(charge.when, charge.settlement) for charge in step.charges} == {(ChangeWhen.NOW, Settlement.NO_CREDIT)}
    with pytest.raises(SubscriptionIsCanceled):
        canceled(step.after, at="2026-01-12")


def test_a_cancelation_on_the_first_day_used_that_day():
    of = build.version([build.flat("200")])
    step = canceled(runs(of, "2025-09-18"), of, at="2025-09-18", credit=True, proration=INCLUSIVE)
    assert amounts(step.made) == {"base/credit": "-193.33 EUR"}
    assert step.made[0].credit_of.share == Fraction(29, 30)


def test_credit_is_given_only_where_it_is_asked_for():
    assert "base/credit" in amounts(canceled(runs(), at="2026-01-11", credit=True).made)
    refused = canceled(runs(), at="2026-01-11", credit=True, settlement=Settlement.NO_CREDIT)
    assert "base/credit" not in amounts(refused.made)


def test_cancel_at_the_end_of_the_period_bills_no_next_one_and_can_be_undone():
    planned = canceled(runs(), at="2026-01-11", when=CancelAt.PERIOD_END)
    assert (planned.kind, planned.after.cancels_at_period_end) == (StepKind.CANCEL_SCHEDULED, True)
    (final,) = renewed(planned.after, ALL, 9)
    assert billed(final) == {"calls": None, "support": "7.00 EUR"}
    assert (final.kind, final.after.state, final.after.canceled_at) == (
        StepKind.CANCELED,
        State.CANCELED,
        utc("2026-02-01"),
    )
    undone = undo_cancel(planned.after, now=utc("2026-01-12"))
    assert undone.after.ends_at is None
    assert billed(renewed(undone.after, ALL)[0])["base"] == "31.00 EUR"
    with pytest.raises(NotCanceling):
        undo_cancel(undone.after, now=utc("2026-01-13"))


def test_cancel_on_a_date_happens_then_with_its_credit():
    planned = canceled(runs(), at="2026-01-02", when=CancelAt.ON_DATE, on="2026-01-11", credit=True)
    (final,) = renewed(planned.after, ALL, 9)
    assert (final.at, final.kind) == (utc("2026-01-11"), StepKind.CANCELED)
    assert billed(final) == {"base/credit": "-21.00 EUR", "calls": None, "support": "2.26 EUR"}
    assert {(each.when, each.settlement) for each in final.charges} == {(ChangeWhen.ON_DATE, Settlement.AT_ONCE)}
    for on in ("2026-01-01", None):
        with pytest.raises(InvalidChangeTime):
            canceled(runs(), at="2026-01-02", when=CancelAt.ON_DATE, on=on)


def test_nothing_is_scheduled_behind_the_end():
    planned = canceled(runs(), at="2026-01-02", when=CancelAt.PERIOD_END).after
    order = ChangeOrder(Change(remove_codes=("support",)))
    with pytest.raises(ScheduledChangeConflict):
        change(planned, order, build.offers(ALL), PriceBook(), now=utc("2026-01-03"))
    with pytest.raises(InvalidChangeTime):
        paused(planned, at="2026-01-03", when=ChangeWhen.PERIOD_END)


def test_what_waits_is_settled_with_the_end():
    dear = build.version([build.flat("62"), build.metered(), build.flat("7", Timing.ARREARS, "support")])
    known = build.offers(ALL, dear)
    (up,) = change(runs(), ChangeOrder(Change(dear.id)), known, PriceBook(), now=utc("2026-01-11"))
    step = cancel(up.after, CancelOrder(CancelAt.NOW), known, PriceBook(), now=utc("2026-01-21"))
    assert step.charges[: len(up.made)] == up.made
    assert step.after.pending == ()


def test_a_canceled_trial_that_reaches_its_end_bills_nothing():
    trial = build.subscription(ALL, trial_days=14)
    planned = canceled(trial, at="2026-01-02", when=CancelAt.PERIOD_END)
    (end,) = renewed(planned.after, ALL, 9)
    assert (end.charges, end.due, end.after.state) == ((), None, State.CANCELED)


def test_a_planned_end_inside_a_period_is_charged_to_it_and_expires():
    of = build.version([build.flat("31"), build.flat("31", Timing.ARREARS, "late")])
    start, end = renewed(build.subscription(of, ends_at=utc("2026-01-11")), of, 9)
    assert billed(start) == {"base": "10.00 EUR"}
    assert (end.kind, end.after.state, billed(end)) == (StepKind.EXPIRED, State.EXPIRED, {"late": "10.00 EUR"})


@pytest.mark.parametrize("term_end", TermEnd)
def test_a_fixed_term_expires_or_begins_anew(term_end):
    of = build.version(terms=PlanTerms(term_periods=2, term_end=term_end))
    made = build.subscription(of)
    assert made.term_end_at(of.interval) == utc("2026-03-01")
    *_, second, third = renewed(made, of, 3)
    assert second.after.term_periods_left == 1
    if term_end is TermEnd.EXPIRE:
        assert (third.kind, third.after.state, third.charges) == (StepKind.EXPIRED, State.EXPIRED, ())
    else:
        assert (third.after.state, third.after.term_periods_left) == (State.ACTIVE, 2)
        assert third.after.term_end_at(of.interval) == utc("2026-05-01")


def test_a_payment_gate_bills_at_once_and_waits_for_its_payment():
    made = build.started(ALL, payment_gated=True)
    assert (made.after.state, made.after.version, made.due.index) == (State.INCOMPLETE, 1, 0)
    assert billed(made) == {"base": "31.00 EUR"}
    assert made.after.expires_at == made.after.next_due_at == utc("2026-01-01T23:00")
    paid = mark_standing(made.after, unpaid=False, at=utc("2026-01-01T05:00"), now=utc("2026-01-01T05:00"))
    assert (paid.kind, paid.after.state, paid.after.next_due_at) == (
        StepKind.ACTIVATED,
        State.ACTIVE,
        utc("2026-02-01"),
    )
    (gone,) = renewed(made.after, ALL, 9)
    assert (gone.kind, gone.after.state, gone.due, gone.made) == (StepKind.EXPIRED, State.EXPIRED, None, ())
    assert gone.after.expires_at == utc("2026-01-01T23:00"), "invoicing voids what was billed by it"
    usage_only = build.version([build.metered()])
    assert build.started(usage_only, payment_gated=True).after.state is State.ACTIVE


def test_a_scheduled_start_waits_and_a_gate_then_too():
    made = build.started(ALL, start="2026-02-01", now="2026-01-01", payment_gated=True).after
    assert (made.state, made.next_due_at) == (State.SCHEDULED, utc("2026-02-01"))
    (begun,) = renewed(made, ALL)
    assert (begun.kind, begun.after.state) == (StepKind.STARTED, State.INCOMPLETE)
    step = canceled(made, at="2026-01-05")
    assert (step.after.state, step.charges) == (State.CANCELED, ())


def test_standing_goes_past_due_and_back_and_is_remembered_in_a_pause():
    at = utc("2026-01-05")
    late = mark_standing(runs(), unpaid=True, at=at, now=at)
    assert (late.kind, late.after.state) == (StepKind.PAST_DUE, State.PAST_DUE)
    assert mark_standing(late.after, unpaid=True, at=at, now=at) is None
    back = mark_standing(late.after, unpaid=False, at=at, now=at)
    assert (back.kind, back.after.state) == (StepKind.PAID, State.ACTIVE)
    stopped = paused(late.after, at="2026-01-11").after
    assert resumed(stopped, at="2026-01-12").after.state is State.PAST_DUE
    cleared = mark_standing(stopped, unpaid=False, at=at, now=at).after
    assert (cleared.state, cleared.unpaid) == (State.PAUSED, False)
    assert cleared.effective_at == stopped.effective_at  # an event of before never sets the clock back
    assert mark_standing(canceled(runs(), at="2026-01-11").after, unpaid=True, at=at, now=at) is None


def test_labels_change_nothing_else():
    before = runs()
    after = relabel(before, "crm-7", {"team": "a"}, now=utc("2026-01-05")).after
    assert (after.external_id, after.metadata, after.version) == ("crm-7", {"team": "a"}, before.version + 1)
    assert after.next_due_at == before.next_due_at


def test_too_many_boundaries_behind_are_refused():
    daily = build.version(interval=Interval("day"))
    made = build.subscription(daily)
    now = made.started_at + timedelta(days=35)
    assert len(catch_up(made, build.offers(daily), PriceBook(), now=now)) == 36
    with pytest.raises(RenewalsBehind):
        catch_up(made, build.offers(daily), PriceBook(), now=now + timedelta(days=1))


def test_a_term_goes_on_with_another_version_and_begins_anew_with_another_interval():
    yearly = PlanTerms(term_periods=12)
    one, other = build.version(terms=yearly), build.version([build.flat("9")], terms=yearly)
    longer = build.version(interval=Interval("month", 3), terms=PlanTerms(term_periods=4))
    known, before = build.offers(one, other, longer), runs(one)
    (waits,) = change(before, ChangeOrder(Change(other.id)), known, PriceBook(), now=utc("2026-01-05"))
    (renewal,) = renewed(waits.after, known)
    assert (renewal.after.plan_version_id, renewal.after.term_periods_left) == (other.id, 11)
    (turned,) = change(renewal.after, ChangeOrder(Change(longer.id)), known, PriceBook(), now=utc("2026-02-05"))
    assert turned.after.term_periods_left == 4


def test_what_was_never_paid_is_not_given_back_when_it_is_canceled():
    waiting = build.started(ALL, payment_gated=True)
    pending = replace(waiting.after, pending=waiting.charges)
    step = canceled(pending, at="2026-01-01T20:00")
    assert (step.after.state, step.after.pending, step.due, step.made) == (State.CANCELED, (), None, ())
    assert step.after.expires_at == waiting.after.expires_at
