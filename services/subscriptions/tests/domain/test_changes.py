"""Changes inside a period: credits and charges by the change matrix, to the cent."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.ids import encode
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Basis, Denominator, Proration
from billing_pricing import explanation_from_json, price_from_json
from billing_subscriptions.domain.catalog_errors import AddOnNotAllowed
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.charges import ChargeReason, PriceBook
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import ChangeKind, ChangeRule, ChangeWhen, PlanTerms, Settlement, TierWindows
from billing_subscriptions.domain.step import AddOnOffer, StepKind
from billing_subscriptions.domain.subscription import Change, PriceOverride
from subscriptions_builders import amounts, billed, renewed, utc
from subscriptions_life import changed, runs

S, DAYS, INCLUSIVE = Proration(), Proration(Basis.BY_DAYS), Proration(Basis.BY_DAYS_INCLUSIVE)
NOMINAL = Proration(Basis.BY_DAYS, Denominator.NOMINAL_DAYS)
NONE = Proration(Basis.NONE)
NOW = ChangeWhen.NOW


@pytest.mark.parametrize(
    ("old", "new", "interval", "start", "at", "rule", "credit", "charge"),
    [
        ("10", "20", Interval("day", 30), "2026-01-01", "2026-01-16", S, "-5.00", "10.00"),
        ("100", "300", Interval("month"), "2025-06-01", "2025-06-16", S, "-50.00", "150.00"),
        ("1000", "3000", Interval("year"), "2024-08-01", "2024-10-01", S, "-832.88", "2498.63"),
        ("100", "200", Interval("day", 30), "2024-01-01", "2024-01-16", DAYS, "-50.00", "100.00"),
        ("300", "600", Interval("day", 30), "2024-01-01", "2024-01-30", DAYS, "-10.00", "20.00"),
        ("31", "62", Interval("month"), "2026-01-01", "2026-01-16", NOMINAL, "-16.53", "33.07"),
        ("31", "62", Interval("month"), "2026-01-01", "2026-01-16T12:00", DAYS, "-16.00", "32.00"),
    ],
)
def test_an_upgrade_gives_back_the_unused_part_and_charges_the_rest(
    old, new, interval, start, at, rule, credit, charge
):
    one, other = build.version([build.flat(old)], interval), build.version([build.flat(new)], interval)
    before = runs(one, start)
    step = changed(before, Change(other.id), one, other, at=at, proration=rule)
    assert (step.kind, [kind for kind, _ in step.rules]) == (StepKind.UPGRADE, [ChangeKind.UPGRADE])
    assert amounts(step.made) == {"base/credit": f"{credit} EUR", "base": f"{charge} EUR"}
    assert (step.due, step.after.pending) == (None, step.made)
    given, made = step.made
    assert {given.reason, made.reason} == {ChargeReason.UPGRADE}
    assert given.proration == made.proration == f"{rule.basis}, {rule.denominator}"
    for each, of in ((given, one), (made, other)):
        assert (each.when, each.settlement) == (ChangeWhen.NOW, Settlement.NEXT_INVOICE)
        assert explanation_from_json(each.priced.explanation).references == {
            "item": "base",
            "price": encode("price", each.item.price_id),
            "plan_version": encode("pv", of.id),
            "period_start": utc(at).isoformat().replace("+00:00", "Z"),
            "period_end": before.period.end.isoformat().replace("+00:00", "Z"),
            "change": "UPGRADE",
            "when": "NOW",
            "settlement": "NEXT_INVOICE",
            "proration": made.proration,
        }
    assert made.service_period == given.service_period == Period(utc(at), before.period.end)
    first = renewed(build.subscription(one, start=start), one)[0].charges[0]
    assert given.credit_of.share == -given.priced.exact.value / first.priced.exact.value
    for each in step.made:
        explained = explanation_from_json(each.priced.explanation)
        assert (explained.exact, explained.rounded) == (each.priced.exact, each.priced.rounded)


def test_a_quantity_changed_by_inclusive_days_counts_the_day_in_credit_and_charge():
    of = build.version([build.seat("10")])
    before = runs(of, "2026-03-01", quantities=build.quantities(seats="5"))
    step = changed(before, Change(quantities=build.quantities(seats="10")), of, at="2026-03-15", proration=INCLUSIVE)
    assert amounts(step.made) == {"seats/credit": "-27.42 EUR", "seats": "54.84 EUR"}
    assert (step.kind, step.after.items[0].quantity) == (StepKind.QUANTITY_CHANGED, 10)
    assert (
        "17/31 of the period, by days, both counted"
        in explanation_from_json(step.made[1].priced.explanation).sentence()
    )


@pytest.mark.parametrize(("rule", "credit"), [(INCLUSIVE, "-21.94"), (DAYS, "-21.94"), (NOMINAL, "-22.67")])
def test_an_item_removed_gives_back_the_day_on_which_it_goes(rule, credit):
    of = build.version([build.flat("40")])
    step = changed(
        runs(of, "2024-03-01"), Change(remove_codes=("base",)), of, at="2024-03-15", proration=rule, when=NOW
    )
    assert (step.kind, amounts(step.made)) == (StepKind.ITEM_REMOVED, {"base/credit": f"{credit} EUR"})


def test_another_interval_begins_a_new_period_in_full_and_is_invoiced_at_once():
    monthly = build.version([build.flat("100")])
    yearly = build.version([build.flat("1000")], Interval("year"))
    before = runs(monthly, "2025-06-01")
    step = changed(before, Change(yearly.id), monthly, yearly, at="2025-06-16")
    assert amounts(step.charges) == {"base/credit": "-50.00 EUR", "base": "1000.00 EUR"}
    assert step.kind is StepKind.INTERVAL_CHANGED
    assert step.due is not None
    assert step.due.index is None
    after = step.after
    assert (after.period, after.period_index) == (Period(utc("2025-06-16"), utc("2026-06-16")), 1)
    (renewal,) = renewed(after, build.offers(monthly, yearly))
    assert (renewal.at, renewal.due.index, billed(renewal)) == (utc("2026-06-16"), 2, {"base": "1000.00 EUR"})


def test_a_downgrade_waits_for_the_end_of_the_period_and_costs_nothing_till_then():
    small, large = build.version([build.flat("10")]), build.version([build.flat("30")])
    before = runs(large)
    step = changed(before, Change(small.id), small, large, at="2026-01-11")
    assert (step.kind, step.made, step.after.plan_version_id) == (StepKind.CHANGE_SCHEDULED, (), large.id)
    (waits,) = step.after.scheduled
    assert waits.at == utc("2026-02-01")
    renewal, following = renewed(step.after, build.offers(small, large), 2)
    assert (billed(renewal), renewal.kind) == ({"base": "10.00 EUR"}, StepKind.DOWNGRADE)
    assert [kind for kind, _ in renewal.rules] == [ChangeKind.DOWNGRADE]
    assert (renewal.after.scheduled, renewal.after.plan_version_id) == ((), small.id)
    assert billed(following) == {"base": "10.00 EUR"}


def test_each_kind_of_a_change_goes_by_its_own_rule():
    of = build.version([build.flat(), build.seat(), build.seat("1", code="tools")])
    before = runs(of, quantities=build.quantities(seats="5", tools="5"))
    wanted = Change(quantities=build.quantities(seats="6", tools="4"))
    now, later = change(before, ChangeOrder(wanted), build.offers(of), PriceBook(), now=utc("2026-01-11"))
    assert [kind for kind, _ in now.rules] == [ChangeKind.QUANTITY_UP]
    assert amounts(now.made) == {"seats/credit": "-33.87 EUR", "seats": "40.65 EUR"}
    assert [kind for kind, _ in later.rules] == [ChangeKind.QUANTITY_DOWN]
    assert [each.change for each in later.after.scheduled] == [Change(quantities=build.quantities(tools="4"))]
    (renewal,) = renewed(later.after, of)
    assert [str(each.priced.rounded) for each in renewal.charges if each.item.code == "seats"] == [
        "-33.87 EUR",
        "40.65 EUR",
        "60.00 EUR",
    ]
    assert billed(renewal)["tools"] == "4.00 EUR"


def test_the_matrix_of_the_version_counts_and_a_call_replaces_it():
    rule = ChangeRule(NOW, DAYS, Settlement.AT_ONCE)
    terms = PlanTerms(change_rules={ChangeKind.DOWNGRADE: rule})
    large, small = build.version([build.flat("30")], terms=terms), build.version([build.flat("10")])
    before = runs(large, "2026-04-01")
    step = changed(before, Change(small.id), large, small, at="2026-04-16")
    assert (billed(step), step.rules) == (
        {"base/credit": "-15.00 EUR", "base": "5.00 EUR"},
        ((ChangeKind.DOWNGRADE, rule),),
    )
    called = changed(before, Change(small.id), large, small, at="2026-04-16", settlement=Settlement.NO_CREDIT)
    assert amounts(called.made) == {"base": "5.00 EUR"}
    assert called.due is None


def test_without_proration_nothing_is_charged_or_given_back_before_the_next_period():
    of = build.version([build.seat("10"), build.seat("3", Timing.ARREARS, "late"), build.metered()])
    before = runs(of)
    wanted = Change(quantities=build.quantities(seats="3", late="2"))
    step = changed(before, wanted, of, at="2026-01-11", proration=NONE)
    assert step.made == ()
    (renewal,) = renewed(step.after, of)
    assert billed(renewal) == {"seats": "30.00 EUR", "late": "6.00 EUR", "calls": None}


def test_what_goes_on_untouched_makes_no_lines():
    one = build.version([build.flat("49"), build.metered()])
    other = build.version([build.flat("49"), build.metered(), build.flat("5", code="extra")])
    step = changed(runs(one), Change(other.id), one, other, at="2026-01-16T12:00")
    assert amounts(step.made) == {"extra": "2.50 EUR"}
    (renewal,) = renewed(step.after, build.offers(one, other))
    calls = next(each for each in renewal.charges if each.item.code == "calls")
    assert (calls.service_period, calls.tiers_from, calls.limits_share) == (
        Period(utc("2026-01-01"), utc("2026-02-01")),
        None,
        None,
    )


@pytest.mark.parametrize("windows", TierWindows)
def test_a_change_of_a_metered_price_cuts_the_window_and_its_tiers_go_on_or_begin_anew(windows):
    terms = PlanTerms(tier_windows=windows)
    one = build.version([build.flat("1"), build.metered()], terms=terms)
    dear = replace(build.metered(), price={"model": "per_unit", "unit_amount": "1"})
    other = build.version([build.flat("2"), dear], terms=terms)
    step = changed(runs(one), Change(other.id), one, other, at="2026-01-11")
    first = next(each for each in step.made if each.priced is None)
    assert (first.service_period, first.limits_share) == (
        Period(utc("2026-01-01"), utc("2026-01-11")),
        Fraction(10, 31),
    )
    again = changed(step.after, Change(one.id), one, other, at="2026-01-21", when=NOW)
    second = next(each for each in again.made if each.priced is None)
    (renewal,) = renewed(again.after, build.offers(one, other))
    third = next(each for each in renewal.charges if each.priced is None and each.service_period.end == renewal.at)
    begun = utc("2026-01-01") if windows is TierWindows.CONTINUE else None
    assert [each.tiers_from for each in (first, second, third)] == [None, begun, begun]
    assert first.service_period.end == second.service_period.start
    assert second.service_period.end == third.service_period.start


def test_a_credit_never_exceeds_what_is_left():
    """Charged for 16 of 31 days, then given back by a rule that counts 17."""
    of = build.version([build.seat("10")])
    before = runs(of, "2026-03-01")
    up = changed(before, Change(quantities=build.quantities(seats="10")), of, at="2026-03-16", proration=DAYS)
    assert amounts(up.made)["seats"] == "51.61 EUR"
    wishes = {"proration": Proration(Basis.BY_DAYS, Denominator.NOMINAL_DAYS, 10), "when": NOW}
    down = changed(up.after, Change(quantities=build.quantities(seats="1")), of, at="2026-03-16T12:00", **wishes)
    credit = down.made[0]
    assert str(credit.priced.rounded) == "-51.61 EUR"
    assert credit.credit_of.charge_id == up.made[1].id
    assert credit.credit_of.share == 1
    explained = explanation_from_json(credit.priced.explanation)
    assert (explained.exact, explained.rounded) == (credit.priced.exact, credit.priced.rounded)


def test_an_add_on_comes_goes_and_keeps_its_price():
    of, sms = build.version(), build.version([build.flat("31", code="sms")]).items[0]
    known = build.offers(of, sms=AddOnOffer(sms))
    step = changed(runs(of), Change(add_ons={"sms": Fraction(1)}), at="2026-01-16T12:00", known=known)
    assert (step.kind, amounts(step.made)) == (StepKind.ITEM_ADDED, {"sms": "15.50 EUR"})
    (renewal,) = renewed(step.after, of)
    assert {"base": "49.00 EUR", "sms": "31.00 EUR"}.items() <= billed(renewal).items()
    gone = changed(renewal.after, Change(remove_codes=("sms",)), of, at="2026-02-15", when=NOW)
    assert (gone.kind, amounts(gone.made)) == (StepKind.ITEM_REMOVED, {"sms/credit": "-15.50 EUR"})
    assert [each.code for each in gone.after.items] == ["base"]


def test_an_add_on_for_once_is_charged_whole_and_gone_with_the_period():
    of, setup = build.version(), build.version([build.flat("31", code="setup")]).items[0]
    known = build.offers(of, setup=AddOnOffer(setup, once=True))
    step = changed(runs(of), Change(add_ons={"setup": Fraction(1)}), at="2026-01-16", known=known)
    assert amounts(step.made) == {"setup": "31.00 EUR"}
    assert [each.code for each in step.after.items] == ["base", "setup"]
    renewal, following = renewed(step.after, of, 2)
    assert [each.code for each in renewal.after.items] == ["base"]
    assert billed(following) == {"base": "49.00 EUR"}
    first, second = renewed(build.subscription(of, known=known, add_ons={"setup": Fraction(1)}), of, 2)
    assert (billed(first)["setup"], "setup" in billed(second)) == ("31.00 EUR", False)


@pytest.mark.parametrize(
    ("offer", "rule"),
    [
        ({"requires_plans": ("basic", "team")}, "requires"),
        ({"requires_add_ons": ("phone",)}, "requires"),
        ({"excludes": ("pro",)}, "excludes"),
    ],
)
def test_an_add_on_is_sold_only_where_its_conditions_hold(offer, rule):
    of, sms = build.version(), build.version([build.flat("31", code="sms")]).items[0]
    known = build.offers(of, sms=AddOnOffer(sms, **offer))
    with pytest.raises(AddOnNotAllowed) as refusal:
        changed(runs(of), Change(add_ons={"sms": Fraction(1)}), at="2026-01-16", known=known)
    assert refusal.value.facts["rule"] == rule
    assert refusal.value.violations[0].field == "add_ons[0]"


def test_a_price_of_its_own_counts_for_its_periods_and_then_the_plans_again():
    of = build.version([build.flat("49"), build.seat("10")])
    override = PriceOverride("seats", price_from_json({"model": "per_unit", "unit_amount": "8"}), 2)
    first, second, third = renewed(build.subscription(of, overrides=(override,)), of, 3)
    assert [billed(each)["seats"] for each in (first, second, third)] == ["8.00 EUR", "8.00 EUR", "10.00 EUR"]
    step = changed(first.after, Change(overrides=(replace(override, periods=None),)), of, at="2026-01-11", when=NOW)
    assert step.made == ()  # the same price goes on
    dear = replace(override, price=price_from_json({"model": "per_unit", "unit_amount": "18"}))
    up = changed(first.after, Change(overrides=(dear,)), of, at="2026-01-16T12:00")
    assert (up.kind, [kind for kind, _ in up.rules]) == (StepKind.PRICE_OVERRIDDEN, [ChangeKind.UPGRADE])
    assert amounts(up.made) == {"seats/credit": "-4.00 EUR", "seats": "9.00 EUR"}


def test_a_change_in_a_trial_makes_no_lines():
    one, other = build.version([build.flat("10")], trial_days=14), build.version([build.flat("30")])
    step = changed(build.subscription(one), Change(other.id), one, other, at="2026-01-05")
    assert (step.made, step.after.plan_version_id) == ((), other.id)
    (end,) = renewed(step.after, build.offers(one, other))
    assert billed(end) == {"base": "30.00 EUR"}


def test_a_fee_in_arrears_has_no_line_for_a_window_that_costs_nothing():
    one, other = (build.version([build.flat(fee, Timing.ARREARS)]) for fee in ("31", "62"))
    before = runs(one, "2026-01-01")
    step = changed(before, Change(other.id), one, other, at="2026-01-01T00:00:05", proration=DAYS)
    assert step.made == ()
    (renewal,) = renewed(step.after, other)
    assert billed(renewal) == {"base": "62.00 EUR"}
