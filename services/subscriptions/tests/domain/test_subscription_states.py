"""States, and the start of a subscription: now, later, in the past, aligned, imported, with phases."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_kernel.money import CurrencyMismatch, Money
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain import customer as customers
from billing_subscriptions.domain.catalog_errors import CouponApplied, PlanVersionArchived
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    InvalidChangeTime,
    InvalidQuantity,
    InvalidTransition,
    PaymentMethodRequired,
    PlanVersionNotPublished,
    StartTooOld,
    SubscriptionItemNotFound,
)
from billing_subscriptions.domain.plan import PlanVersionState, Timing
from billing_subscriptions.domain.policy import Alignment, AlignmentKind, PlanPhase, PlanTerms
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import (
    TRANSITIONS,
    AppliedCoupon,
    Backdating,
    Boundary,
    State,
    moved,
)
from subscriptions_builders import amounts, billed, renewed, utc

SEATS = build.version([build.flat(), build.seat(), build.metered()])
CALENDAR = Alignment(AlignmentKind.CALENDAR)


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_only_listed_transitions_happen(before, after):
    if after in TRANSITIONS[before]:
        assert moved(before, after) is after
    else:
        with pytest.raises(InvalidTransition) as refused:
            moved(before, after)
        assert dict(refused.value.facts) == {"from": before.value, "to": after.value}


def test_a_start_without_trial_is_active_and_due_at_once():
    step = build.started(SEATS, start="2026-01-31")
    made = step.after
    assert (step.kind, step.before, step.due) == (StepKind.CREATED, None, None)
    assert (made.state, made.next_boundary, made.next_due_at) == (State.ACTIVE, Boundary.START, utc("2026-01-31"))
    assert made.period == Period(utc("2026-01-31"), utc("2026-02-28"))
    assert (made.period_index, made.version) == (0, 1)


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
    assert made.trial_end_at == utc("2026-03-29T22:00")


def test_a_trial_may_need_a_payment_method():
    of = build.version(trial_days=7, terms=PlanTerms(trial_needs_payment_method=True))
    assert build.started(of).after.state is State.TRIALING
    with pytest.raises(PaymentMethodRequired):
        build.started(of, has_payment_method=False)
    assert build.started(of, has_payment_method=False, trial_days=0).after.state is State.ACTIVE


def test_quantities_not_named_are_one_and_metered_items_have_none():
    made = build.subscription(SEATS, quantities=build.quantities(seats="2.5"))
    assert [item.quantity for item in made.items] == [1, Fraction(5, 2), None]
    assert [item.quantity for item in build.subscription(SEATS).items] == [1, 1, None]


def test_a_later_start_is_scheduled_and_begins_then():
    trial = build.started(SEATS, start="2026-02-01", now="2026-01-01", trial_days=7).after
    assert (trial.state, trial.next_due_at) == (State.SCHEDULED, utc("2026-02-01"))
    begun, ended = renewed(trial, SEATS, 2)
    assert (begun.after.state, begun.due, begun.kind) == (State.TRIALING, None, StepKind.STARTED)
    assert (ended.at, ended.after.state, ended.due.index) == (utc("2026-02-08"), State.ACTIVE, 0)
    (paid,) = renewed(build.started(SEATS, start="2026-02-01", now="2026-01-01").after, SEATS)
    assert (paid.after.state, billed(paid)) == (State.ACTIVE, {"base": "49.00 EUR", "seats": "10.00 EUR"})


@pytest.mark.parametrize(
    ("stub", "spans", "share"),
    [
        (FirstStub.SHORT, [("2026-01-16T12:00", "2026-02-01"), ("2026-02-01", "2026-03-01")], "15.50 EUR"),
        (FirstStub.LONG, [("2026-01-16T12:00", "2026-03-01"), ("2026-03-01", "2026-04-01")], "46.50 EUR"),
        (FirstStub.NONE, [("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")], "31.00 EUR"),
    ],
)
def test_a_first_stub_is_short_long_or_free(stub, spans, share):
    of = build.version([build.flat("31")], terms=PlanTerms(alignment=replace(CALENDAR, first_stub=stub)))
    made = build.subscription(of, start="2026-01-16T12:00")
    steps = [each for each in renewed(made, of, 3) if each.due][:2]
    assert [each.charges[0].service_period for each in steps] == [Period(utc(a), utc(b)) for a, b in spans]
    assert [billed(each)["base"] for each in steps] == [share, "31.00 EUR"]
    assert [each.due.index for each in steps] == [0, 1]


def test_a_stub_is_prorated_by_the_rule_of_the_version_over_the_interval_it_lies_in():
    """Billing day 31: the stub from 2 March lies in the interval from 29 February."""
    day = Alignment(AlignmentKind.ANCHOR_DAY, 31)
    of = build.version([build.flat("599.95")], terms=PlanTerms(alignment=day, proration=Proration(Basis.BY_DAYS)))
    (start,) = renewed(build.subscription(of, start="2012-03-02"), of)
    assert (billed(start), start.charges[0].proration) == ({"base": "561.24 EUR"}, "BY_DAYS, ACTUAL_PERIOD")


@pytest.mark.parametrize("how", Backdating)
def test_what_lies_behind_a_start_in_the_past_is_charged_given_back_or_waived(how):
    of = build.version([build.flat("31"), build.flat("31", Timing.ARREARS, "late"), build.metered()])
    made = build.subscription(of, start="2025-12-01", now="2026-01-11", backdating=how)
    steps = renewed(made, of, 3)
    lines = [[(each.item.code, each.rounded_minor) for each in step.charges] for step in steps]
    if how is Backdating.CHARGE:
        assert lines[:2] == [[("base", 3100)], [("late", 3100), ("calls", 0), ("base", 3100)]]
    elif how is Backdating.CREDIT:
        past = [("late", 3100), ("late", -3100), ("base", 3100), ("base", -1000)]
        assert lines[:2] == [[("base", 3100), ("base", -3100)], past]
        assert lines[2] == [("late", 3100), ("late", -1000), ("calls", 0), ("base", 3100)]
    else:
        assert (steps[0].at, lines[:2]) == (
            utc("2026-01-11"),
            [[("base", 2100)], [("late", 2100), ("calls", 0), ("base", 3100)]],
        )
    given = [each for step in steps for each in step.charges if each.credit_of]
    assert all(each.reason == "BACKDATED_START" for each in given)


def test_phases_discount_the_first_periods_of_fixed_items():
    phases = (PlanPhase("intro", 2, Fraction(50)), PlanPhase("half", 1, Fraction(20)))
    of = build.version([build.flat("49"), build.seat("10"), build.metered()], terms=PlanTerms(phases=phases))
    steps = renewed(build.subscription(of), of, 5)
    assert [billed(each)["base"] for each in steps] == ["24.50 EUR", "24.50 EUR", "39.20 EUR", "49.00 EUR", "49.00 EUR"]
    assert steps[3].after.items == tuple(replace(each, own=None) for each in steps[0].after.items)


def test_an_import_bills_from_where_the_other_system_stopped():
    phases = (PlanPhase("intro", 3, Fraction(50)),)
    of = build.version(terms=PlanTerms(phases=phases, term_periods=12))
    step = build.started(of, start="2025-11-15", now="2026-01-20", billed_from=utc("2026-02-15"))
    made = step.after
    assert (step.kind, made.state, made.period_index) == (StepKind.IMPORTED, State.ACTIVE, 2)
    assert made.period == Period(utc("2026-01-15"), utc("2026-02-15"))
    assert made.term_periods_left == 10
    (first,) = renewed(made, of)
    assert (first.at, first.due.index, billed(first)) == (utc("2026-02-15"), 3, {"base": "49.00 EUR"})
    inside = build.subscription(of, start="2025-11-15", now="2026-01-20", billed_from=utc("2026-01-31T12:00"))
    (begun,) = renewed(inside, of)
    assert (begun.at, billed(begun)) == (utc("2026-01-31T12:00"), {"base": "11.46 EUR"})  # 14.5 of 31 days, half price


def test_add_ons_prices_and_coupons_come_with_the_order():
    coupon = AppliedCoupon(build.uuid7(), build.uuid7(), "half", utc("2026-01-01"), 1, percent=Fraction(50))
    made = build.subscription(SEATS, coupons=(coupon,))
    first, second = renewed(made, SEATS, 2)
    assert [[each.code for each in step.coupons] for step in (first, second)] == [["half"], []]
    with pytest.raises(CouponApplied):
        build.subscription(SEATS, coupons=(coupon, coupon))
    euros = replace(coupon, percent=None, amount=Money("USD", 100))
    with pytest.raises(CurrencyMismatch):
        build.subscription(SEATS, coupons=(euros,))


ARCHIVED = customers.archive(build.customer(), running_subscriptions=0, now=utc("2026-01-01"))
REFUSED = [
    (SEATS, ARCHIVED, {}, CustomerArchived, None),
    (replace(SEATS, state=PlanVersionState.DRAFT), None, {}, PlanVersionNotPublished, None),
    (replace(SEATS, state=PlanVersionState.ARCHIVED), None, {}, PlanVersionArchived, None),
    (SEATS, None, {"ends_at": utc("2026-01-01")}, InvalidChangeTime, "end_time"),
    (SEATS, None, {"billed_from": utc("2025-12-31")}, InvalidChangeTime, "billed_from_time"),
    (SEATS, None, {"quantities": build.quantities(base="2")}, InvalidQuantity, "quantities[0]"),
    (SEATS, None, {"quantities": build.quantities(seats="-1")}, InvalidQuantity, "quantities[0]"),
    (SEATS, None, {"quantities": build.quantities(gone="1")}, SubscriptionItemNotFound, "quantities[0].code"),
]


@pytest.mark.parametrize(("of", "buyer", "order", "refusal", "field"), REFUSED)
def test_a_start_that_makes_no_sense_is_refused_with_its_field(of, buyer, order, refusal, field):
    with pytest.raises(refusal) as refused:
        build.subscription(of, buyer, **order)
    assert [each.field for each in refused.value.violations] == ([field] if field else [])


def test_a_start_may_not_lie_too_many_periods_back():
    daily = build.version(interval=Interval("day"))
    assert build.subscription(daily, start="2022-10-01", now="2026-01-01").period_index == 0
    with pytest.raises(StartTooOld):
        build.subscription(daily, start="2022-09-01", now="2026-01-01")
    assert build.started(daily, start="2022-09-01", now="2026-01-01", backdating=Backdating.WAIVE).after.state is (
        State.ACTIVE
    )


def test_two_starts_of_one_order_make_the_same_lines():
    one, other = build.subscription(SEATS), build.subscription(SEATS)
    assert amounts(renewed(one, SEATS)[0].made) == amounts(renewed(other, SEATS)[0].made)
    assert {each.id for each in one.items}.isdisjoint(each.id for each in other.items)
