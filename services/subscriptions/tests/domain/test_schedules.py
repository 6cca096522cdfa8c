"""Schedules of phases, versions that move, coupons, imports that change."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_kernel.money import CurrencyMismatch, Money
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.catalog_errors import CouponApplied
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import (
    InvalidChange,
    InvalidChangeTime,
    RedemptionNotFound,
    ScheduledChangeConflict,
    ScheduledChangeNotFound,
    SubscriptionItemNotFound,
)
from billing_subscriptions.domain.policy import (
    Alignment,
    AlignmentKind,
    ChangeKind,
    ChangeWhen,
    PlanTerms,
    RunningSubscriptions,
    Settlement,
)
from billing_subscriptions.domain.redemption import redeem, remove_coupon
from billing_subscriptions.domain.schedule import Phase, set_schedule, unschedule
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import AppliedCoupon, Change
from subscriptions_builders import amounts, billed, renewed, utc

OF = build.version([build.flat(), build.seat()])
LARGE = build.version([build.flat("99"), build.seat()])
KNOWN = build.offers(OF, LARGE)
DAYS = Proration(Basis.BY_DAYS)


def runs(of=OF, start="2026-01-01", **order):
    return renewed(build.subscription(of, start=start, **order), of)[0].after


def seats(quantity):
    return Change(quantities=build.quantities(seats=quantity))


def test_phases_wait_for_their_time_and_are_edited_until_they_begin():
    phases = [Phase("grow", utc("2026-02-01"), seats("5")), Phase("large", utc("2026-03-01"), Change(LARGE.id))]
    step = set_schedule(runs(), phases, KNOWN, now=utc("2026-01-05"))
    assert (step.kind, [each.phase_code for each in step.after.scheduled]) == (
        StepKind.SCHEDULE_SET,
        ["grow", "large"],
    )
    first, second = renewed(step.after, KNOWN, 2)
    assert (billed(first), first.kind) == ({"base": "49.00 EUR", "seats": "50.00 EUR"}, StepKind.QUANTITY_CHANGED)
    assert (billed(second), second.kind) == ({"base": "99.00 EUR", "seats": "50.00 EUR"}, StepKind.UPGRADE)
    edited = set_schedule(first.after, [Phase("small", utc("2026-03-01"), seats("2"))], KNOWN, now=utc("2026-02-05"))
    (third,) = renewed(edited.after, KNOWN)
    assert billed(third) == {"base": "49.00 EUR", "seats": "20.00 EUR"}
    assert set_schedule(first.after, [], KNOWN, now=utc("2026-02-05")).after.scheduled == ()


@pytest.mark.parametrize(
    ("phases", "refusal", "field"),
    [
        ([Phase("a", utc("2026-01-04"), seats("5"))], InvalidChangeTime, "phases[0].start_time"),
        (
            [Phase("a", utc("2026-02-02"), seats("5")), Phase("b", utc("2026-02-02"), seats("6"))],
            InvalidChangeTime,
            "phases[1].start_time",
        ),
        (
            [Phase("a", utc("2026-02-02"), seats("5")), Phase("a", utc("2026-02-03"), seats("6"))],
            InvalidChange,
            "phases[1].code",
        ),
        ([Phase("a", utc("2026-02-02"), Change())], InvalidChange, "phases[0].change"),
        (
            [Phase("a", utc("2026-02-02"), Change(quantities=build.quantities(x="1")))],
            SubscriptionItemNotFound,
            "phases[0].change.quantities[0].code",
        ),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(phases, refusal, field):
    with pytest.raises(refusal) as refused:
        set_schedule(runs(), phases, KNOWN, now=utc("2026-01-05"))
    assert refused.value.violations[0].field == field


def test_a_phase_contradicts_another_change_of_the_same_instant_and_one_behind_the_end():
    order = ChangeOrder(seats("3"), Wishes(ChangeWhen.ON_DATE), utc("2026-02-10"))
    (waits,) = change(runs(), order, KNOWN, PriceBook(), now=utc("2026-01-05"))
    phases = [Phase("a", utc("2026-02-10"), seats("5"))]
    with pytest.raises(ScheduledChangeConflict):
        set_schedule(waits.after, phases, KNOWN, now=utc("2026-01-05"))
    ends = cancel(runs(), CancelOrder(CancelAt.PERIOD_END), KNOWN, PriceBook(), now=utc("2026-01-05"))
    with pytest.raises(ScheduledChangeConflict):
        set_schedule(ends.after, phases, KNOWN, now=utc("2026-01-05"))


def test_a_conflict_names_the_phase():
    order = ChangeOrder(seats("2"), Wishes(ChangeWhen.ON_DATE), utc("2026-02-10"))
    (waits,) = change(runs(), order, KNOWN, PriceBook(), now=utc("2026-01-05"))
    phases = [Phase("one", utc("2026-02-01"), seats("3")), Phase("two", utc("2026-02-10"), seats("4"))]
    with pytest.raises(ScheduledChangeConflict) as refused:
        set_schedule(waits.after, phases, KNOWN, now=utc("2026-01-05"))
    assert [each.field for each in refused.value.violations] == ["phases[1].start_time"]


def test_a_quantity_that_is_set_now_replaces_the_ones_that_wait():
    nine = runs(quantities=build.quantities(seats="9"))
    (down,) = change(nine, ChangeOrder(seats("5")), KNOWN, PriceBook(), now=utc("2026-01-05"))
    assert [each.at for each in down.after.scheduled] == [utc("2026-02-01")]
    (up,) = change(down.after, ChangeOrder(seats("50")), KNOWN, PriceBook(), now=utc("2026-01-10"))
    assert (up.kind, up.after.scheduled, up.after.next_due_at) == (StepKind.QUANTITY_CHANGED, (), utc("2026-02-01"))
    (renewal,) = renewed(up.after, KNOWN)
    assert [each.quantity for each in renewal.after.items] == [1, 50]


def test_a_quantity_that_is_set_now_leaves_schedules_plans_and_other_items():
    of = build.version([build.flat(), build.seat(), build.seat(code="desks")])
    known = build.offers(of, LARGE)
    phases = [Phase("grow", utc("2026-03-10"), seats("7"))]
    before = set_schedule(runs(of), phases, known, now=utc("2026-01-05")).after
    for wanted, at in [
        (Change(quantities=build.quantities(seats="5", desks="6")), "2026-03-01"),
        (Change(LARGE.id, quantities=build.quantities(seats="8")), "2026-03-05"),
    ]:
        order = ChangeOrder(wanted, Wishes(ChangeWhen.ON_DATE), utc(at))
        before = change(before, order, known, PriceBook(), now=utc("2026-01-06"))[-1].after
    (up,) = change(before, ChangeOrder(seats("9")), known, PriceBook(), now=utc("2026-01-10"))
    left = {each.at: each.change for each in up.after.scheduled}
    assert left == {
        utc("2026-03-01"): Change(quantities=build.quantities(desks="6")),
        utc("2026-03-05"): Change(LARGE.id, quantities=build.quantities(seats="8")),
        utc("2026-03-10"): seats("7"),
    }


def test_a_change_that_waits_is_taken_back():
    order = ChangeOrder(seats("3"), Wishes(ChangeWhen.ON_DATE), utc("2026-02-10"))
    (waits,) = change(runs(), order, KNOWN, PriceBook(), now=utc("2026-01-05"))
    gone = unschedule(waits.after, waits.after.scheduled[0].id, now=utc("2026-01-06"))
    assert (gone.kind, gone.after.scheduled, gone.after.next_due_at) == (
        StepKind.CHANGE_UNSCHEDULED,
        (),
        utc("2026-02-01"),
    )
    with pytest.raises(ScheduledChangeNotFound):
        unschedule(gone.after, waits.after.scheduled[0].id, now=utc("2026-01-06"))


def test_a_waiting_change_that_is_impossible_by_then_is_left_out():
    order = ChangeOrder(seats("3"), Wishes(ChangeWhen.ON_DATE), utc("2026-01-20"))
    (waits,) = change(runs(), order, KNOWN, PriceBook(), now=utc("2026-01-05"))
    now = Wishes(ChangeWhen.NOW)
    (gone,) = change(
        waits.after, ChangeOrder(Change(remove_codes=("seats",)), now), KNOWN, PriceBook(), now=utc("2026-01-06")
    )
    (then,) = renewed(gone.after, KNOWN)
    assert (then.kind, then.made, then.after.scheduled) == (StepKind.CHANGE_UNSCHEDULED, (), ())


def test_running_subscriptions_move_to_a_newer_version_at_their_renewal():
    terms = PlanTerms(running_subscriptions=RunningSubscriptions.MOVE_AT_RENEWAL)
    plan = build.plan()
    one = build.version(of=plan)
    two = build.version([build.flat("59"), build.flat("1", code="new")], of=plan, number=2, terms=terms)
    (step,) = renewed(runs(one), build.offers(one, newer=[two]))
    assert (step.kind, billed(step), step.after.plan_version_id) == (
        StepKind.VERSION_MOVED,
        {"base": "59.00 EUR", "new": "1.00 EUR"},
        two.id,
    )
    assert [kind for kind, _ in step.rules] == [ChangeKind.UPGRADE]
    later = replace(two, terms=replace(terms, effective_at=utc("2026-02-15")))
    first, second = renewed(runs(one), build.offers(one, newer=[later]), 2)
    assert [each.kind for each in (first, second)] == [StepKind.RENEWED, StepKind.VERSION_MOVED]


def test_another_interval_from_the_end_of_a_short_month_remembers_the_anchor_day():
    quarterly = build.version(interval=Interval("month", 3))
    known = build.offers(OF, quarterly)
    before = renewed(build.subscription(OF, start="2025-08-31"), OF, 6)[-1].after
    order = ChangeOrder(Change(quarterly.id), Wishes(ChangeWhen.PERIOD_END))
    (waits,) = change(before, order, known, PriceBook(), now=utc("2026-02-10"))
    first, second = renewed(waits.after, known, 2)
    assert (first.at, second.at) == (utc("2026-02-28"), utc("2026-05-31"))
    assert [each.kind for each in (first, second)] == [StepKind.INTERVAL_CHANGED, StepKind.RENEWED]


def coupon(periods_left, *, percent="50", codes=(), amount=None):
    part = None if amount else Fraction(percent)
    return AppliedCoupon(
        build.uuid7(), build.uuid7(), "c", utc("2026-01-05"), periods_left, part, amount, item_codes=codes
    )


@pytest.mark.parametrize(("periods", "taken"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (None, [1, 1, 1])])
def test_a_coupon_takes_something_off_for_its_periods(periods, taken):
    step = redeem(runs(), coupon(periods), now=utc("2026-01-05"))
    assert step.kind is StepKind.COUPON_REDEEMED
    assert [len(each.coupons) for each in renewed(step.after, OF, 3)] == taken


def test_a_coupon_waits_for_what_it_is_for_and_reaches_changes_within_its_last_period():
    usage = build.version([build.metered()])
    (start,) = renewed(build.subscription(usage, coupons=(coupon(1),)), usage)
    assert start.after.coupons[0].periods_left == 1
    elsewhere = redeem(runs(), coupon(1, codes=("nothing",)), now=utc("2026-01-05")).after
    assert renewed(elsewhere, OF)[0].after.coupons[0].periods_left == 1
    euros = coupon(1, amount=Money("EUR", 500))
    last = renewed(
        redeem(redeem(runs(), coupon(1), now=utc("2026-01-05")).after, euros, now=utc("2026-01-05")).after, OF
    )
    order = ChangeOrder(seats("3"), Wishes(settlement=Settlement.AT_ONCE))
    (up,) = change(last[0].after, order, KNOWN, PriceBook(), now=utc("2026-02-05"))
    zero = Money("EUR", 0)  # what credits take back of the amount is given again, no more of it
    assert [each.amount for each in up.coupons] == [None, zero]
    waits = ChangeOrder(seats("3"), Wishes(settlement=Settlement.NEXT_INVOICE))
    (later,) = change(last[0].after, waits, KNOWN, PriceBook(), now=utc("2026-02-05"))
    (renewal,) = renewed(later.after, OF)
    assert ([each.amount for each in renewal.coupons], renewal.after.coupons) == ([zero], ())
    none = ChangeOrder(seats("3"), Wishes(settlement=Settlement.NO_CREDIT))
    (kept,) = change(last[0].after, none, KNOWN, PriceBook(), now=utc("2026-02-05"))
    assert renewed(kept.after, OF)[0].coupons == ()
    assert renewed(up.after, OF)[0].after.coupons == ()


def test_coupons_are_refused_twice_or_in_another_currency_and_removed():
    half = coupon(3)
    before = redeem(runs(), half, now=utc("2026-01-05")).after
    with pytest.raises(CouponApplied):
        redeem(before, half, now=utc("2026-01-05"))
    with pytest.raises(CurrencyMismatch):
        redeem(before, coupon(1, amount=Money("USD", 100)), now=utc("2026-01-05"))
    gone = remove_coupon(before, half.redemption_id, now=utc("2026-01-06")).after
    assert gone.coupons == ()
    with pytest.raises(RedemptionNotFound):
        remove_coupon(gone, half.redemption_id, now=utc("2026-01-06"))


def test_another_interval_in_a_free_stub_or_before_an_import_begins_meets_its_end():
    free = PlanTerms(alignment=Alignment(AlignmentKind.ANCHOR_DAY, 15, first_stub=FirstStub.NONE))
    of, yearly = build.version(terms=free), build.version([build.flat("500")], Interval("year"))
    known, order = build.offers(of, yearly), ChangeOrder(Change(yearly.id))
    (step,) = change(build.subscription(of), order, known, PriceBook(), now=utc("2026-01-05"))
    (first,) = renewed(step.after, known)
    assert (first.at, first.after.period, billed(first)) == (
        utc("2026-01-15"),
        Period(utc("2026-01-15"), utc("2027-01-15")),
        {"base": "500.00 EUR"},
    )
    imported = build.subscription(OF, start="2025-11-15", now="2026-01-01", billed_from=utc("2026-01-10"))
    known = build.offers(OF, yearly)
    (step,) = change(imported, order, known, PriceBook(), now=utc("2026-01-05"))
    begun, following = renewed(step.after, known, 2)
    assert (begun.at, begun.after.period.end, following.at) == (
        utc("2026-01-10"),
        utc("2026-11-15"),
        utc("2026-11-15"),
    )
    assert following.after.period_index == begun.after.period_index + 1


def test_a_change_bills_nothing_that_another_system_has_billed():
    imported = build.subscription(OF, start="2025-11-15", now="2026-01-01", billed_from=utc("2026-01-15"))
    (step,) = change(imported, ChangeOrder(Change(LARGE.id)), KNOWN, PriceBook(), now=utc("2026-01-05"))
    assert step.made == ()
    assert billed(renewed(step.after, KNOWN)[0]) == {"base": "99.00 EUR", "seats": "10.00 EUR"}
    yearly = build.version([build.flat("365")], Interval("year"))
    (step,) = change(
        imported, ChangeOrder(Change(yearly.id)), build.offers(OF, yearly), PriceBook(), now=utc("2026-01-05")
    )
    assert amounts(step.made) == {"base": "355.00 EUR"}
