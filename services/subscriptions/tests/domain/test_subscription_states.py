"""States and changes of one subscription."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.money import CurrencyMismatch
from billing_kernel.period import Interval
from billing_subscriptions.domain import customer as customers
from billing_subscriptions.domain import subscription as rules
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    InvalidQuantity,
    PlanVersionNotPublished,
    StartInFuture,
    StartTooOld,
    SubscriptionIsCanceled,
    SubscriptionItemNotFound,
)
from billing_subscriptions.domain.plan import PlanVersionState
from billing_subscriptions.domain.subscription import TRANSITIONS, Boundary, CancelAt, Order, State
from subscriptions_builders import utc

SEATS = build.version([build.flat(), build.seat(), build.metered()])


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_only_listed_transitions_happen(before, after):
    if after in TRANSITIONS[before]:
        assert rules.moved(before, after) is after
    else:
        with pytest.raises(AssertionError):
            rules.moved(before, after)


def test_a_start_without_trial_is_active_and_due_at_once():
    made = build.subscription(SEATS, start="2026-01-31")
    assert (made.state, made.next_boundary, made.next_due_at) == (State.ACTIVE, Boundary.START, utc("2026-01-31"))
    assert (made.period.start, made.period.end) == (utc("2026-01-31"), utc("2026-02-28"))
    assert made.period_index == 0


def test_a_trial_is_due_at_its_end_where_the_anchor_lies():
    made = build.subscription(SEATS, start="2026-01-15", trial_days=14)
    assert (made.state, made.next_boundary) == (State.TRIALING, Boundary.TRIAL_END)
    assert made.next_due_at == made.anchor_at == made.trial_end_at == made.period.end == utc("2026-01-29")
    assert made.period_index == -1


def test_the_plan_gives_the_trial_unless_the_order_says_otherwise():
    trial = build.version(trial_days=7)
    assert build.subscription(trial).trial_end_at == utc("2026-01-08")
    assert build.subscription(trial, trial_days=0).trial_end_at is None


def test_a_trial_counts_days_of_the_customers_zone():
    berlin = build.customer(zone="Europe/Berlin")
    made = build.subscription(SEATS, berlin, start="2026-03-28T23:00", trial_days=1)
    assert made.trial_end_at == utc("2026-03-29T22:00")  # 23 hours: the clock went forward


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"buyer": replace(build.customer(), state=customers.CustomerState.ARCHIVED)}, CustomerArchived),
        ({"buyer": build.customer(currency="USD")}, CurrencyMismatch),
        ({"of": replace(SEATS, state=PlanVersionState.DRAFT)}, PlanVersionNotPublished),
        ({"start_at": utc("2026-01-02")}, StartInFuture),
        ({"start_at": utc("1900-01-01")}, StartTooOld),
        ({"quantities": {"nope": Fraction(1)}}, InvalidQuantity),
        ({"quantities": {"base": Fraction(2)}}, InvalidQuantity),
        ({"quantities": {"calls": Fraction(2)}}, InvalidQuantity),
        ({"quantities": {"seats": Fraction(-1)}}, InvalidQuantity),
        ({"quantities": {"seats": Fraction(10**19)}}, InvalidQuantity),
    ],
)
def test_starts_that_are_refused(change, refusal):
    buyer, of = change.pop("buyer", build.customer()), change.pop("of", SEATS)
    with pytest.raises(refusal):
        rules.start(Order(**change), buyer, of, new_id=build.uuid7, now=utc("2026-01-01"))


def test_quantities_start_with_one_and_metered_items_have_none():
    made = build.subscription(SEATS, quantities=build.quantities(seats="2.5"))
    found = {item.code: [step.quantity for step in item.steps] for item in made.items}
    assert found == {"base": [1], "seats": [Fraction(5, 2)], "calls": []}


def test_a_quantity_changes_with_the_next_period():
    before = build.subscription(SEATS, start="2026-01-10")
    after = rules.change_quantity(before, SEATS, "seats", Fraction(7), now=utc("2026-01-20"))
    seats = after.items[1]
    assert rules.quantity_of(seats, utc("2026-02-09T23:59")) == 1
    assert rules.quantity_of(seats, utc("2026-02-10")) == 7
    assert after.version == before.version + 1


def test_a_second_change_for_the_same_period_replaces_the_first():
    before = build.subscription(SEATS)
    for quantity in (5, 9):
        before = rules.change_quantity(before, SEATS, "seats", Fraction(quantity), now=utc("2026-01-20"))
    assert [step.quantity for step in before.items[1].steps] == [1, 9]


def test_a_change_behind_unclaimed_boundaries_does_not_reach_back():
    before = build.subscription(SEATS, start="2026-01-01", now="2026-03-15")
    after = rules.change_quantity(before, SEATS, "seats", Fraction(7), now=utc("2026-03-15"))
    assert rules.quantity_of(after.items[1], utc("2026-03-31")) == 1
    assert rules.quantity_of(after.items[1], utc("2026-04-01")) == 7


@pytest.mark.parametrize(
    ("code", "quantity", "refusal"),
    [("nope", 1, SubscriptionItemNotFound), ("base", 2, InvalidQuantity), ("seats", -1, InvalidQuantity)],
)
def test_quantities_that_are_refused(code, quantity, refusal):
    with pytest.raises(refusal):
        rules.change_quantity(build.subscription(SEATS), SEATS, code, Fraction(quantity), now=utc("2026-01-02"))


def test_cancel_now_makes_that_instant_the_last_due():
    running = build.renewed(build.subscription(SEATS), SEATS)[0].after
    canceled = rules.cancel(running, SEATS, CancelAt.NOW, now=utc("2026-01-15"))
    assert (canceled.state, canceled.canceled_at, canceled.next_due_at) == (
        State.CANCELED,
        utc("2026-01-15"),
        utc("2026-01-15"),
    )
    assert canceled.running_period is not None
    assert canceled.running_period.end == utc("2026-01-15")


def test_cancel_at_period_end_keeps_running_until_then():
    running = build.renewed(build.subscription(SEATS), SEATS)[0].after
    planned = rules.cancel(running, SEATS, CancelAt.PERIOD_END, now=utc("2026-01-15"))
    assert (planned.state, planned.cancels_at_period_end) == (State.ACTIVE, True)
    assert planned.ends_at == planned.next_due_at == utc("2026-02-01")
    earlier = rules.cancel(planned, SEATS, CancelAt.NOW, now=utc("2026-01-20"))
    assert earlier.ends_at == utc("2026-01-20")


@pytest.mark.parametrize("now", ["2026-01-01", "2026-01-05"])
def test_cancel_inside_a_trial_bills_nothing(now):
    trial = build.subscription(SEATS, trial_days=14)
    canceled = rules.cancel(trial, SEATS, CancelAt.NOW, now=utc(now))
    assert canceled.next_due_at is None


def test_cancel_at_the_very_start_bills_nothing():
    canceled = rules.cancel(build.subscription(SEATS), SEATS, CancelAt.NOW, now=utc("2026-01-01"))
    assert (canceled.next_due_at, canceled.running_period) == (None, None)


def test_cancel_at_a_boundary_that_was_claimed_bills_nothing_more():
    running = build.renewed(build.subscription(SEATS), SEATS, 2)[1].after
    canceled = rules.cancel(running, SEATS, CancelAt.NOW, now=utc("2026-02-01"))
    assert canceled.next_due_at is None


def test_what_has_ended_does_not_change():
    canceled = rules.cancel(build.subscription(SEATS), SEATS, CancelAt.NOW, now=utc("2026-01-05"))
    with pytest.raises(SubscriptionIsCanceled):
        rules.cancel(canceled, SEATS, CancelAt.NOW, now=utc("2026-01-06"))
    with pytest.raises(SubscriptionIsCanceled):
        rules.change_quantity(canceled, SEATS, "seats", Fraction(2), now=utc("2026-01-06"))


@pytest.mark.parametrize(
    ("state", "unpaid", "expected"),
    [
        (State.ACTIVE, True, State.PAST_DUE),
        (State.ACTIVE, False, State.ACTIVE),
        (State.PAST_DUE, True, State.PAST_DUE),
        (State.PAST_DUE, False, State.ACTIVE),
        (State.TRIALING, True, State.TRIALING),
        (State.CANCELED, True, State.CANCELED),
        (State.CANCELED, False, State.CANCELED),
    ],
)
def test_standing(state, unpaid, expected):
    before = replace(build.subscription(SEATS), state=state)
    after = rules.mark_standing(before, unpaid=unpaid, now=utc("2026-01-05"))
    assert after.state is expected
    assert (after is before) == (expected is state)


def test_end_of_running_period_counts_from_the_anchor():
    made = build.subscription(build.version(interval=Interval("year")), start="2024-02-29")
    assert rules.end_of_running_period(made, Interval("year"), utc("2026-05-01")) == utc("2027-02-28")
    assert rules.end_of_running_period(made, Interval("year"), utc("2027-05-01")) == utc("2028-02-29")
