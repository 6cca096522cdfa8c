"""The settings of a pause and of a resume: prorated how, settled when, and what a pause without credit keeps."""

import subscriptions_builders as build
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.domain.subscription import Change, PauseBilling, State
from subscriptions_builders import amounts, billed, renewed, utc
from subscriptions_life import ALL, changed, paused, resumed, runs

DAYS, INCLUSIVE = Proration(Basis.BY_DAYS), Proration(Basis.BY_DAYS_INCLUSIVE)
SEATS = build.version([build.seat("31")])


def test_a_pause_is_settled_at_once_where_it_is_asked_for():
    stopped = paused(runs(), at="2026-01-11", settlement=Settlement.AT_ONCE)
    assert stopped.due is not None
    assert billed(stopped) == {"base/credit": "-21.00 EUR", "calls": None, "support": "2.26 EUR"}
    assert (stopped.after.pending, {each.settlement for each in stopped.made}) == ((), {Settlement.AT_ONCE})


def test_a_pause_and_its_resume_are_prorated_as_the_call_says():
    stopped = paused(runs(), at="2026-01-11T12:00", proration=INCLUSIVE)
    assert amounts(stopped.made)["base/credit"] == "-20.00 EUR"
    assert {each.proration for each in stopped.made} == {"BY_DAYS_INCLUSIVE, ACTUAL_PERIOD"}
    again = resumed(stopped.after, at="2026-01-21T12:00")
    assert amounts(again.made) == {"base": "11.00 EUR"}
    assert {each.proration for each in again.made} == {"BY_DAYS_INCLUSIVE, ACTUAL_PERIOD"}


def test_a_planned_pause_remembers_its_settings():
    order = PauseOrder(PauseBilling.VOID, ChangeWhen.ON_DATE, utc("2026-01-11T12:00"), None, DAYS, Settlement.AT_ONCE)
    waits = pause(runs(), order, build.offers(ALL), PriceBook(), now=utc("2026-01-05"))
    (begun,) = renewed(waits.after, ALL)
    assert (begun.after.state, billed(begun)["base/credit"]) == (State.PAUSED, "-21.00 EUR")
    assert {each.proration for each in begun.made} == {"BY_DAYS, ACTUAL_PERIOD"}


def test_a_pause_without_credit_gives_nothing_back_and_what_was_paid_is_not_charged_again():
    stopped = paused(runs(), at="2026-01-11", settlement=Settlement.NO_CREDIT)
    assert (stopped.due, amounts(stopped.made)) == (None, {"calls": None, "support": "2.26 EUR"})
    again = resumed(stopped.after, at="2026-01-21")
    assert again.made == ()
    (renewal,) = renewed(again.after, ALL)
    assert billed(renewal) == {"base": "31.00 EUR", "calls": None, "support": "2.48 EUR"}
    usage = [each.service_period for each in renewal.charges if each.priced is None]
    assert [(each.start, each.end) for each in usage] == [
        (utc("2026-01-01"), utc("2026-01-11")),
        (utc("2026-01-21"), utc("2026-02-01")),
    ]


def test_a_pause_without_credit_that_passes_a_period_is_charged_from_its_end_on():
    stopped = paused(runs(), at="2026-01-11", settlement=Settlement.NO_CREDIT)
    (boundary,) = renewed(stopped.after, ALL)
    again = resumed(boundary.after, at="2026-02-15")
    assert amounts(again.made) == {"base": "15.50 EUR"}


def test_what_changed_in_a_pause_without_credit_is_charged_when_it_is_resumed():
    stopped = paused(runs(SEATS), SEATS, at="2026-01-11", settlement=Settlement.NO_CREDIT)
    more = changed(stopped.after, Change(quantities=build.quantities(seats="2")), SEATS, at="2026-01-12")
    assert more.made == ()
    assert amounts(resumed(more.after, SEATS, at="2026-01-21").made) == {"seats": "22.00 EUR"}
    assert resumed(stopped.after, SEATS, at="2026-01-21").made == ()


def test_a_resume_waits_for_the_next_invoice_where_it_is_asked_for():
    stopped = paused(runs(), at="2026-01-11")
    again = resumed(stopped.after, at="2026-01-21", settlement=Settlement.NEXT_INVOICE)
    assert (again.due, amounts(again.made)) == (None, {"base": "11.00 EUR"})
    assert {each.settlement for each in again.made} == {Settlement.NEXT_INVOICE}
    assert [each.id for each in again.after.pending] == [each.id for each in (*stopped.made, *again.made)]
    (renewal,) = renewed(again.after, ALL)
    assert renewal.after.pending == ()
    assert {each.id for each in again.after.pending} < {each.id for each in renewal.charges}


def test_charges_that_were_held_wait_on_where_the_resume_says_so():
    (boundary,) = renewed(paused(runs(), at="2026-01-11", billing=PauseBilling.HOLD).after, ALL)
    held = boundary.after.pending
    assert held
    at_once = resumed(boundary.after, at="2026-02-11")
    assert (at_once.charges, at_once.after.pending) == (held, ())
    waits = resumed(boundary.after, at="2026-02-11", settlement=Settlement.NEXT_INVOICE)
    assert (waits.due, waits.after.pending) == (None, held)
